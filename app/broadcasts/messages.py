"""The letters of updates: the update itself, its test, and the request to approve it."""

from __future__ import annotations

from app.broadcasts.models import Broadcast
from app.broadcasts.rules import filled, filled_markdown
from app.coalitions.models import Organization
from app.mail.message import Message, Priority
from app.supporters.rules import stream


def update(
    broadcast: Broadcast, *, to: str, given_name: str, language: str, unsubscribe_path: str, manage_path: str
) -> Message:
    """The update as one supporter gets it: from its sender, with one-click unsubscribe."""
    return Message(
        to=to,
        to_name=given_name,
        template="broadcasts/mail/update",
        context=_words(broadcast, given_name) | {"test": False, "manage_path": manage_path},
        priority=Priority.UPDATE,
        from_name=broadcast.organization.name,
        reply_to=broadcast.organization.public_email or "",
        repeatable=False,
        stream=stream(broadcast.organization_id),
        unsubscribe_path=unsubscribe_path,
        language=language,
    )


def test(broadcast: Broadcast, *, to: str, name: str) -> Message:
    """The update sent to its author, marked as a test."""
    return Message(
        to=to,
        to_name=name,
        template="broadcasts/mail/update",
        context=_words(broadcast, name.split(" ", maxsplit=1)[0]) | {"test": True, "manage_path": ""},
        priority=Priority.RECEIPT,
        from_name=broadcast.organization.name,
        reply_to=broadcast.organization.public_email or "",
    )


def approval_wanted(broadcast: Broadcast, *, to: str, name: str, coalition_slug: str) -> Message:
    """Asks a person who may approve to read the update."""
    return Message(
        to=to,
        to_name=name,
        template="broadcasts/mail/approval_wanted",
        context={
            "name": name,
            "sender": broadcast.organization.name,
            "subject_line": broadcast.title,
            "author": broadcast.author.name if broadcast.author else "A colleague",
            "path": f"/work/{coalition_slug}/updates/{broadcast.id}",
        },
        priority=Priority.RECEIPT,
    )


def _words(broadcast: Broadcast, given_name: str) -> dict[str, object]:
    organization: Organization = broadcast.organization
    return {
        "subject_line": filled(broadcast.subject, given_name),
        "markdown": filled_markdown(broadcast.body, given_name),
        "organization": organization.name,
        "campaign": broadcast.campaign.title,
        "campaign_path": f"/campaigns/{broadcast.campaign.slug}",
    }
