"""Telling the mail provider who wants no updates from anybody, and who wants some again: the newest wish only.

Apart from the lists, which are read: these rows are written with the act itself and carried out after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core import db
from app.jobs import leases
from app.jobs.bell import ring
from app.mail.groups import MOST, NotTold
from app.returns import queries
from app.returns.models import GroupTold, Telling

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

TELL = "returns.tell"
LEASE = timedelta(minutes=10)
KEPT = timedelta(days=30)


MOST_WAITING = 5 * MOST  # of those who had left before; more would have a new wish wait behind them


class _Bound:
    group = 0


def bind_telling(*, group: int) -> None:
    """Say once, at the start, which group there is to tell at the provider; without one (0) nothing is written down."""
    _Bound.group = group


@dataclass(frozen=True, slots=True)
class Wish:
    """A wish that is ours to carry out until its lease runs out."""

    telling_id: int
    token: str
    address: str
    stopped: bool
    wish: int


def updates_unwanted(session: Session, address: str, *, now: datetime) -> None:
    """This address has no yes to anybody left: the provider shall hand no update to it."""
    _wish(session, address, stopped=True, now=now)


def updates_wanted(session: Session, address: str, *, now: datetime) -> None:
    """This address said yes to somebody: the provider shall hand updates to it."""
    _wish(session, address, stopped=False, now=now)


def _wish(session: Session, address: str, *, stopped: bool, now: datetime) -> None:
    """Write the wish over an older one. Whoever holds that keeps it, so that no request overtakes another."""
    if not _Bound.group:
        return
    row = {"address": address.strip().lower(), "stopped": stopped, "wish": 1, "asked_at": now}
    added = db.insert_for(session)(Telling).values(**row, attempts=0, try_after=now)
    turned = added.on_conflict_do_update(
        index_elements=["address"],
        set_={
            "stopped": stopped,
            "wish": Telling.wish + 1,
            "asked_at": now,
            "attempts": 0,
            "try_after": now,
            "last_error": None,
        },
        where=Telling.stopped != stopped,
    )
    session.execute(turned.execution_options(synchronize_session=False))
    ring(session, TELL)


def must_be_told_first(session: Session, until: datetime) -> bool:
    """Whether the provider may still stop updates to somebody who said yes at that moment or before."""
    return bool(_Bound.group) and queries.returning_since(session, until)


def group_to_tell(session: Session, *, now: datetime) -> GroupTold | None:
    """The group that has yet to be told of those who had left before it was set, held by this transaction.

    None without a group, once all is told, while another worker is at it, or while many wishes wait already. Any other
    group is forgotten: it is told anew when it is set again.
    """
    number = _Bound.group
    known = session.scalars(sa.select(GroupTold.number)).all()
    if set(known) - {number}:
        session.execute(sa.delete(GroupTold).where(GroupTold.number != number))
    if not number:
        return None
    if number not in known:
        start = {"number": number, "cursor": 0, "told": 0, "begun_at": now}
        db.insert_once(session, GroupTold, [start], unique=["number"])
    stops = sa.select(sa.func.count(Telling.id)).where(Telling.stopped.is_(True))
    open_ = sa.select(GroupTold).where(GroupTold.number == number, GroupTold.done_at.is_(None))
    row = session.scalar(open_.with_for_update(skip_locked=True))
    return row if row is not None and (session.scalar(stops) or 0) < MOST_WAITING else None


def take_wishes(session: Session, *, now: datetime) -> list[Wish]:
    """Take up to 1,000 due wishes of one kind, that of the oldest: no stream of the one holds up the other."""
    due = sa.select(Telling.stopped).where(Telling.try_after <= now, leases.is_free(Telling, now))
    stopped = session.scalar(due.order_by(Telling.id).limit(1))
    if stopped is None:
        return []
    which = Telling.stopped.is_(stopped)
    rows = leases.claim(session, Telling, which, order=(Telling.id,), lot=MOST, lease=LEASE, now=now)
    return [Wish(row.id, str(row.lease_token), row.address, row.stopped, row.wish) for row in rows]


def settle_wishes(
    session: Session, told: Sequence[tuple[Wish, NotTold | None]], *, patient: bool = True, now: datetime
) -> list[tuple[Wish, NotTold | None]]:
    """Delete wishes that were carried out, have others wait; returns those somebody else holds right now.

    An impatient call waits for nobody: another transaction may hold several rows in another order. What it returns
    is settled patiently, each in a transaction of its own.
    """
    outcomes = {wish.telling_id: (wish, trouble) for wish, trouble in told}
    query = sa.select(Telling).where(Telling.id.in_(outcomes)).order_by(Telling.id)
    query = query.with_for_update(skip_locked=not patient).execution_options(populate_existing=True)
    done: list[int] = []
    for row in session.scalars(query).all():
        wish, trouble = outcomes.pop(row.id)
        if row.lease_token != wish.token:
            continue
        if row.wish == wish.wish and trouble is None:
            done.append(row.id)
            continue
        if row.wish == wish.wish and trouble is not None:
            row.last_error, row.try_after = trouble.reason[:500] or None, now + trouble.wait
        leases.release(row)
    session.flush()
    session.execute(sa.delete(Telling).where(Telling.id.in_(done)).execution_options(synchronize_session=False))
    return [] if patient else list(outcomes.values())


def forget_untold(session: Session, *, now: datetime) -> int:
    """Delete some wishes that could not be told for a month: an erased person's address is not kept for ever."""
    old = sa.select(Telling.id).where(Telling.asked_at < now - KEPT, leases.is_free(Telling, now))
    ids = list(session.scalars(old.order_by(Telling.id).limit(MOST).with_for_update(skip_locked=True)))
    session.execute(sa.delete(Telling).where(Telling.id.in_(ids)).execution_options(synchronize_session=False))
    return len(ids)
