"""The pages on which a text is written, talked about, fixed and opened, by what one does there."""

from app.statements.views import drafting, opening, reviewing, showing
from app.statements.views.shared import blueprint

__all__ = ["blueprint", "drafting", "opening", "reviewing", "showing"]
