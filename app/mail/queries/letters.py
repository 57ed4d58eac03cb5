"""What is known of letters: for other rooms, operators and monitors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import defer, selectinload

from app.core.audit import AuditEntry
from app.core.text import canonical_email
from app.jobs import leases
from app.mail.models import Email, EmailAttachment, EmailAttempt, EmailState, MailCheck
from app.mail.rules import LANES

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

WAITING = (EmailState.QUEUED, EmailState.SUBMITTING)
TROUBLED = (EmailState.FAILED, EmailState.UNKNOWN)
# What a list of letters can be narrowed to beside a state.
TROUBLE, LOST, LEFT, ANY = "trouble", "worker gone", "left as unknown", "any"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MEASURED = 20_000
STEPS = (
    *((1, "Up to a second"), (10, "Up to 10 seconds"), (60, "Up to a minute")),
    *((600, "Up to 10 minutes"), (3600, "Up to an hour"), (None, "Longer")),
)


def oldest_waiting(session: Session) -> datetime | None:
    """Since when the letter that waits longest has been due; None when none waits. A deferred letter is due later."""
    return session.scalar(sa.select(sa.func.min(Email.try_after)).where(Email.state.in_(WAITING)))


def counts_by_state(session: Session) -> dict[EmailState, int]:
    """How many letters are in each state; every state is there."""
    counts = dict.fromkeys(EmailState, 0)
    for state, count in session.execute(sa.select(Email.state, sa.func.count()).group_by(Email.state)):
        counts[state] = count
    return counts


def anything_due(session: Session, *, now: datetime) -> bool:
    """Whether a letter could be handed over, or was in the hands of a worker that died. A look that locks nothing."""
    return session.scalar(sa.select(Email.id).where(due(now), leases.is_free(Email, now)).limit(1)) is not None


def due(now: datetime) -> sa.ColumnElement[bool]:
    """Letters whose turn has come, and those in somebody's hands."""
    return sa.or_(
        sa.and_(Email.state == EmailState.QUEUED, Email.try_after <= now), Email.state == EmailState.SUBMITTING
    )


@dataclass(frozen=True, slots=True)
class Lane:
    """What waits of one priority: due now and since when, and put off until when."""

    name: str
    due: int
    oldest: datetime | None
    later: int
    next_try: datetime | None


def lanes(session: Session, *, now: datetime) -> list[Lane]:
    """The waiting letters of each priority, most urgent first; every priority is there."""
    due, later = Email.try_after <= now, Email.try_after > now
    counted = (
        sa.func.count().filter(due),
        sa.func.min(Email.try_after).filter(due),
        sa.func.count().filter(later),
        sa.func.min(Email.try_after).filter(later),
    )
    query = sa.select(Email.rank, *counted).where(Email.state == EmailState.QUEUED).group_by(Email.rank)
    found = {rank: numbers for rank, *numbers in session.execute(query)}
    return [Lane(name, *found.get(rank, (0, None, 0, None))) for rank, name in enumerate(LANES)]


@dataclass(frozen=True, slots=True)
class Handing:
    """Letters in the hands of workers, and those whose worker is gone: they go again, or become unknown."""

    now: int
    lost_again: int
    lost_unknown: int

    @property
    def lost(self) -> int:
        """Letters whose worker did not come back."""
        return self.lost_again + self.lost_unknown


def handing(session: Session, *, now: datetime) -> Handing:
    """How many letters are being handed over, told apart by whether their worker still has the time it asked for."""
    lost = _lost(now)
    counted = (
        sa.func.count().filter(sa.not_(lost)),
        sa.func.count().filter(lost, Email.repeatable.is_(True)),
        sa.func.count().filter(lost, Email.repeatable.is_(False)),
    )
    return Handing(*session.execute(sa.select(*counted).where(Email.state == EmailState.SUBMITTING)).one())


