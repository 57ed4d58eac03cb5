"""The doors by which reports and mail come in, the page behind a mailed link, and the operator's pages."""

from app.returns.views import inbound, receiving, replies, showing
from app.returns.views.blueprint import blueprint

__all__ = ["blueprint", "inbound", "receiving", "replies", "showing"]
