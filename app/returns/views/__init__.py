"""The door the mail provider posts to, and the operator's pages about what came back."""

from app.returns.views import receiving, showing
from app.returns.views.blueprint import blueprint

__all__ = ["blueprint", "receiving", "showing"]
