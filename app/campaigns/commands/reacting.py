"""A member group's own words beside a promise: nobody else can write them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import sqlalchemy as sa
from pydantic import Field

from app.campaigns.models import Commitment, Reaction
from app.coalitions.models import Organization
from app.coalitions.queries import acting_for
from app.coalitions.roles import Right
from app.core import audit, db
from app.core.inputs import Input, OptionalLine

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


class NewReaction(Input):
    """What a group says, who says it (nobody in particular, if empty), and where it was said."""

    spokesperson: Annotated[OptionalLine, Field(max_length=200)] = ""
    quote: str = Field(min_length=1, max_length=2000)
    source: Annotated[OptionalLine, Field(max_length=500)] = ""


def react(
    session: Session,
    commitment: Commitment,
    organization: Organization,
    entry: NewReaction,
    *,
    by: Actor,
    now: datetime,
) -> Reaction:
    """Put an organization's words beside a promise, or change them. Only its own people can."""
    coalition_id = commitment.campaign.coalition_id
    acting_for(session, coalition_id, by=by, right=Right.REACT, organization_id=organization.id)
    pair = {"commitment_id": commitment.id, "organization_id": organization.id}
    values = {**pair, **entry.model_dump(), "created_at": now}
    new = db.insert_once(session, Reaction, [values], unique=list(pair))
    found = session.scalars(sa.select(Reaction).filter_by(**pair).with_for_update()).one()
    changed = {name: value for name, value in entry.model_dump().items() if getattr(found, name) != value}
    for name, value in changed.items():
        setattr(found, name, value)
    session.flush()
    if new or changed:
        audit.record(
            session,
            "reaction.written" if new else "reaction.changed",
            found,
            by=by,
            now=now,
            coalition_id=coalition_id,
            organization_id=organization.id,
            organization=organization.name,
            headline=commitment.headline,
        )
    session.expire(commitment, ["reactions"])
    return found
