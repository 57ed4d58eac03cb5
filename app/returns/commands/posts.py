"""Posts of the provider: kept as they came, taken to be worked off, and what becomes of one that cannot be read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core import db
from app.core.errors import Conflict, NotFound
from app.jobs import leases
from app.jobs.bell import ring
from app.returns.models import EventPost, Kind, MailEvent, PostState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

WORK_OFF = "returns.work_off"
LOT = 8  # posts of up to 768 kB each
LEASE = timedelta(minutes=2)
MOST_ATTEMPTS = 5
# The provider repeats a post for a day at most, so a report that asked for nothing is needed no longer than its post.
POSTS_KEPT, EVENTS_KEPT = timedelta(days=7), timedelta(days=90)
PASSING = (Kind.PROCESSED, Kind.DEFERRED, Kind.DELIVERED)
SWEPT_AT_ONCE = 1_000
STOPPED = f"Working it off broke {MOST_ATTEMPTS} times. The log says why."


@dataclass(frozen=True, slots=True)
class PostClaim:
    """A post that is ours to work off until its lease runs out."""

    post_id: int
    token: str


def keep_post(session: Session, body: bytes, *, now: datetime) -> bool:
    """Keep a post whose signature was right, and call the worker for it; False if it was kept before.

    Each report names itself, so the same bytes say the same: the provider repeats a post whose answer was lost, and
    anybody who has seen one can for as long as its signature is fresh.
    """
    digest = hashlib.sha256(body).hexdigest()
    row = {"body": body, "digest": digest, "received_at": now, "try_after": now}
    is_new = db.insert_once(session, EventPost, [row], unique=["digest"]) == 1
    if is_new:
        ring(session, WORK_OFF)
    return is_new


def take_posts(session: Session, *, now: datetime) -> list[PostClaim]:
    """Take some posts that nobody has tried; one that broke a worker before is taken alone, and not for ever."""
    waiting = EventPost.state == PostState.WAITING
    order = (EventPost.id,)
    fresh = leases.claim(
        session, EventPost, waiting, EventPost.attempts == 0, order=order, lot=LOT, lease=LEASE, now=now
    )
    rows = fresh or leases.claim(session, EventPost, waiting, order=order, lot=1, lease=LEASE, now=now)
    for row in rows:
        if row.attempts > MOST_ATTEMPTS:
            _fail(row, STOPPED)
    return [PostClaim(row.id, str(row.lease_token)) for row in rows if row.state is PostState.WAITING]


def bodies(session: Session, claims: Sequence[PostClaim]) -> dict[int, bytes]:
    """What stands in the posts taken."""
    query = sa.select(EventPost.id, EventPost.body).where(EventPost.id.in_([claim.post_id for claim in claims]))
    return dict(session.execute(query).all())


def settle_posts(session: Session, claims: Sequence[PostClaim], events: dict[int, int]) -> None:
    """The reports of these posts are worked off; ``events`` says how many each held."""
    for claim in claims:
        post = leases.held(session, EventPost, claim.post_id, claim.token)
        if post is not None:
            post.state = PostState.DONE
            post.events = events[claim.post_id]
            post.last_error = None
            leases.release(post)


def unreadable(session: Session, claim: PostClaim, reason: str) -> None:
    """A post that cannot be read is kept and shown to the operator; trying again would not help."""
    post = leases.held(session, EventPost, claim.post_id, claim.token)
    if post is not None:
        _fail(post, reason)


def _fail(post: EventPost, reason: str) -> None:
    post.state = PostState.FAILED
    post.last_error = reason[:500]
    leases.release(post)


def retry_post(session: Session, post_id: int, *, by: Actor, now: datetime) -> EventPost:
    """Work a failed post off again, because its cause was mended."""
    if not by.operator:
        raise NotFound
    post = db.locked(session, EventPost, post_id)
    if post.state is not PostState.FAILED:
        raise Conflict("Only a post that failed can be tried again. Open the page once more: its state has changed.")
    post.state, post.attempts, post.try_after = PostState.WAITING, 0, now
    ring(session, WORK_OFF)
    return post


def forget_old(session: Session, *, now: datetime) -> int:
    """Delete some posts and reports that nobody needs any more; returns how many. Failed posts stay for a person."""
    done = sa.select(EventPost.id).where(EventPost.state == PostState.DONE, EventPost.received_at < now - POSTS_KEPT)
    passing = sa.select(MailEvent.id).where(MailEvent.heard_at < now - POSTS_KEPT, MailEvent.kind.in_(PASSING))
    old = sa.select(MailEvent.id).where(MailEvent.heard_at < now - EVENTS_KEPT)
    gone = 0
    for model, which in ((EventPost, done), (MailEvent, passing), (MailEvent, old)):
        ids = list(session.scalars(which.limit(SWEPT_AT_ONCE)))
        if ids:
            session.execute(sa.delete(model).where(model.id.in_(ids)).execution_options(synchronize_session=False))
        gone += len(ids)
    return gone
