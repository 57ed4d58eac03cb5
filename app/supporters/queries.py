"""Supporters by what they prove, what they answered, and what is held about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from app.coalitions.models import Organization
from app.coalitions.queries import only_demonstrations
from app.core import tokens
from app.core.text import canonical_email
from app.mail import streams
from app.supporters.models import Consent, Purpose, Standing, Supporter
from app.supporters.rules import of_stream

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Answered:
    """What a supporter last said to one organization, and the words they were shown then."""

    organization: Organization
    yes: bool
    words: str
    at: datetime


def by_email(session: Session, address: str) -> Supporter | None:
    """The supporter behind an address, however it is written."""
    return session.scalar(sa.select(Supporter).where(Supporter.email_canonical == canonical_email(address)))


def by_preferences_link(session: Session, token: str, *, now: datetime) -> Supporter | None:
    """Whose preferences a link opens; None once they were erased. StaleLink for a bad link."""
    claim = tokens.read("preferences", token, now=now)
    return session.get(Supporter, tokens.number(claim, "id"))


def by_unsubscribe_link(session: Session, token: str, *, now: datetime) -> tuple[Supporter | None, Organization | None]:
    """Who leaves whom by this link; the supporter is None once erased. StaleLink for a bad link."""
    claim = tokens.read("unsubscribe", token, now=now)
    supporter = session.get(Supporter, tokens.number(claim, "id"))
    return supporter, session.get(Organization, tokens.number(claim, "from"))


@streams.namer
def streams_called(session: Session, asked: Collection[str]) -> dict[str, str]:
    """Whose updates a stream holds, for pages of the post office that list streams."""
    senders = {ident: name for name in asked if (ident := of_stream(name)) is not None}
    query = sa.select(Organization.id, Organization.name).where(Organization.id.in_(senders))
    return {senders[ident]: f"updates from {name}" for ident, name in session.execute(query)}


def reader_of_link(token: str, *, now: datetime) -> int:
    """The id of the supporter whose unsubscribe link it is, erased or not."""
    return tokens.number(tokens.read("unsubscribe", token, now=now), "id")


def end_of_link(token: str) -> datetime:
    """Until when an unsubscribe link works."""
    return tokens.ends("unsubscribe", token)


def mailing_of_link(token: str, *, now: datetime) -> int:
    """The mailing in which an unsubscribe link stood; 0 where it stood in none."""
    return int(tokens.read("unsubscribe", token, now=now).get("of", 0))


def answers(session: Session, supporter: Supporter) -> list[Answered]:
    """The newest answer to each organization, by its name, with the words it was given to."""
    newest = (
        sa.select(sa.func.max(Consent.id))
        .where(Consent.supporter_id == supporter.id, Consent.purpose == Purpose.UPDATES)
        .group_by(Consent.organization_id)
    )
    query = (
        sa.select(Consent)
        .join(Organization)
        .where(Consent.id.in_(newest))
        .options(joinedload(Consent.organization))
        .order_by(Organization.name)
    )
    return [
        Answered(organization=line.organization, yes=line.yes, words=line.words, at=line.at)
        for line in session.scalars(query)
    ]


def in_a_demonstration(session: Session, supporter: Supporter | None) -> bool:
    """Whether nobody but organizations of demonstrations asked this person anything.

    Who answered nobody, or is erased, can only be of a demonstration where there is nothing else.
    """
    asked = sa.select(Standing.organization_id).where(Standing.supporter_id == (supporter.id if supporter else 0))
    return only_demonstrations(session, session.scalars(asked).all())


def ledger(session: Session, supporter: Supporter) -> list[Consent]:
    """Every line of the ledger about a supporter, oldest first."""
    query = sa.select(Consent).where(Consent.supporter_id == supporter.id).options(joinedload(Consent.organization))
    return list(session.scalars(query.order_by(Consent.id)))


def held(session: Session, supporter: Supporter) -> dict[str, object]:
    """What this room holds about a person, for the person."""
    answers = [
        {
            "organization": line.organization.name,
            "yes": line.yes,
            "words": line.words,
            "source": line.source,
            "at": line.at.isoformat(),
        }
        for line in ledger(session, supporter)
    ]
    return {
        "email": supporter.email,
        "given_name": supporter.given_name,
        "family_name": supporter.family_name,
        "postal_code": supporter.postal_code,
        "country": supporter.country,
        "language": supporter.language,
        "since": supporter.created_at.isoformat(),
        "answers": answers,
    }


def says_yes(session: Session, supporter_id: int, organization_id: int) -> bool:
    """Whether the newest answer to this organization is a yes."""
    query = sa.select(Standing.yes).where(
        Standing.supporter_id == supporter_id,
        Standing.organization_id == organization_id,
        Standing.purpose == Purpose.UPDATES,
    )
    return session.scalar(query) is True


def left(session: Session, supporter_id: int, organization_id: int) -> bool:
    """Whether somebody who had said yes to this organization has left it."""
    mine = (Consent.supporter_id == supporter_id, Consent.organization_id == organization_id, Consent.yes.is_(True))
    said_yes = session.scalar(sa.select(Consent.id).where(*mine, Consent.purpose == Purpose.UPDATES).limit(1))
    return said_yes is not None and not says_yes(session, supporter_id, organization_id)


def says_any_yes(session: Session, supporter_id: int) -> bool:
    """Whether the newest answer to any organization is a yes."""
    query = sa.select(Standing.id).where(
        Standing.supporter_id == supporter_id, Standing.purpose == Purpose.UPDATES, Standing.yes.is_(True)
    )
    return session.scalar(query.limit(1)) is not None


def supporters_after(session: Session, ident: int, *, limit: int) -> list[int]:
    """The next supporters by id."""
    query = sa.select(Supporter.id).where(Supporter.id > ident).order_by(Supporter.id)
    return list(session.scalars(query.limit(limit)))


def gone(session: Session, first: int, last: int) -> list[str]:
    """Addresses, among supporters with these ids, of those who once said yes to somebody and say it to nobody now."""
    said = sa.exists().where(
        Consent.supporter_id == Supporter.id, Consent.purpose == Purpose.UPDATES, Consent.yes.is_(True)
    )
    says = sa.exists().where(
        Standing.supporter_id == Supporter.id, Standing.purpose == Purpose.UPDATES, Standing.yes.is_(True)
    )
    query = sa.select(Supporter.email).where(Supporter.id.between(first, last), said, ~says)
    return list(session.scalars(query.order_by(Supporter.id)))


def ever_said_yes(session: Session, supporter_id: int) -> bool:
    """Whether any line of the ledger is a yes, however many noes followed."""
    query = sa.select(Consent.id).where(
        Consent.supporter_id == supporter_id, Consent.purpose == Purpose.UPDATES, Consent.yes.is_(True)
    )
    return session.scalar(query.limit(1)) is not None


def audience(
    session: Session, organization_id: int, *, after_id: int = 0, until_id: int | None = None, limit: int = 500
) -> list[int]:
    """The ids of supporters with a standing yes to an organization, ascending, from ``after_id`` on."""
    query = sa.select(Standing.supporter_id).where(
        Standing.organization_id == organization_id,
        Standing.purpose == Purpose.UPDATES,
        Standing.yes.is_(True),
        Standing.supporter_id > after_id,
    )
    if until_id is not None:
        query = query.where(Standing.supporter_id <= until_id)
    return list(session.scalars(query.order_by(Standing.supporter_id).limit(limit)))