def _lost(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(Email.state == EmailState.SUBMITTING, leases.is_free(Email, now))


def undecided(session: Session) -> int:
    """How many unknown letters wait for a person's decision."""
    query = sa.select(sa.func.count()).where(Email.state == EmailState.UNKNOWN, Email.decided_at.is_(None))
    return session.scalar(query) or 0


def letters(
    session: Session,
    *,
    state: str = TROUBLE,
    template: str = "",
    recipient: str = "",
    before: int | None = None,
    limit: int = 50,
    now: datetime,
) -> list[Email]:
    """Letters, newest first; ``before`` is the id to page from.

    ``state`` is a state's value or one of TROUBLE, LOST, LEFT, ANY; ``recipient`` a whole address or a part of one.
    """
    query = sa.select(Email).where(*_of_state(state, now)).order_by(Email.id.desc()).limit(limit)
    if template:
        query = query.where(Email.template == template)
    if recipient:
        query = query.where(_to(recipient))
    if before is not None:
        query = query.where(Email.id < before)
    heavy = (defer(Email.raw), defer(Email.html), defer(Email.text), defer(Email.context))
    return list(session.scalars(query.options(*heavy)))


def files_of(session: Session, idents: Sequence[int]) -> dict[int, list[EmailAttachment]]:
    """The files of letters, by the letter, in their order; a letter without any is not there."""
    found: dict[int, list[EmailAttachment]] = {}
    query = sa.select(EmailAttachment).where(EmailAttachment.email_id.in_(idents)).order_by(EmailAttachment.id)
    for row in session.scalars(query):
        found.setdefault(row.email_id, []).append(row)
    return found


def _of_state(state: str, now: datetime) -> list[sa.ColumnElement[bool]]:
    open_question = sa.and_(Email.state == EmailState.UNKNOWN, Email.decided_at.is_(None))
    narrowed: dict[str, list[sa.ColumnElement[bool]]] = {
        TROUBLE: [sa.or_(Email.state == EmailState.FAILED, open_question, _lost(now))],
        LOST: [_lost(now)],
        LEFT: [Email.state == EmailState.UNKNOWN, Email.decided_at.is_not(None)],
        ANY: [],
    }
    return narrowed[state] if state in narrowed else [Email.state == EmailState(state)]


def _to(recipient: str) -> sa.ColumnElement[bool]:
    """A whole address finds every spelling of its mailbox, by the index; anything else is looked for as a part."""
    try:
        return Email.to_canonical == canonical_email(recipient)
    except ValueError:
        part = recipient.strip().casefold()
        return sa.func.lower(Email.to_address).contains(part, autoescape=True)


def letter(session: Session, ident: int) -> Email | None:
    """One letter with its words, without its bytes."""
    return session.get(Email, ident, options=[defer(Email.raw), selectinload(Email.attachments)])


def attempts(session: Session, email_id: int) -> list[EmailAttempt]:
    """The attempts at a letter that were not taken, oldest first."""
    query = sa.select(EmailAttempt).where(EmailAttempt.email_id == email_id).order_by(EmailAttempt.id)
    return list(session.scalars(query))


def accepted_per_hour(session: Session, *, now: datetime) -> list[tuple[datetime, int]]:
    """How many letters were taken in each hour of the last day, oldest first; the last one is still going on."""
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    starts = [this_hour - HOUR * back for back in range(23, -1, -1)]
    # A count for each hour, not one grouping: each is a stretch of the index, and no letter's row is read.
    within = (sa.and_(Email.accepted_at >= start, Email.accepted_at < start + HOUR) for start in starts)
    query = sa.select(*(sa.select(sa.func.count()).where(hour).scalar_subquery() for hour in within))
    return list(zip(starts, session.execute(query).one(), strict=True))


def waits(session: Session, *, now: datetime) -> list[tuple[str, int]]:
    """How long the letters taken in the last day, the newest MEASURED at most, had waited since they were queued."""
    newest = (
        sa.select(Email.created_at, Email.accepted_at)
        .where(Email.accepted_at >= now - DAY)
        .order_by(Email.accepted_at.desc())
        .limit(MEASURED)
        .subquery()
    )
    waited = _seconds(session, newest.c.created_at, newest.c.accepted_at)
    counted, at_least = [], 0
    for most, _ in STEPS:
        within = waited >= at_least if most is None else sa.and_(waited >= at_least, waited < most)
        # A clock that was set back makes a wait negative: it counts as none.
        counted.append(sa.func.count().filter(sa.or_(within, waited < 0) if at_least == 0 else within))
        at_least = most or 0
    numbers = session.execute(sa.select(*counted).select_from(newest)).one()
    return [(name, number) for (_, name), number in zip(STEPS, numbers, strict=True)]


def _seconds(session: Session, start: Any, end: Any) -> sa.ColumnElement[Any]:
    """The seconds between two moments, each database in its own words."""
    if session.get_bind().dialect.name == "postgresql":
        return sa.extract("epoch", end - start)
    days: sa.ColumnElement[Any] = sa.func.julianday(end) - sa.func.julianday(start)
    return days * 86_400


def lately(session: Session, *, limit: int = 8) -> Sequence[AuditEntry]:
    """What operators did last in the post office, newest first."""
    query = sa.select(AuditEntry).where(AuditEntry.act.startswith("mail.")).order_by(AuditEntry.id.desc()).limit(limit)
    return session.scalars(query).all()


def last_check(session: Session, domain: str) -> MailCheck | None:
    """What the last look at a domain's records found."""
    return session.scalar(sa.select(MailCheck).where(MailCheck.domain == domain))
