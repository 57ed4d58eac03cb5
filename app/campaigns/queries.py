"""Finding campaigns as far as somebody may see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager

from app.campaigns.models import Campaign
from app.coalitions.models import Coalition
from app.coalitions.queries import may
from app.coalitions.roles import Right
from app.core.errors import NotAllowed, NotFound

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def campaign_for(
    session: Session, slug: str, *, by: Actor, right: Right = Right.SEE, within: str | None = None
) -> Campaign:
    """A campaign for the workroom, if ``by`` holds the right in its coalition (whose slug is ``within``, if given).

    NotFound for a stranger; NotAllowed for a member without the right.
    """
    query = sa.select(Campaign).join(Campaign.coalition).options(contains_eager(Campaign.coalition))
    query = query.where(Campaign.slug == slug)
    if within is not None:
        query = query.where(Coalition.slug == within)
    found = session.scalar(query.where(may(by, right, Campaign.coalition_id)))
    if found is not None:
        return found
    if session.scalar(query.where(may(by, Right.SEE, Campaign.coalition_id))) is not None:
        raise NotAllowed
    raise NotFound
