"""The update as one real reader would get it: the first, the next, and those found by name or address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.broadcasts.models import Broadcast
from app.broadcasts.queries.finding import broadcast_for
from app.broadcasts.queries.readers import audience
from app.coalitions.queries import organizations_acting
from app.coalitions.roles import Right
from app.core.errors import NotAllowed
from app.core.text import canonical_email
from app.supporters.models import Supporter

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

FOUND = 20


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader, for those who write for the sender; everybody else sees the letter of somebody made up."""

    id: int
    given_name: str
    family_name: str
    email: str
    language: str

    @property
    def shown(self) -> str:
        """How a list names them."""
        name = " ".join(part for part in (self.given_name, self.family_name) if part) or "Somebody without a name"
        return f"{name}, {self.email}"


def may_see_addresses(session: Session, broadcast: Broadcast, *, by: Actor) -> bool:
    """Whether ``by`` may see who the sender's supporters are: as for its own list of signers, its writers may."""
    acting = organizations_acting(session, broadcast.campaign.coalition_id, by=by, right=Right.WRITE_UPDATE)
    return any(organization.id == broadcast.organization_id for organization in acting)


def sent_by(session: Session, slug: str, ident: int, *, by: Actor) -> Broadcast:
    """An update for somebody who writes for its very sender; NotAllowed for who only sees it."""
    broadcast = broadcast_for(session, slug, ident, by=by, right=Right.WRITE_UPDATE)
    if not may_see_addresses(session, broadcast, by=by):
        raise NotAllowed
    return broadcast


def reader(session: Session, broadcast: Broadcast, ident: int) -> Reader | None:
    """That supporter as a reader of this update; None for somebody it does not go to."""
    return _first(session, audience(broadcast).where(Supporter.id == ident))


def reader_after(session: Session, broadcast: Broadcast, ident: int) -> Reader | None:
    """The next reader by id; after the last comes the first again. None when there is nobody."""
    following = _first(session, audience(broadcast, after=ident))
    return following or _first(session, audience(broadcast))


def readers_called(session: Session, broadcast: Broadcast, text: str) -> list[Reader]:
    """Readers by their address or the beginning of a name, for somebody who may see addresses."""
    wanted = " ".join(text.casefold().split())
    names = [
        sa.func.lower(column).startswith(wanted, autoescape=True)
        for column in (Supporter.given_name, Supporter.family_name, Supporter.given_name + " " + Supporter.family_name)
    ]
    address = _canonical(text)
    query = audience(broadcast).where(sa.or_(Supporter.email_canonical == address, *names)).limit(FOUND)
    return _read(session, query)


def _canonical(text: str) -> str:
    try:
        return canonical_email(text)
    except ValueError:
        return ""


def _first(session: Session, query: sa.Select[int]) -> Reader | None:
    return next(iter(_read(session, query.limit(1))), None)


def _read(session: Session, query: sa.Select[int]) -> list[Reader]:
    ids = query.subquery()
    found = session.scalars(sa.select(Supporter).join(ids, ids.c.id == Supporter.id).order_by(Supporter.id))
    return [
        Reader(
            id=one.id,
            given_name=one.given_name,
            family_name=one.family_name,
            email=one.email,
            language=one.language,
        )
        for one in found
    ]
