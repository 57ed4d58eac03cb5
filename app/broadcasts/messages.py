"""The letters of updates: the update itself, its test, and the request to approve it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from app.broadcasts import queries
from app.broadcasts.models import Broadcast
from app.broadcasts.rules import Field, Placed, Values, fields_in, fill_markdown, fill_subject, marked, replaced
from app.mail import mass, outbox
from app.mail.message import Message, Priority
from app.mailings.messages import fills
from app.mailings.models import Mailing
from app.mailings.queries import Addressed
from app.supporters.rules import links_in

TEMPLATE = "broadcasts/mail/update"
APPROVAL_WANTED = "broadcasts/mail/approval_wanted"
outbox.asked_at_the_door(APPROVAL_WANTED)(queries.unwanted)


def forms(broadcast: Broadcast, subjects: Sequence[tuple[str, str]], *, base_url: str) -> list[mass.Form]:
    """The update with each of its subjects: (words, code) where they are compared, or the one it has.

    Empty words are the update's own subject. The code stands in links to our own pages.
    """
    if not subjects:
        return [form(broadcast)]
    further = [words for words, _ in subjects if words]
    written = [(form(broadcast, subject=words, further=further), code) for words, code in subjects]
    return [
        replace(one, text=marked(one.text, base_url, code), html=marked(one.html, base_url, code))
        for one, code in written
    ]


def form(broadcast: Broadcast, *, subject: str = "", further: Sequence[str] = ()) -> mass.Form:
    """The update as everybody gets it: from its sender, with one-click unsubscribe and a hole for each reader's own.

    ``further`` are all subjects beside its own: a reader's values are the same whichever of them they get.
    """
    fixed = _fixed(broadcast)
    own = [one for one in _placed(broadcast, further) if one.field not in fixed]
    tags = mass.holes([_hole(one) for one in own], plain=["leave", "manage"])
    bare = {name: tag for name, (tag, _) in tags.items()}

    def written(one: Placed) -> str:
        return one.value(fixed) if one.field in fixed else bare[_hole(one)]

    words = _words(broadcast, replaced(subject or broadcast.subject, written), replaced(broadcast.body, written))
    unsubscribe_path, manage_path = f"/unsubscribe/{bare['leave']}", f"/preferences/{bare['manage']}"
    return mass.write(_letter(broadcast, words, unsubscribe_path, manage_path), tags)


def for_reader(broadcast: Broadcast, values: Values, *, language: str) -> Message:
    """The update as one reader would get it, to be looked at: its links to leave lead nowhere."""
    words = _words(broadcast, fill_subject(broadcast.subject, values), fill_markdown(broadcast.body, values))
    letter = _letter(broadcast, words, "/unsubscribe/preview", "/preferences/preview")
    return replace(letter, language=language)


def _letter(broadcast: Broadcast, words: dict[str, object], unsubscribe_path: str, manage_path: str) -> Message:
    return Message(
        to="",
        to_name="",
        template=TEMPLATE,
        context=words | {"test": False, "manage_path": manage_path},
        priority=Priority.UPDATE,
        from_name=broadcast.organization.writes_as,
        demo=broadcast.campaign.coalition.is_demo,
        reply_to=broadcast.organization.public_email or "",
        repeatable=False,
        unsubscribe_path=unsubscribe_path,
    )


def _placed(broadcast: Broadcast, further: Sequence[str]) -> list[Placed]:
    """The fields of the words, each once for every fallback it is written with."""
    words = [broadcast.subject, *further, broadcast.body]
    return list(dict.fromkeys(one for text in words for one in fields_in(text)))


def _hole(one: Placed) -> str:
    return f"{one.field.value}|{one.fallback}"


def _fixed(broadcast: Broadcast) -> dict[Field, str]:
    """What is the same for all readers; a number that nobody knows is the author's fallback for everybody."""
    return {Field.COUNT: "" if broadcast.frozen_count is None else f"{broadcast.frozen_count:,}"}


@fills(TEMPLATE)
def _values(session: Session, mailing: Mailing, readers: Sequence[Addressed], now: datetime) -> list[dict[str, str]]:
    broadcast = queries.of_mailing(session, mailing.id)
    links = links_in(broadcast.organization_id, mailing.id, now)
    fixed = _fixed(broadcast)
    placed = _placed(broadcast, queries.further_subjects(session, broadcast))
    own = [(_hole(one), one) for one in placed if one.field not in fixed]
    known: dict[int, dict[Field, str]] = {}
    if any(one.field is not Field.GIVEN_NAME for _, one in own):
        known = queries.values_for(session, broadcast, [reader.reader_key for reader in readers])
    filled = []
    for reader in readers:
        leave, manage = links(reader.reader_key)
        # The name is the one that was copied with the address, whatever became of the person since.
        values = {**known.get(reader.reader_key, {}), Field.GIVEN_NAME: reader.name}
        filled.append({"leave": leave, "manage": manage, **{hole: one.value(values) for hole, one in own}})
    return filled


def test(broadcast: Broadcast, *, to: str, name: str, values: Values) -> Message:
    """The update sent to its author or a colleague, marked as a test."""
    words = _words(broadcast, fill_subject(broadcast.subject, values), fill_markdown(broadcast.body, values))
    return Message(
        to=to,
        to_name=name,
        template=TEMPLATE,
        context=words | {"test": True, "manage_path": ""},
        priority=Priority.RECEIPT,
        from_name=broadcast.organization.writes_as,
        demo=broadcast.campaign.coalition.is_demo,
        reply_to=broadcast.organization.public_email or "",
    )


def approval_wanted(broadcast: Broadcast, *, to: str, name: str, coalition_slug: str) -> Message:
    """Asks a person who may approve to read the update."""
    return Message(
        to=to,
        to_name=name,
        template=APPROVAL_WANTED,
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


def _words(broadcast: Broadcast, subject: str, body: str) -> dict[str, object]:
    return {
        "subject_line": subject,
        "markdown": body,
        "organization": broadcast.organization.name,
        "campaign": broadcast.campaign.title,
        "campaign_path": f"/campaigns/{broadcast.campaign.slug}",
    }
