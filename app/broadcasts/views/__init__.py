"""The pages of updates: writing, looking, testing, approving, sending, and watching them go."""

from app.broadcasts.views import comparing, composing, departing, looking, progress, replying, sending, showing
from app.broadcasts.views.frame import blueprint

__all__ = ["blueprint", "comparing", "composing", "departing", "looking", "progress", "replying", "sending", "showing"]
