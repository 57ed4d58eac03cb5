"""What came back: posts, reports by the hour, the newest bounces, addresses that get no letters, open withdrawals."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import undefer

from app.mail import evidence, standing
from app.mail.models import Email, Suppression
from app.mail.rules import lasting
from app.mailings.models import MailingLetter, MailingReader
from app.mailings.queries import called
from app.returns.models import Cause, EventPost, EventTally, Kind, ListPull, MailEvent, PostState, Withdrawal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.core.actor import Actor

SHOWN = (Kind.BOUNCE, Kind.DROPPED, Kind.COMPLAINT, Kind.LEFT)
DAY = 24


@dataclass(frozen=True, slots=True)
class Intake:
    """How posts stand: how many wait, since when the oldest does, how many failed."""

    waiting: int
    oldest: datetime | None
    failed: int


def intake(session: Session) -> Intake:
    """How posts stand."""
    counts = dict(
        session.execute(
            sa.select(EventPost.state, sa.func.count())
            .where(EventPost.state.in_([PostState.WAITING, PostState.FAILED]))
            .group_by(EventPost.state)
        ).all()
    )
    oldest = session.scalar(sa.select(sa.func.min(EventPost.received_at)).where(EventPost.state == PostState.WAITING))
    return Intake(counts.get(PostState.WAITING, 0), oldest, counts.get(PostState.FAILED, 0))


@standing.teller
def told(session: Session, now: datetime) -> standing.Part | None:
    """What the operator's page of outgoing mail says of posts: until they are worked off, letters look unanswered."""
    posts = intake(session)
    says = []
    if posts.oldest is not None:
        wait, one = lasting(now - posts.oldest), posts.waiting == 1
        says.append(
            f"{posts.waiting:,} {'post' if one else 'posts'} of the mail provider {'waits' if one else 'wait'} to be "
            f"worked off; the oldest came {wait} ago. Bounces and departures in them are not heeded yet."
        )
    if posts.failed:
        says.append(
            f"{posts.failed:,} could not be worked off and {'needs' if posts.failed == 1 else 'need'} a person."
        )
    return standing.Part("What comes back", tuple(says), "/operator/returns") if says else None


def failed_posts(session: Session, *, limit: int = 20) -> list[EventPost]:
    """Posts that could not be worked off, newest first."""
    query = sa.select(EventPost).where(EventPost.state == PostState.FAILED).order_by(EventPost.id.desc())
    return list(session.scalars(query.limit(limit)))


def post(session: Session, ident: int) -> EventPost | None:
    """A post with its body."""
    return session.scalar(sa.select(EventPost).where(EventPost.id == ident).options(undefer(EventPost.body)))


def by_hour(session: Session, *, now: datetime) -> list[tuple[datetime, dict[str, int]]]:
    """Reports heard in each of the last 24 hours, by the word they are counted under; every hour is there."""
    newest = now.replace(minute=0, second=0, microsecond=0)
    hours: dict[datetime, dict[str, int]] = {newest - timedelta(hours=back): {} for back in range(DAY - 1, -1, -1)}
    query = sa.select(EventTally).where(EventTally.hour > newest - timedelta(hours=DAY))
    for tally in session.scalars(query.order_by(EventTally.word)):
        if tally.hour in hours:
            hours[tally.hour][tally.word] = tally.number
    return list(hours.items())


@dataclass(frozen=True, slots=True)
class Came:
    """A report with its letter: to whom, and what the letter was called."""

    report: MailEvent
    to: str
    letter: str


