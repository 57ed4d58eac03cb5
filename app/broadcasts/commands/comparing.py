"""Comparing subjects on a sample: written with the update, counted by visits, decided by numbers or by a person."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import sqlalchemy as sa
from pydantic import Field

from app.broadcasts import queries, rules
from app.broadcasts.commands.holding import held, record
from app.broadcasts.models import Broadcast, BroadcastState, ComparedSubject, Comparison, Measure
from app.coalitions.roles import Right
from app.core import db, limits
from app.core.actor import SYSTEM
from app.core.errors import Conflict, Invalid
from app.core.inputs import Input, OptionalLine
from app.jobs.bell import ring

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

PLAN = "broadcasts.plan"
# An office or a household may follow a link so often in an hour; one person who reloads decides nothing.
MOST_VISITS = 5
Subject = Annotated[OptionalLine, Field(max_length=150)]


class Compared(Input):
    """The further subjects, the part of the readers that is the sample, and how long to wait for the numbers."""

    second: Subject = ""
    third: Subject = ""
    percent: Annotated[int, Field(ge=1, le=50)] = 10
    hours: Annotated[int, Field(ge=1, le=72)] = 4
    measure: Measure = Measure.CLICKS


class Chosen(Input):
    """The subject that a person chose."""

    variant: Annotated[int, Field(ge=0, le=2)]


def compare(session: Session, broadcast: Broadcast, entry: Compared, *, by: Actor, now: datetime) -> Comparison | None:
    """Compare further subjects with the update's own; none is back to one. An approval given before is void."""
    broadcast = held(session, broadcast, by, Right.WRITE_UPDATE)
    rules.must_be_draft(broadcast)
    words = [one for one in (entry.second, entry.third) if one]
    if len({broadcast.subject, *words}) <= len(words):
        raise Invalid({"second": "Two of the subjects are the same. Write them differently, or leave one empty."})
    for name, subject in (("second", entry.second), ("third", entry.third)):
        try:
            rules.check_words(subject, broadcast.body)
        except Invalid as refusal:
            raise Invalid({name: next(iter(refusal.problems.values()))}) from refusal
    known = queries.comparison_of(session, broadcast)
    if known is not None:
        session.delete(known)
        session.flush()
    broadcast.version += 1
    broadcast.state = BroadcastState.DRAFT
    broadcast.author_id = by.account_id
    broadcast.approver_id = broadcast.approved_version = broadcast.approved_at = broadcast.tested_at = None
    broadcast.approver_organization_id = None
    record(session, "update.subjects_changed", broadcast, by=by, now=now)
    if not words:
        return None
    subjects = [
        ComparedSubject(variant=variant, subject=subject, code=secrets.token_urlsafe(9), visits=0)
        for variant, subject in enumerate(["", *words])
    ]
    made = Comparison(
        broadcast_id=broadcast.id,
        measure=entry.measure,
        percent=entry.percent,
        hours=entry.hours,
        salt=secrets.randbelow(rules.PRIME - 2) + 1,
        subjects=subjects,
    )
    return db.add(session, made)


def freeze_sample(session: Session, broadcast: Broadcast, *, now: datetime) -> None:
    """Say how large the sample is, now that the audience is frozen. Refuses too few readers."""
    comparison = queries.comparison_of(session, broadcast)
    if comparison is not None:
        readers = queries.audience_size(session, broadcast, now=now)
        comparison.threshold = rules.threshold(readers, comparison.percent, len(comparison.subjects))


def count_visit(session: Session, code: str, *, by: Actor, now: datetime) -> bool:
    """One of our pages was opened by a link of a letter that compares subjects. Nothing is kept of who did.

    Raises TooMany for more than one network address brings in earnest.
    """
    if not queries.is_compared(session, code):
        return False
    if by.address:
        whom = limits.network(by.address)
        limits.spend(session, f"via:{code}", whom, allowed=MOST_VISITS, per=timedelta(hours=1), now=now)
    counted = sa.update(ComparedSubject).where(ComparedSubject.code == code).values(visits=ComparedSubject.visits + 1)
    counted = counted.returning(ComparedSubject.id).execution_options(synchronize_session=False)
    return bool(session.scalars(counted).all())


def decide_due(session: Session, broadcast: Broadcast, *, now: datetime) -> bool:
    """Set the time once the sample has left, then read the numbers; whether anything moved on."""
    broadcast = db.locked(session, Broadcast, broadcast.id)
    comparison = queries.comparison_of(session, broadcast)
    if broadcast.state is not BroadcastState.SENDING or comparison is None or comparison.sampled_at is None:
        return False
    if comparison.winner is not None or comparison.open_since is not None:
        return False
    if comparison.decide_at is None:
        if queries.sample_is_leaving(session, broadcast):
            return False
        comparison.decide_at = now + timedelta(hours=comparison.hours)
        return True
    if comparison.decide_at > now:
        return False
    winner, reason = rules.verdict(queries.compared(session, comparison))
    if winner is None:
        comparison.open_since, comparison.reason = now, reason
        return True
    _won(session, broadcast, comparison, winner, by=SYSTEM, now=now)
    return True


def choose(session: Session, broadcast: Broadcast, entry: Chosen, *, by: Actor, now: datetime) -> Comparison:
    """A person says which subject the rest gets: where the numbers did not tell, or sooner than they can."""
    broadcast = held(session, broadcast, by, Right.WRITE_UPDATE)
    comparison = queries.comparison_of(session, broadcast)
    if comparison is None or comparison.sampled_at is None or entry.variant >= len(comparison.subjects):
        raise Conflict("There is nothing to choose yet: the sample has not been planned.")
    if broadcast.state not in {BroadcastState.SENDING, BroadcastState.PAUSED}:
        raise Conflict(f"This update is {broadcast.state.value}; there is nothing to choose.")
    if comparison.winner not in {None, entry.variant}:
        raise Conflict("The subject for the rest has been chosen meanwhile. Open the page once more.")
    if comparison.winner is None:
        _won(session, broadcast, comparison, entry.variant, by=by, now=now)
    return comparison


def _won(
    session: Session, broadcast: Broadcast, comparison: Comparison, winner: int, *, by: Actor, now: datetime
) -> None:
    comparison.winner, comparison.decided_at = winner, now
    comparison.open_since, comparison.reason = None, ""
    session.flush()
    record(
        session,
        "update.subject_chosen",
        broadcast,
        by=by,
        now=now,
        subject=comparison.subjects[winner].subject or broadcast.subject,
    )
    ring(session, PLAN)
