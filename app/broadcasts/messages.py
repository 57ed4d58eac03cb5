"""The letters of updates: the update itself, its test, and the request to approve it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.broadcasts.models import Broadcast
from app.broadcasts.rules import filled, filled_markdown
from app.coalitions.models import Organization
from app.mail import mass
from app.mail.message import Message, Priority
from app.mailings.messages import fills
from app.mailings.models import Mailing
from app.mailings.queries import Addressed
from app.supporters.rules import STREAMS, links_in

TEMPLATE = "broadcasts/mail/update"


def form(broadcast: Broadcast) -> mass.Form:
    """The update as everybody gets it: from its sender, with one-click unsubscribe and a hole for each reader's own."""
    tags = mass.holes(["given_name"], plain=["leave", "manage"])
    own = {name: tag for name, (tag, _) in tags.items()}
    words = _words(broadcast, own["given_name"]) | {"test": False, "manage_path": f"/preferences/{own['manage']}"}
    letter = Message(
        to="",
        to_name="",
        template=TEMPLATE,
        context=words,
        priority=Priority.UPDATE,
        from_name=broadcast.organization.name,
        demo=broadcast.campaign.coalition.is_demo,
        reply_to=broadcast.organization.public_email or "",
        repeatable=False,
        unsubscribe_path=f"/unsubscribe/{own['leave']}",
    )
    return mass.write(letter, tags)


@fills(TEMPLATE)
def _values(_session: Session, mailing: Mailing, readers: Sequence[Addressed], now: datetime) -> list[dict[str, str]]:
    links = links_in(int(mailing.stream.removeprefix(STREAMS)), mailing.id, now)
    values = []
    for reader in readers:
        leave, manage = links(reader.reader_key)
        values.append({"given_name": reader.name or "friend", "leave": leave, "manage": manage})
    return values


def test(broadcast: Broadcast, *, to: str, name: str) -> Message:
    """The update sent to its author, marked as a test."""
    return Message(
        to=to,
        to_name=name,
        template="broadcasts/mail/update",
        context=_words(broadcast, name.split(" ", maxsplit=1)[0]) | {"test": True, "manage_path": ""},
        priority=Priority.RECEIPT,
        from_name=broadcast.organization.name,
        demo=broadcast.campaign.coalition.is_demo,
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
        demo=broadcast.campaign.coalition.is_demo,
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
