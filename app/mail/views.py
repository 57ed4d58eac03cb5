"""The outbox for operators, and a reader of written letters while developing."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("mail", __name__)
