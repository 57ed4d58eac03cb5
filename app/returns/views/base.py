"""The one blueprint that everything about what comes back hangs on."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("returns", __name__)
