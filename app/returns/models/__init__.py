"""What comes back, as rows: reports of the provider, and mail; and what the provider is told."""

from app.returns.models.events import Cause, EventPost, EventTally, Kind, ListPull, MailEvent, PostState, Withdrawal
from app.returns.models.replies import InboundMail, InboundState, Reply, ReplyFile, ReplyKind
from app.returns.models.telling import Telling

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
    "Telling",
    "Withdrawal",
]