def newest(session: Session, *, before: int | None = None, limit: int = 50, by: Actor) -> list[Came]:
    """Reports that something is done about, newest first; ``before`` is the id to page from."""
    query = (
        sa.select(
            MailEvent,
            sa.func.coalesce(Email.to_address, MailingReader.address),
            sa.func.coalesce(Email.subject, Email.template, ""),
            MailingReader.mailing_id,
        )
        .outerjoin(Email, MailEvent.email_id == Email.id)
        .outerjoin(MailingReader, MailEvent.reader_id == MailingReader.id)
        .where(MailEvent.kind.in_(SHOWN))
    )
    if before is not None:
        query = query.where(MailEvent.id < before)
    rows = session.execute(query.order_by(MailEvent.id.desc()).limit(limit)).all()
    names = called(session, {row[3] for row in rows}, by=by)
    return [
        Came(report, to, names[mailing_id].title if mailing_id in names else letter)
        for report, to, letter, mailing_id in rows
    ]


def _its_words() -> sa.ColumnElement[bool]:
    return sa.and_(MailingLetter.mailing_id == MailingReader.mailing_id, MailingLetter.variant == 0)


def refused_for_sender(session: Session, *, since: datetime) -> list[tuple[str, int]]:
    """How many letters of each sender were refused for the sender's sake, most first; "" is the platform itself."""
    refused = (MailEvent.kind == Kind.BOUNCE, MailEvent.cause == Cause.SENDER, MailEvent.at > since)
    single = (
        sa.select(Email.from_name, sa.func.count(MailEvent.email_id.distinct()))
        .join(Email, MailEvent.email_id == Email.id)
        .where(*refused)
        .group_by(Email.from_name)
    )
    mailed = (
        sa.select(sa.func.coalesce(MailingLetter.from_name, ""), sa.func.count(MailEvent.reader_id.distinct()))
        .join(MailingReader, MailEvent.reader_id == MailingReader.id)
        .outerjoin(MailingLetter, _its_words())
        .where(*refused)
        .group_by(MailingLetter.from_name)
    )
    counts: Counter[str] = Counter()
    for query in (single, mailed):
        for name, number in session.execute(query):
            counts[name] += number
    return counts.most_common(50)


def suppressions(
    session: Session, *, search: str = "", before: int | None = None, limit: int = 50
) -> list[Suppression]:
    """Addresses that get no letters, newest first. What only takes one letter back is left out."""
    query = sa.select(Suppression).where(~Suppression.stream.startswith("letter:"))
    if search:
        query = query.where(Suppression.address.contains(search.casefold(), autoescape=True))
    if before is not None:
        query = query.where(Suppression.id < before)
    return list(session.scalars(query.order_by(Suppression.id.desc()).limit(limit)))


def suppression(session: Session, ident: int) -> Suppression | None:
    """One address that gets no letters."""
    query = sa.select(Suppression).where(Suppression.id == ident, ~Suppression.stream.startswith("letter:"))
    return session.scalar(query)


def open_withdrawals(session: Session, *, limit: int = 100) -> Sequence[Withdrawal]:
    """Withdrawals without a line in the ledger, oldest first, held by this transaction."""
    query = sa.select(Withdrawal).where(Withdrawal.settled_at.is_(None)).order_by(Withdrawal.id)
    return session.scalars(query.limit(limit).with_for_update(skip_locked=True)).all()


def pulls(session: Session) -> list[ListPull]:
    """How far each list of the provider was read."""
    return list(session.scalars(sa.select(ListPull).order_by(ListPull.name)))


SAYS = {
    Kind.PROCESSED: "It is on its way.",
    Kind.DEFERRED: "The reader's mail server asked to wait.",
    Kind.DELIVERED: "The reader's mail server took it.",
    Kind.BOUNCE: "It came back.",
    Kind.DROPPED: "It was not sent on.",
    Kind.COMPLAINT: "Its reader called it spam.",
    Kind.LEFT: "Its reader left through the mail provider.",
}


@evidence.reader
def _evidence(session: Session, email: Email) -> list[evidence.Evidence]:
    """Every report about a letter, for its page."""
    query = sa.select(MailEvent).where(MailEvent.email_id == email.id).order_by(MailEvent.at)
    return [
        evidence.Evidence(row.at, "The mail provider", f"{SAYS[row.kind]} {row.reason}".strip())
        for row in session.scalars(query)
    ]
