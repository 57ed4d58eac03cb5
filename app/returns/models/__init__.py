"""What comes back, as rows."""

from app.returns.models.replies import InboundMail, InboundState, Reply, ReplyFile, ReplyKind

__all__ = ["InboundMail", "InboundState", "Reply", "ReplyFile", "ReplyKind"]
