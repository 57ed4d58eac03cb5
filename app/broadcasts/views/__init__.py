"""The pages of updates: writing, looking, testing, approving, sending, and watching them go."""

from app.broadcasts.views import answers, composing, looking, sending, showing
from app.broadcasts.views.frame import blueprint

__all__ = ["answers", "blueprint", "composing", "looking", "sending", "showing"]
