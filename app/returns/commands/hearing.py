"""Reports worked off: each once, many in one transaction; letters move forward and the policy is applied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core import db
from app.mail import events
from app.mail.events import Known, Report
from app.mail.models import EmailState
from app.mailings import commands as mailings
from app.mailings import queries as readers
from app.mailings.models import BatchState, ReaderState
from app.mailings.queries import Marked
from app.returns.commands.heeding import Acting, act_on
from app.returns.commands.naming import name_the_nameless
from app.returns.models import EventTally, Kind, MailEvent
from app.returns.rules import policy
from app.returns.rules.policy import Action
from app.returns.rules.reading import Heard

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

IGNORED = "ignored"
WENT_WRONG = {Kind.BOUNCE, Kind.DROPPED}
PROVES = {
    Kind.PROCESSED: EmailState.ACCEPTED,
    Kind.DEFERRED: EmailState.ACCEPTED,
    Kind.DELIVERED: EmailState.DELIVERED,
    Kind.BOUNCE: EmailState.BOUNCED,
    Kind.DROPPED: EmailState.DROPPED,
    Kind.COMPLAINT: EmailState.DELIVERED,
    Kind.LEFT: EmailState.DELIVERED,
}
TELLS = {
    Kind.PROCESSED: ReaderState.ACCEPTED,
    Kind.DEFERRED: ReaderState.ACCEPTED,
    Kind.DELIVERED: ReaderState.DELIVERED,
    Kind.BOUNCE: ReaderState.BOUNCED,
    Kind.DROPPED: ReaderState.DROPPED,
    Kind.COMPLAINT: ReaderState.COMPLAINED,
    Kind.LEFT: ReaderState.DELIVERED,
}


@dataclass(frozen=True, slots=True)
class Matched:
    """A report and the letter it speaks of: a single one, or a mailing's to one reader."""

    heard: Heard
    letter: Known | Marked
    is_earlier: bool = False  # of an attempt that another came after

    @property
    def acts(self) -> bool:
        """Whether something may be done about it beside moving the letter on."""
        return self.heard.kind is Kind.BOUNCE or policy.action(self.heard.kind, None) is not Action.NOTHING


def hear(session: Session, reports: Sequence[Heard], *, ignored: int = 0, now: datetime) -> int:
    """Work off reports; returns how many were new and of letters of ours. Repeating it changes nothing.

    A report counts only if its attempt token is of one of the letter's own attempts, or the reporter proved to know
    the letter: another installation that shares the provider's account has letters with the same numbers. An earlier
    attempt that went wrong is written down and says nothing of the newer one. ``ignored`` is added to the
    count of reports that ask for nothing. Locks are taken in the house's order: letters, addresses, batches, readers.
    """
    named = name_the_nameless(session, reports, now)
    letters = events.hold(session, {one.email_id for one in named if one.email_id is not None})
    known = readers.marked(session, sorted({one.reader_id for one in named if one.reader_id is not None}))
    matched = _matched(session, named, letters, known)
    fresh = _write_down(session, matched, now)
    single = [
        Report(one.letter.id, PROVES[one.heard.kind], one.heard.reason)
        for one in fresh
        if _single(one) and not (one.is_earlier and one.heard.kind in WENT_WRONG)
    ]
    events.report(session, letters, single, now=now)
    act_on(session, [_acting(one) for one in fresh if one.acts], now=now)
    _tell_mailings(session, fresh, now)
    words = Counter(policy.word(one.heard.kind, one.heard.cause) for one in fresh)
    words[IGNORED] += ignored + len(reports) - len(matched)
    _tally(session, words, now)
    return len(fresh)


def _matched(
    session: Session, reports: Sequence[Heard], letters: dict[int, Known], known: dict[int, Marked]
) -> list[Matched]:
    """The reports of letters of ours: by the newest attempt's token, else by an earlier one's."""
    found: list[Matched] = []
    late: list[Matched] = []
    for heard in reports:
        letter: Known | Marked | None = letters.get(heard.email_id) if heard.email_id is not None else None
        if heard.reader_id is not None:
            letter = known.get(heard.reader_id)
        if letter is not None and (heard.proven or (heard.attempt and heard.attempt == letter.attempt_token)):
            found.append(Matched(heard, letter))
        elif letter is not None and heard.attempt:
            late.append(Matched(heard, letter, is_earlier=True))
    return [*found, *_of_earlier_attempts(session, late)] if late else found


def _of_earlier_attempts(session: Session, late: Sequence[Matched]) -> list[Matched]:
    named = events.earlier(session, {(one.letter.id, one.heard.attempt) for one in late if _single(one)})
    proof = mailings.Proof(session, {one.heard.attempt for one in late if not _single(one)})
    return [
        one
        for one in late
        if (
            proof.names(one.heard.attempt, one.letter.mailing_id)
            if isinstance(one.letter, Marked)
            else (one.letter.id, one.heard.attempt) in named
        )
    ]


def _single(one: Matched) -> bool:
    return isinstance(one.letter, Known)


def _acting(one: Matched) -> Acting:
    return Acting(
        key=one.heard.key,
        kind=one.heard.kind,
        cause=one.heard.cause,
        at=one.heard.at,
        address=one.letter.address,
        stream=one.letter.stream,
    )


def _write_down(session: Session, matched: Sequence[Matched], now: datetime) -> list[Matched]:
    """Keep each report once; returns those not known before. In one order, so that nobody waits in a circle."""
    once = {one.heard.key: one for one in sorted(matched, key=lambda one: one.heard.key)}
    rows = [
        {
            "event_id": key,
            "kind": one.heard.kind,
            "cause": one.heard.cause,
            "at": one.heard.at,
            "heard_at": now,
            "email_id": one.letter.id if _single(one) else None,
            "reader_id": None if _single(one) else one.letter.id,
            "address": one.letter.address if one.acts else None,
            "reason": one.heard.reason,
            "suppressed": False,
        }
        for key, one in once.items()
    ]
    new = db.insert_new(session, MailEvent, rows, unique="event_id")
    return [one for key, one in once.items() if key in new]


def _tell_mailings(session: Session, fresh: Sequence[Matched], now: datetime) -> None:
    """Move readers on. That the provider took a batch which is known to be taken is no news, so nothing is written."""
    reports = []
    for one in fresh:
        if isinstance(one.letter, Marked):
            state = TELLS[one.heard.kind]
            if state is ReaderState.ACCEPTED and one.letter.batch is BatchState.ACCEPTED and not one.is_earlier:
                continue
            token = "" if one.heard.proven else one.heard.attempt
            reports.append(mailings.Report(one.letter.id, token, state, one.heard.reason))
    mailings.reported_many(session, reports, now=now)
    for one in fresh:
        if isinstance(one.letter, Marked) and one.heard.kind is Kind.LEFT:
            mailings.left(session, one.letter.mailing_id, one.letter.reader_key, now=now)


def _tally(session: Session, words: Counter[str], now: datetime) -> None:
    """Count reports by the hour they were heard in; last, because every worker counts in the same rows."""
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    counted = sorted((word, number) for word, number in words.items() if number)
    rows = [{"hour": hour, "word": word, "number": 0} for word, _ in counted]
    db.insert_once(session, EventTally, rows, unique=["hour", "word"])
    for word, number in counted:
        session.execute(
            sa.update(EventTally)
            .where(EventTally.hour == hour, EventTally.word == word)
            .values(number=EventTally.number + number)
            .execution_options(synchronize_session=False)
        )
