"""What is done with what comes back."""

from app.returns.commands.forgetting import clear_old, forget_sender, hear
from app.returns.commands.receiving import READ, Claim, receive, take, unreadable
from app.returns.commands.replies import record

__all__ = ["READ", "Claim", "clear_old", "forget_sender", "hear", "receive", "record", "take", "unreadable"]
