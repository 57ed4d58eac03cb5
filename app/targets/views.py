"""Pages of targets."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("targets", __name__)
