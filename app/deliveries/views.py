"""Pages of deliveries."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("deliveries", __name__)
