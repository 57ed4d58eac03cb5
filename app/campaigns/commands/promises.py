"""What a target promised, what became of it, and the day it runs out."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import sqlalchemy as sa
from pydantic import BeforeValidator, Field

from app.campaigns import messages, queries
from app.campaigns.models import Campaign, Commitment, CommitmentState, CommitmentStep
from app.campaigns.rules import NEXT, over, runs_out_soon, spoken_day
from app.coalitions.queries import acting_for, organizers
from app.coalitions.roles import Right
from app.core import audit, db
from app.core.actor import SYSTEM
from app.core.clock import local
from app.core.errors import Conflict, Invalid
from app.core.inputs import Input, Line
from app.mail import outbox
from app.targets.models import Target

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

LOT = 200


def _blank_is_none(value: object) -> object:
    return None if value == "" else value


Day = Annotated[date | None, BeforeValidator(_blank_is_none)]


class NewCommitment(Input):
    """A promise: who made it, in which words, when, until when (None: no end was named), and who says so."""

    target_id: int
    headline: Annotated[Line, Field(max_length=300)]
    made_on: date
    expires_on: Day = None
    state: CommitmentState = CommitmentState.ANNOUNCED
    quote: str = Field(default="", max_length=5000)
    source: Annotated[Line, Field(max_length=500)]


def record_commitment(
    session: Session, campaign: Campaign, entry: NewCommitment, *, by: Actor, now: datetime
) -> Commitment:
    """Put a target's promise on the timeline. The same one twice is there once, as it stands by then."""
    lead = acting_for(session, campaign.coalition_id, by=by, right=Right.ORGANIZE).id
    target = session.get(Target, entry.target_id)
    if target is None or target.coalition_id != campaign.coalition_id:
        raise Invalid({"target_id": "Choose one of the targets."})
    _check_days(campaign, entry, now)
    row = {"campaign_id": campaign.id, "created_at": now, **entry.model_dump()}
    unique = ["campaign_id", "target_id", "headline", "made_on"]
    new = db.insert_once(session, Commitment, [row], unique=unique)
    found = session.scalars(sa.select(Commitment).filter_by(**{name: row[name] for name in unique})).one()
    if new:
        _record(session, "commitment.recorded", found, lead, by=by, now=now, state=found.state.value)
    elif (found.quote, found.source) != (entry.quote, entry.source):
        message = f"“{found.headline}” of {spoken_day(found.made_on)} is on the timeline already, with another source."
        raise Conflict(message)
    return found


def _check_days(campaign: Campaign, entry: NewCommitment, now: datetime) -> None:
    problems = {}
    if entry.made_on > local(now, campaign.coalition.zone).date():
        problems["made_on"] = "This day has not come yet. Write the day on which it was said."
    if entry.expires_on is not None and entry.expires_on < entry.made_on:
        problems["expires_on"] = "It cannot end before it was made."
    if problems:
        raise Invalid(problems)


class CommitmentChange(Input):
    """What became of a promise on a day. Extended without ``expires_on`` means until further notice."""

    state: Literal["extended", "kept", "broken"]
    on: date
    expires_on: Day = None
    words: str = Field(default="", max_length=5000)
    source: Annotated[Line, Field(max_length=500)]


def change_commitment_state(
    session: Session, commitment: Commitment, entry: CommitmentChange, *, by: Actor, now: datetime
) -> Commitment:
    """Say what became of a promise: extended, kept or broken; a line of its own on the timeline."""
    lead = acting_for(session, commitment.campaign.coalition_id, by=by, right=Right.ORGANIZE).id
    held = db.locked(session, Commitment, commitment.id)
    state = CommitmentState(entry.state)
    ends = entry.expires_on if state is CommitmentState.EXTENDED else held.expires_on
    _check_change(held, entry, state, now)
    if _said_already(session, held, entry):
        return held
    held.state, held.expires_on = state, ends
    held.warned_at = None
    session.add(
        CommitmentStep(
            commitment_id=held.id,
            state=state,
            on=entry.on,
            expires_on=entry.expires_on if state is CommitmentState.EXTENDED else None,
            words=entry.words,
            source=entry.source,
            created_at=now,
        )
    )
    until = spoken_day(ends) if ends else "further notice"
    detail = {"until": until} if state is CommitmentState.EXTENDED else {}
    _record(session, f"commitment.{entry.state}", held, lead, by=by, now=now, **detail)
    session.expire(held, ["steps"])
    return held


def _check_change(held: Commitment, entry: CommitmentChange, state: CommitmentState, now: datetime) -> None:
    problems = {}
    if entry.on < held.made_on:
        problems["on"] = f"The promise was made on {spoken_day(held.made_on)}; this cannot have been before."
    elif entry.on > local(now, held.campaign.coalition.zone).date():
        problems["on"] = "This day has not come yet. Write the day on which it was said or seen."
    if state is CommitmentState.EXTENDED and entry.expires_on is not None and entry.expires_on < entry.on:
        problems["expires_on"] = "Write a day after the one on which it was extended, or leave it empty."
    if problems:
        raise Invalid(problems)
    if state not in NEXT[held.state] and state is not held.state:
        message = f"The promise is {held.state.value}, so it cannot be {entry.state} any more."
        raise Conflict(message)


def _said_already(session: Session, held: Commitment, entry: CommitmentChange) -> bool:
    """Whether the newest line says the same: the form was sent twice."""
    query = sa.select(CommitmentStep).where(CommitmentStep.commitment_id == held.id)
    last = session.scalars(query.order_by(CommitmentStep.id.desc())).first()
    if last is None:
        return False
    said = (last.state.value, last.on, last.words, last.source)
    same_end = entry.state != "extended" or last.expires_on == entry.expires_on
    return same_end and said == (entry.state, entry.on, entry.words, entry.source)


def watch(session: Session, *, now: datetime) -> int:
    """Say that promises whose last day has passed are over, and warn organizers of those that end within two weeks."""
    done = 0
    for commitment in queries.running_out(session, now=now, lot=LOT):
        zone = commitment.campaign.coalition.zone
        ends = commitment.expires_on
        if ends is None:
            continue
        if over(ends, zone, now):
            _expire(session, commitment, ends, now=now)
            done += 1
        elif commitment.warned_at is None and runs_out_soon(ends, zone, now):
            _warn(session, commitment, ends, now=now)
            done += 1
    return done


def _expire(session: Session, commitment: Commitment, ends: date, *, now: datetime) -> None:
    commitment.state = CommitmentState.EXPIRED
    day = ends + timedelta(days=1)
    session.add(
        CommitmentStep(commitment_id=commitment.id, state=CommitmentState.EXPIRED, on=day, created_at=now),
    )
    _record(session, "commitment.expired", commitment, None, by=SYSTEM, now=now, ended_on=spoken_day(ends))


def _warn(session: Session, commitment: Commitment, ends: date, *, now: datetime) -> None:
    commitment.warned_at = now
    for reader in organizers(session, commitment.campaign.coalition_id):
        once = queries.warning_key(commitment, ends, reader.id)
        outbox.queue(session, messages.runs_out(commitment, reader), once=once, now=now)
    session.flush()


def _record(
    session: Session, act: str, commitment: Commitment, lead: int | None, *, by: Actor, now: datetime, **detail: str
) -> None:
    session.flush()
    audit.record(
        session,
        act,
        commitment,
        by=by,
        now=now,
        coalition_id=commitment.campaign.coalition_id,
        organization_id=lead,
        headline=commitment.headline,
        target=commitment.target.name,
        **detail,
    )
