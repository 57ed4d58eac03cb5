"""The one letter of the post office itself."""

from __future__ import annotations

from app.mail.message import Message, Priority


def trial(to: str, name: str) -> Message:
    """Shows an operator that mail leaves, and how it arrives."""
    return Message(
        to=to,
        to_name=name,
        template="mail/mail/trial",
        context={"name": name or "there", "site_path": "/"},
        priority=Priority.RECEIPT,
        ignores_suppression=True,
    )
