"""The one blueprint that the pages of petitions hang on."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("petitions", __name__)
