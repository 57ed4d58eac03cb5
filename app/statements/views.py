"""Pages of statements."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("statements", __name__)
