"""From a frozen audience to readers of a mailing, lot by lot: the words are kept first, then who gets them and when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from app.broadcasts import messages, queries
from app.broadcasts.commands.sending import PLAN
from app.broadcasts.models import Broadcast, BroadcastState
from app.core import db
from app.jobs.bell import ring_later
from app.mail.mass import Form
from app.mailings import commands as mailings
from app.mailings.rules import lot_size
from app.returns import commands as returns
from app.supporters.rules import stream

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.mailings.models import Mailing


PATIENCE = timedelta(minutes=15)
AGAIN = timedelta(seconds=5)


def keep_words(session: Session, broadcast: Broadcast, *forms: Form, now: datetime) -> Broadcast:
    """Begin the mailing with the words as they will leave, a form for each subject; whoever was first has done it."""
    broadcast = db.locked(session, Broadcast, broadcast.id)
    if broadcast.mailing_id is None and broadcast.state is BroadcastState.SENDING:
        departure = queries.departure_of(session, broadcast)
        mailing = mailings.begin(
            session,
            stream=stream(broadcast.organization_id),
            template=messages.TEMPLATE,
            per_hour=departure.per_hour if departure else None,
            now=now,
        )
        for variant, form in enumerate(forms):
            mailings.keep_letter(session, mailing, form, variant=variant)
        broadcast.mailing_id = mailing.id
        session.flush()
    return broadcast


def plan_lot(session: Session, broadcast: Broadcast, *, lot: int, size: int, now: datetime) -> int:
    """Copy the next supporters into the mailing; membership and cursor move in one transaction.

    Returns how many, 0 at the end or while nothing can be planned. ``size`` is how many readers one batch holds.
    """
    broadcast = db.locked(session, Broadcast, broadcast.id)
    mailing = broadcast.mailing
    if broadcast.state is not BroadcastState.SENDING or mailing is None or not mailing.planning:
        return 0
    comparison = queries.comparison_of(session, broadcast)
    if comparison is not None and comparison.sampled_at is not None and comparison.winner is None:
        return 0
    if queries.waits_for(session, broadcast) or _waits_for_the_provider(session, broadcast, now=now):
        return 0
    before = mailing.planned
    last = _add_lot(session, broadcast, mailing, lot, lot_size(size, mailing.per_hour), now=now)
    if not last:
        _at_the_end(session, broadcast, mailing, now=now)
        return 0
    broadcast.planned_up_to = last
    session.flush()
    return max(mailing.planned - before, 1)


def _waits_for_the_provider(session: Session, broadcast: Broadcast, *, now: datetime) -> bool:
    """Whether the mail provider may still stop updates to somebody of the audience who wants them again.

    Not for long: one address must not hold a million letters, and what the provider drops then is reported as dropped.
    """
    since = broadcast.started_at
    if since is None or now - since > PATIENCE or not returns.must_be_told_first(session, since):
        return False
    ring_later(session, PLAN, AGAIN)
    return True


def _add_lot(session: Session, broadcast: Broadcast, mailing: Mailing, lot: int, size: int, *, now: datetime) -> int:
    """Add the next lot; the last id in it, 0 if there is none.

    Its end is settled before anybody is copied: whoever drops out in between must not move it past somebody else.
    """
    last = queries.last_in_lot(session, broadcast, lot)
    if last is None:
        return 0
    for one in queries.slices(session, broadcast, last, now=now):
        mailings.add_readers(
            session,
            mailing,
            one.readers,
            size=size,
            variant=one.variant,
            not_before=one.not_before,
            not_after=one.not_after,
        )
    return last


def _at_the_end(session: Session, broadcast: Broadcast, mailing: Mailing, *, now: datetime) -> None:
    """Everybody has been looked at: once for the sample of a comparison, and once for the rest."""
    comparison = queries.comparison_of(session, broadcast)
    if comparison is not None and comparison.threshold is not None and comparison.sampled_at is None:
        comparison.sampled_at = now
        broadcast.planned_up_to = 0
    else:
        mailings.nobody_else(session, mailing)
    session.flush()
