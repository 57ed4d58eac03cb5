"""Pages of signons."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("signons", __name__)
