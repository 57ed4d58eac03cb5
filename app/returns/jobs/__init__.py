"""What the worker does with what comes back."""

from app.returns.jobs import mailbox, replies

__all__ = ["mailbox", "replies"]
