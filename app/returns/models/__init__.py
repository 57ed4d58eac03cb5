"""What comes back, as rows: reports of the provider, and mail; and what the provider is told."""

from app.returns.models.events import Cause, EventPost, EventTally, Kind, ListPull, MailEvent, PostState, Withdrawal
from app.returns.models.replies import InboundMail, InboundState, Reply, ReplyFile, ReplyKind
from app.returns.models.telling import GroupTold, Telling

__all__ = [
    "Cause",
    "EventPost",
    "EventTally",
    "GroupTold",
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
