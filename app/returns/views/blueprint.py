"""The blueprint that everything about returns hangs on."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("returns", __name__)
