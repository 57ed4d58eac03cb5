"""Pages of petitions."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("petitions", __name__)
