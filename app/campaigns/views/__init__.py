"""The workroom's pages of campaigns: the demand and its targets; the timeline and what groups say beside it."""

from app.campaigns.views import campaigning, timeline
from app.campaigns.views.shared import blueprint

__all__ = ["blueprint", "campaigning", "timeline"]
