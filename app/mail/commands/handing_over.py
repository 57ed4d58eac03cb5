"""What becomes of a letter: taken, handed over, settled.

Every settling is fenced by the claim's token: whoever lost the claim changes nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import defer

from app.core import db
from app.jobs import leases
from app.jobs.bell import ring
from app.mail import circuit, outbox
from app.mail.models import Email, EmailAttempt, EmailState, MailPause
from app.mail.outbox import SEND
from app.mail.render import Rendered
from app.mail.transports import Accepted, AccountRefused, NotAccepted, Outcome, OutcomeUnknown, TryAgain

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

MOST_ATTEMPTS = 12
# The waits between twelve attempts: quick at first, because most trouble is short, about two days in all.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 20, 40, 80, 160, 300, 720, 1440))
BODILESS = (defer(Email.raw), defer(Email.html), defer(Email.text), defer(Email.context))
SKEW = timedelta(minutes=5)  # clocks of several machines differ by less
UNSETTLED = (EmailState.SUBMITTING, EmailState.UNKNOWN)
OF_NO_USE = "It could not leave in time: its link had ended, or nobody waited for it any more. Ask for it again."
STOPPED = "The worker stopped while it handed the letter over."


@dataclass(frozen=True, slots=True)
class Claim:
    """A letter that is ours to work on until its lease runs out."""

    email_id: int
    token: str
    repeatable: bool
    canonical: str  # the address by which suppression is asked; empty for a letter that goes out in any case


@dataclass(frozen=True, slots=True)
class Taken:
    """A claim, and the letter without its files as it was at that moment: to be written, not to be changed."""

    claim: Claim
    email: Email


@dataclass(frozen=True, slots=True)
class Going:
    """A letter as it is about to be handed over: its claim, its words, its id and bytes."""

    claim: Claim
    words: Rendered
    message_id: str
    raw: bytes


def take(session: Session, *, lot: int, lease: timedelta, probe: bool = False, now: datetime) -> list[Taken]:
    """Take the most urgent due letters, and those that a worker died over if they may repeat.

    As a ``probe`` of a way out that just served nobody, one: rather one that may repeat, and not always the same.
    """
    due = sa.or_(
        Email.state == EmailState.QUEUED, sa.and_(Email.state == EmailState.SUBMITTING, Email.repeatable.is_(True))
    )
    order = (Email.repeatable.desc(), Email.try_after, Email.id) if probe else (Email.rank, Email.id)
    rows = leases.claim(session, Email, due, order=order, lot=1 if probe else lot, lease=lease, now=now)
    for row in rows:
        row.held_by = leases.holder()
    return [Taken(_claim(row), row) for row in rows if _can_go(session, row, now)]


def _claim(row: Email) -> Claim:
    canonical = "" if row.ignores_suppression else row.to_canonical
    return Claim(row.id, str(row.lease_token), row.repeatable, canonical)


def _can_go(session: Session, row: Email, now: datetime) -> bool:
    died, row.state = row.state is EmailState.SUBMITTING, EmailState.QUEUED
    if died:
        row.last_error = STOPPED
        remember(session, row, row.attempts - 1, STOPPED, certain=False, now=now)
    if row.attempts > MOST_ATTEMPTS and not died:
        # Workers that die between taking a letter and handing it over have not tried it.
        row.attempts = min(row.attempts, _tried(session, row) + 1)
    if row.attempts > MOST_ATTEMPTS:
        _settle(row, EmailState.UNKNOWN if died else EmailState.FAILED, now)
        leases.release(row)
        return False
    return True


def _tried(session: Session, row: Email) -> int:
    """How many attempts ended with an answer, or with none."""
    tries = sa.select(sa.func.max(EmailAttempt.number)).where(EmailAttempt.email_id == row.id)
    return session.scalar(tries) or 0


def bring_forward(session: Session, *, now: datetime) -> int:
    """Call letters due whose hour lies further ahead than any wait of ours: a clock that has been put back set it."""
    waits = enumerate((timedelta(0), *WAITS))
    too_far = [
        sa.and_(Email.attempts == tried, Email.try_after > now + max(wait, circuit.LONGEST_ASKED) + SKEW)
        for tried, wait in waits
    ]
    dated = sa.or_(sa.and_(Email.attempts == 0, Email.created_at > now + SKEW), *too_far)
    early = sa.update(Email).where(Email.state == EmailState.QUEUED, Email.try_after > now, dated)
    moved = session.scalars(early.values(try_after=now).returning(Email.id)).all()
    if moved:
        ring(session, SEND)
    return len(moved)


def give_up_the_lost(session: Session, *, lot: int, now: datetime) -> int:
    """Call letters unknown that may not repeat and whose worker died while it handed them over: they may have arrived.

    The claim's token stays: if that worker was only slow, ``settle`` still takes its answer.
    """
    lost = sa.select(Email).where(
        Email.state == EmailState.SUBMITTING, Email.repeatable.is_(False), leases.is_free(Email, now)
    )
    rows = list(session.scalars(lost.order_by(Email.id).limit(lot).with_for_update(skip_locked=True)))
    for row in rows:
        row.last_error = STOPPED
        remember(session, row, row.attempts, STOPPED, certain=False, now=now)
        _settle(row, EmailState.UNKNOWN, now)
    return len(rows)


def remember(session: Session, row: Email, number: int, reason: str, *, certain: bool, now: datetime) -> None:
    """Keep how an attempt ended that was not taken, for the letter's page and for reports that come late.

    ``certain`` says that it did not leave, by all that we know.
    """
    ended = {"email_id": row.id, "number": number, "at": now, "reason": reason[:500], "certain": certain}
    session.add(EmailAttempt(**ended, token=row.attempt_token))


def hand_over(session: Session, lot: Sequence[Going], *, until: datetime, now: datetime) -> set[int]:
    """Write down, before the call, that these letters are being handed over; the ids of those that may be.

    Suppression is asked here, at the last moment, and whether letters are still wanted and of use. Commit before
    calling the transport.
    """
    outbox.wait_for(session, {going.claim.canonical for going in lot} - {""})
    rows = _held(session, [going.claim for going in lot])
    stopped = outbox.unwanted(session, list(rows.values()), now=now)
    for ident, reason in outbox.suppressed(session, list(rows.values())).items():
        stopped[ident] = f"The address gets no letters: {reason}"
    uncertain = _perhaps_arrived(session, [row.id for row in rows.values() if row.is_useless(now)])
    handed: set[int] = set()
    for going in lot:
        row = rows.get(going.claim.email_id)
        if row is None or row.state is not EmailState.QUEUED:
            continue
        if row.id in stopped or row.is_useless(now):
            row.last_error = stopped.get(row.id, OF_NO_USE)
            _settle(row, EmailState.UNKNOWN if row.id in uncertain else EmailState.DROPPED, now)
            leases.release(row)
            continue
        _leaves(row, going, until, now)
        handed.add(row.id)
    return handed


def _perhaps_arrived(session: Session, idents: Sequence[int]) -> set[int]:
    """Which of these letters an earlier attempt may have brought: not to try again says nothing of that."""
    query = sa.select(EmailAttempt.email_id).where(EmailAttempt.email_id.in_(idents), EmailAttempt.certain.is_(False))
    return set(session.scalars(query)) if idents else set()


def _held(session: Session, claims: Iterable[Claim]) -> dict[int, Email]:
    """The letters that are still ours, without their bodies."""
    return leases.held_all(session, Email, {claim.email_id: claim.token for claim in claims}, BODILESS)


def _leaves(row: Email, going: Going, until: datetime, now: datetime) -> None:
    row.state = EmailState.SUBMITTING
    row.leased_until = until
    row.handed_over_at = now
    row.attempt_token = going.claim.token
    row.message_id = going.message_id
    row.subject, row.text, row.html = going.words.subject, going.words.text, going.words.html
    row.raw = going.raw if row.keep_bytes else None


def settle(session: Session, outcomes: dict[Claim, Outcome], *, now: datetime) -> dict[int, EmailState]:
    """Write down what became of letters; a letter that another has by now is left alone and is not in the answer."""
    rows = _held(session, outcomes)
    for claim, outcome in outcomes.items():
        row = rows.get(claim.email_id)
        if row is None:
            continue
        if isinstance(outcome, Accepted):
            _taken(row, outcome, now)
        elif row.state in UNSETTLED:
            row.last_error = outcome.reason
            certain = not isinstance(outcome, OutcomeUnknown)
            remember(session, row, row.attempts, outcome.reason, certain=certain, now=now)
            _not_taken(row, outcome, now)
        leases.release(row)
    return {row.id: row.state for row in rows.values()}


def _taken(row: Email, outcome: Accepted, now: datetime) -> None:
    row.provider_id = outcome.provider_id[:255] or None
    row.accepted_at = now
    if row.state in UNSETTLED:  # the provider's own report may have been faster than its answer
        row.last_error = None
        _settle(row, EmailState.ACCEPTED, now)


def _not_taken(row: Email, outcome: NotAccepted, now: datetime) -> None:
    match outcome:
        case TryAgain(everyone=True):
            # Not this letter's fault, so it never fails for it; but it steps aside, in case it is its fault after all.
            row.attempts = min(row.attempts, MOST_ATTEMPTS - 1)
            _later(row, EmailState.FAILED, outcome.after, now)
        case TryAgain():
            _later(row, EmailState.FAILED, outcome.after, now)
        case OutcomeUnknown() if row.repeatable:
            _later(row, EmailState.UNKNOWN, timedelta(0), now)
        case OutcomeUnknown():
            _settle(row, EmailState.UNKNOWN, now)
        case AccountRefused():
            _back(row)
        case _:
            _settle(row, EmailState.FAILED, now)


def _settle(row: Email, state: EmailState, now: datetime) -> None:
    row.state = state
    row.settled_at = now


def _later(row: Email, otherwise: EmailState, at_least: timedelta, now: datetime) -> None:
    """Put the letter back for a later attempt, or end in ``otherwise`` after the last one."""
    if row.attempts >= MOST_ATTEMPTS:
        _settle(row, otherwise, now)
        return
    row.state = EmailState.QUEUED
    row.settled_at = None
    row.try_after = now + max(at_least, WAITS[row.attempts - 1])


def _back(row: Email) -> None:
    """Put the letter back as if it had not been tried."""
    row.state = EmailState.QUEUED
    row.settled_at = None
    row.attempts -= 1


def put_back(session: Session, claims: Sequence[Claim]) -> None:
    """Let go of letters that were taken and not yet marked; any other is left alone, because it may have left."""
    for row in _held(session, claims).values():
        if row.state is EmailState.QUEUED:
            _back(row)
            leases.release(row)


def unmark(session: Session, claims: Sequence[Claim]) -> None:
    """Let go of letters that were marked as being handed over, and certainly were not."""
    for row in _held(session, claims).values():
        if row.state in {EmailState.QUEUED, EmailState.SUBMITTING}:
            _back(row)
            leases.release(row)


def unwritable(session: Session, claim: Claim, reason: str, *, now: datetime) -> None:
    """Write down that a letter cannot be written."""
    row = leases.held(session, Email, claim.email_id, claim.token)
    if row is not None:
        row.last_error = reason[:500]
        remember(session, row, row.attempts, reason, certain=True, now=now)
        _settle(row, EmailState.FAILED, now)
        leases.release(row)


def pause(session: Session, transport: str, reason: str, *, by_whom: str = "", now: datetime) -> bool:
    """Hold back every letter of a transport; False if it was held back already. Nobody's name: the provider refused."""
    row = {"transport": transport, "reason": reason[:500], "since": now, "by_whom": by_whom[:300]}
    return db.insert_once(session, MailPause, [row], unique=["transport"]) == 1
