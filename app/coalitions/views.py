"""Pages of coalitions."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("coalitions", __name__)
