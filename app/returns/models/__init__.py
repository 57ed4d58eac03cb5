"""What comes back, as rows: reports of the provider, and mail."""

from app.returns.models.events import Cause, EventPost, EventTally, Kind, ListPull, MailEvent, PostState, Withdrawal
from app.returns.models.replies import InboundMail, InboundState, Reply, ReplyFile, ReplyKind

__all__ = [
    "Cause",
    "EventPost",
    "EventTally",
    "InboundMail",
    "InboundState",
    "Kind",
    "ListPull",
    "MailEvent",
    "PostState",
    "Reply",
    "ReplyFile",
    "ReplyKind",
    "Withdrawal",
]
