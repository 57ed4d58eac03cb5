"""What comes back: the providers' doors, the page behind a mailed link, and the operator's."""

from app.returns.views import inbound, replies
from app.returns.views.base import blueprint

__all__ = ["blueprint", "inbound", "replies"]
