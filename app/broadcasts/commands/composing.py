"""Writing an update: its words, its sender, whom it is for."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import sqlalchemy as sa
from pydantic import AfterValidator, Field

from app.broadcasts import queries, rules
from app.broadcasts.commands.holding import held
from app.broadcasts.models import Broadcast, BroadcastState
from app.campaigns.models import Campaign
from app.coalitions.queries import acting_for
from app.coalitions.roles import Right
from app.core import db
from app.core.errors import Invalid
from app.core.inputs import Line, Prose
from app.petitions.models import Petition

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def _countable(value: str) -> str:
    if value and not re.fullmatch(r"(petition|statement):\d{1,18}", value):
        raise ValueError("Choose one of the numbers.")
    return value


class NewBroadcast(rules.Audience):
    """An update's words, its sender, and whom of those who said yes it is for.

    ``counted_from`` is what ``{count}`` counts (see ``queries.countables``). ``based_on`` is the version that the form
    showed.
    """

    subject: Line = Field(max_length=150)
    body: Prose = Field(max_length=50_000)
    organization_id: int | None = None
    counted_from: Annotated[str, AfterValidator(_countable)] = ""
    based_on: int | None = None


def compose(session: Session, campaign: Campaign, entry: NewBroadcast, *, by: Actor, now: datetime) -> Broadcast:
    """Write an update in an organization's name."""
    sender = acting_for(
        session, campaign.coalition_id, by=by, right=Right.WRITE_UPDATE, organization_id=entry.organization_id
    )
    broadcast = Broadcast(campaign_id=campaign.id, organization_id=sender.id, author_id=by.account_id, created_at=now)
    _take(session, broadcast, campaign, entry)
    return db.add(session, broadcast)


def edit(session: Session, broadcast: Broadcast, entry: NewBroadcast, *, by: Actor) -> Broadcast:
    """Change words or audience; an approval given to earlier ones is void, and the editor becomes the author."""
    broadcast = held(session, broadcast, by, Right.WRITE_UPDATE)
    rules.must_be_draft(broadcast)
    rules.must_be_the_words_read(broadcast, entry.based_on)
    _take(session, broadcast, broadcast.campaign, entry)
    broadcast.version += 1
    broadcast.state = BroadcastState.DRAFT
    broadcast.author_id = by.account_id
    broadcast.approver_id = broadcast.approver_organization_id = None
    broadcast.approved_version = broadcast.approved_at = broadcast.tested_at = None
    session.flush()
    return broadcast


def imagined(
    session: Session, campaign: Campaign, wish: rules.Audience, organization_id: int | None, *, by: Actor
) -> Broadcast:
    """An update that is in no table, to count whom it would reach; only for a sender that ``by`` may write for."""
    sender = acting_for(
        session, campaign.coalition_id, by=by, right=Right.WRITE_UPDATE, organization_id=organization_id
    )
    _refuse_foreign(session, campaign, wish)
    return Broadcast(campaign_id=campaign.id, organization_id=sender.id, audience=wish.kept())


def _take(session: Session, broadcast: Broadcast, campaign: Campaign, entry: NewBroadcast) -> None:
    rules.check_words(entry.subject, entry.body)
    _refuse_foreign(session, campaign, entry)
    broadcast.subject, broadcast.body = entry.subject, entry.body
    broadcast.audience = entry.kept()
    broadcast.petition_id = broadcast.statement_id = None
    if entry.counted_from:
        kind, _, ident = entry.counted_from.partition(":")
        if entry.counted_from not in {one.key for one in queries.countables(session, campaign.id)}:
            raise Invalid({"counted_from": "There is no such number here any more. Choose again."})
        setattr(broadcast, f"{kind}_id", int(ident))


def _refuse_foreign(session: Session, campaign: Campaign, wish: rules.Audience) -> None:
    """Petitions of the coalition and districts of the campaign's bodies can be chosen, and no others."""
    query = sa.select(sa.func.count(Petition.id)).join(Campaign)
    ours = query.where(Petition.id.in_(wish.signed), Campaign.coalition_id == campaign.coalition_id)
    if wish.signed and session.scalar(ours) != len(set(wish.signed)):
        raise Invalid({"signed": "There is no such petition here any more. Choose again."})
    if wish.districts and set(wish.districts) - {key for key, _ in queries.districts(session, campaign.id)}:
        raise Invalid({"districts": "There is no such district here any more. Choose again."})
