"""Pages of supporters."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("supporters", __name__)
