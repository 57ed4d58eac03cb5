"""Reports worked off: each once, many in one transaction; letters move forward and the policy is applied."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from app.core import db
from app.mail import events, outbox
from app.mail.events import Known, Report
from app.mail.models import Email, EmailState
from app.returns.models import Cause, EventTally, Kind, MailEvent, Withdrawal
from app.returns.rules import policy
from app.returns.rules.policy import Action
from app.returns.rules.reading import Heard

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# A report that names no letter speaks of the latest letter to its address, if that left no longer ago than this.
NAMELESS_WINDOW = timedelta(days=7)
CLOCKS_DIFFER = timedelta(minutes=10)
IGNORED = "ignored"
PROVES = {
    Kind.PROCESSED: EmailState.ACCEPTED,
    Kind.DEFERRED: EmailState.ACCEPTED,
    Kind.DELIVERED: EmailState.DELIVERED,
    Kind.BOUNCE: EmailState.BOUNCED,
    Kind.DROPPED: EmailState.DROPPED,
    Kind.COMPLAINT: EmailState.DELIVERED,
    Kind.LEFT: EmailState.DELIVERED,
}
NEVER_LEFT = (EmailState.QUEUED, EmailState.FAILED, EmailState.DROPPED)


@dataclass(frozen=True, slots=True)
class Matched:
    """A report and the letter it speaks of."""

    heard: Heard
    letter: Known


def hear(session: Session, reports: Sequence[Heard], *, ignored: int = 0, now: datetime) -> int:
    """Work off reports; returns how many were new and of letters of ours. Repeating it changes nothing.

    A report counts only if its attempt token is the letter's own, or the reporter proved to know the letter: another
    installation that shares the provider's account has letters with the same numbers. ``ignored`` is added to the
    count of reports that ask for nothing.
    """
    named = name_the_nameless(session, reports, now)
    letters = events.hold(session, {one.email_id for one in named if one.email_id is not None})
    matched = [Matched(one, letters[one.email_id]) for one in named if one.email_id in letters and _ours(one, letters)]
    fresh = _write_down(session, matched, now)
    events.report(session, letters, [_report(one) for one in fresh], now=now)
    _apply(session, fresh, now)
    words = Counter(policy.word(one.heard.kind, one.heard.cause) for one in fresh)
    words[IGNORED] += ignored + len(reports) - len(matched)
    _tally(session, words, now)
    return len(fresh)


def _ours(one: Heard, letters: dict[int, Known]) -> bool:
    token = letters[one.email_id].attempt_token if one.email_id is not None else None
    return one.proven or (bool(one.attempt) and one.attempt == token)


def _report(one: Matched) -> Report:
    return Report(one.letter.id, PROVES[one.heard.kind], one.heard.reason)


def name_the_nameless(session: Session, reports: Sequence[Heard], now: datetime) -> list[Heard]:
    """Late bounces carry no marks of ours: each is given the latest letter to its address, or left out."""
    addresses = {one.address for one in reports if one.email_id is None and one.address}
    left: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
    moment = sa.func.coalesce(Email.accepted_at, Email.settled_at, Email.created_at, type_=Email.created_at.type)
    for part in _parts(sorted(addresses)):
        query = sa.select(Email.to_canonical, moment, Email.id).where(
            Email.to_canonical.in_(part), Email.state.not_in(NEVER_LEFT), moment > now - NAMELESS_WINDOW * 2
        )
        for address, at, ident in session.execute(query):
            left[address].append((at, ident))
    named: list[Heard] = []
    for one in reports:
        if one.email_id is not None:
            named.append(one)
            continue
        before = [
            (at, ident)
            for at, ident in left.get(one.address, [])
            if one.at - NAMELESS_WINDOW < at <= one.at + CLOCKS_DIFFER
        ]
        if before:
            named.append(replace(one, email_id=max(before)[1], proven=True))
    return named


def _parts(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (items[start : start + events.LOT] for start in range(0, len(items), events.LOT))


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
            "email_id": one.letter.id,
            "address": one.letter.address if _acts(one) else None,
            "reason": one.heard.reason,
            "suppressed": False,
        }
        for key, one in once.items()
    ]
    new = db.insert_new(session, MailEvent, rows, unique="event_id")
    return [one for key, one in once.items() if key in new]


def _acts(one: Matched) -> bool:
    return one.heard.kind in {Kind.BOUNCE, Kind.COMPLAINT, Kind.LEFT}


def _apply(session: Session, fresh: Sequence[Matched], now: datetime) -> None:
    """The bounce policy. Addresses are taken in one order, because each is held until the end."""
    acting = sorted((one for one in fresh if _acts(one)), key=lambda one: (one.letter.address, one.heard.key))
    counting = {one.letter.address for one in acting if policy.action(one.heard.kind, one.heard.cause) is Action.COUNT}
    worn_out = _worn_out(session, counting, now)
    stopped: list[str] = []
    for one in acting:
        address, asked = one.letter.address, policy.action(one.heard.kind, one.heard.cause)
        if asked is Action.LEAVE:
            withdraw(session, address, one.letter.stream, complaint=one.heard.kind is Kind.COMPLAINT, at=one.heard.at)
            stopped.append(one.heard.key)
        elif asked is Action.STOP_ALL or (asked is Action.COUNT and address in worn_out):
            outbox.suppress(session, address, reason="bounce", now=now)
            stopped.append(one.heard.key)
    for part in _parts(stopped):
        mark = sa.update(MailEvent).where(MailEvent.event_id.in_(part)).values(suppressed=True)
        session.execute(mark.execution_options(synchronize_session=False))


def withdraw(session: Session, address: str, stream: str, *, complaint: bool, at: datetime) -> None:
    """Stop a stream to somebody who said so at the mail provider, and leave a note for the ledger of consents."""
    outbox.suppress(session, address, stream=stream, reason="complaint" if complaint else "left", now=at)
    session.add(Withdrawal(address=address, stream=stream, complaint=complaint, at=at))


def _worn_out(session: Session, addresses: set[str], now: datetime) -> set[str]:
    """Mailboxes that were unavailable to too many letters. A report repeated under another key counts once."""
    found: set[str] = set()
    for part in _parts(sorted(addresses)):
        query = sa.select(MailEvent.address).where(
            MailEvent.address.in_(part),
            MailEvent.kind == Kind.BOUNCE,
            MailEvent.cause.in_([Cause.MAILBOX, Cause.UNCLEAR]),
            MailEvent.at > now - policy.SPAN,
        )
        letters = sa.func.count(MailEvent.email_id.distinct())
        found.update(
            str(address)
            for address in session.scalars(query.group_by(MailEvent.address).having(letters >= policy.LETTERS))
        )
    return found


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
