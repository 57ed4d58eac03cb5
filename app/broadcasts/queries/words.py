"""An audience in words, for those who read it before they approve it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.broadcasts.queries.values import districts
from app.broadcasts.rules import audience_of
from app.petitions.models import Petition

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.broadcasts.models import Broadcast


def audience_in_words(session: Session, broadcast: Broadcast) -> list[str]:
    """Whom an update is for, a phrase for each part that narrows."""
    chosen = audience_of(broadcast)
    said = [f"who said yes to {broadcast.organization.name}"]
    if chosen.signed:
        titles = session.scalars(sa.select(Petition.title).where(Petition.id.in_(chosen.signed)).order_by(Petition.id))
        said.append(f"who signed {_any_of([f'“{title}”' for title in titles])}")
    if chosen.districts:
        names = dict(districts(session, broadcast.campaign_id))
        # A district that the table lost is still named as it was chosen.
        said.append(f"in {_any_of([names.get(key, key.partition(':')[2]) for key in chosen.districts])}")
    if chosen.postal_prefixes:
        said.append(f"whose postal code begins with {_any_of(chosen.postal_prefixes)}")
    if chosen.countries:
        said.append(f"in the country {_any_of(chosen.countries)}")
    if chosen.languages:
        said.append(f"who read {_any_of(chosen.languages)}")
    if chosen.on_behalf:
        said.append("who write from an organization that signed a letter of this coalition")
    if chosen.quiet_days:
        days = "the last day" if chosen.quiet_days == 1 else f"the last {chosen.quiet_days} days"
        said.append(f"who got no update of {broadcast.organization.name} in {days}")
    if chosen.unwritten:
        said.append(f"who got no other update of {broadcast.organization.name} on this campaign")
    return said


def _any_of(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}" if names else "nothing"
