"""Readiness: the database answers, its tables are the newest, a worker was seen lately, nothing waits too long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.core import db
from app.jobs.models import SILENCE
from app.mail import queries as mail
from app.mail.models import Email, EmailState
from app.returns.queries import intake

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

ROOT = Path(__file__).parent.parent.parent
LONGEST_WAIT = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Check:
    """One question and its answer; ``detail`` is for people and holds nothing private."""

    name: str
    good: bool
    detail: str


def newest_migration() -> str | None:
    """The migration this code was written for."""
    return ScriptDirectory.from_config(Config(toml_file=str(ROOT / "pyproject.toml"))).get_current_head()


def checks(session: Session, *, now: datetime) -> list[Check]:
    """Everything ``/readyz`` asks."""
    return [
        _migrations(session),
        _worker(session, now),
        _letters(session, now),
        _mail(session, now),
        _events(session, now),
    ]


def database() -> Check:
    """Whether the database can be written to. Ask once it answered."""
    return Check("database", good=not db.is_full(), detail=mail.FULL if db.is_full() else "answers")


def _migrations(session: Session) -> Check:
    there = MigrationContext.configure(session.connection()).get_current_revision()
    wanted = newest_migration()
    return Check("migrations", there == wanted, f"database at {there}, code at {wanted}")


def _worker(session: Session, now: datetime) -> Check:
    """A worker that is being started anew is no reason to take the web server away as well, so a stop has its time."""
    known = mail.workers(session, now=now)
    if known.seen_at is None:
        return Check("worker", good=False, detail="no worker was ever seen")
    last = known.stopped_at or known.seen_at
    said = f"{'stopped' if known.stopped_at else 'seen'} {int((now - last).total_seconds())} s ago"
    return Check("worker", bool(known.names) or now - last < SILENCE, said)


def oldest_waiting(session: Session, now: datetime) -> float:
    """How long, in seconds, the oldest due letter has waited; 0 when none waits."""
    due = session.scalar(
        sa.select(sa.func.min(Email.try_after)).where(Email.state == EmailState.QUEUED, Email.try_after <= now)
    )
    return 0.0 if due is None else (now - due).total_seconds()


def _letters(session: Session, now: datetime) -> Check:
    waited = oldest_waiting(session, now)
    return Check("letters", waited < LONGEST_WAIT.total_seconds(), f"oldest waiting letter: {int(waited)} s")


def _mail(session: Session, now: datetime) -> Check:
    """A provider that refuses us needs a person; one that is away for a while, or a hold by a person, does not."""
    refused = any(not pause.by_whom for pause in mail.pauses(session))
    said = " ".join(mail.troubles(session, now=now)) or "letters leave"
    return Check("mail", not refused, said)


@dataclass(frozen=True, slots=True)
class Posts:
    """Posts of the provider: how many wait to be worked off, for how many seconds the oldest does, how many failed."""

    waiting: int
    oldest: float
    failed: int


def event_posts(session: Session, now: datetime) -> Posts:
    """How the posts of the mail provider stand."""
    found = intake(session)
    oldest = 0.0 if found.oldest is None else max((now - found.oldest).total_seconds(), 0.0)
    return Posts(found.waiting, oldest, found.failed)


def _events(session: Session, now: datetime) -> Check:
    posts = event_posts(session, now)
    said = (
        f"{posts.waiting} posts of the mail provider wait, the oldest for {int(posts.oldest)} s; {posts.failed} failed"
    )
    return Check("events", posts.oldest < LONGEST_WAIT.total_seconds(), said)


def open_circuits(session: Session) -> list[str]:
    """The ways out that nobody tries for a while."""
    return [row.transport for row in mail.circuits(session)]


def letters_by_state(session: Session) -> dict[str, int]:
    """How many letters are in each state."""
    counts = dict.fromkeys((state.value for state in EmailState), 0)
    for state, count in session.execute(sa.select(Email.state, sa.func.count()).group_by(Email.state)):
        counts[state.value] = count
    return counts
