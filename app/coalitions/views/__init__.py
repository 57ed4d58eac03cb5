"""Pages of coalitions and organizations, one module per group of pages."""

from app.coalitions.views import audit, invitation, organizations, overview, own
from app.coalitions.views.frame import blueprint

__all__ = ["audit", "blueprint", "invitation", "organizations", "overview", "own"]
