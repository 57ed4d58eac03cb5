"""The pages of automated letters, under their petition."""

from app.automations.views import composing, showing, switching
from app.automations.views.frame import blueprint

__all__ = ["blueprint", "composing", "showing", "switching"]
