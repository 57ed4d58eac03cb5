"""Petitions as the public and as organizers see them, and their signatures."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import contains_eager

from app.campaigns.models import Campaign
from app.coalitions.models import Coalition, Organization
from app.coalitions.queries import may
from app.coalitions.roles import Right
from app.core import tokens
from app.core.clock import local
from app.core.errors import NotAllowed, NotFound
from app.mail.models import Email, Suppression
from app.petitions.models import (
    ConsentAsk,
    Petition,
    PetitionReport,
    PetitionState,
    Signature,
    SignatureAnswer,
    SignatureState,
)
from app.petitions.rules import MAILBOX_FULL, MOST_MAILS, REMINDED_WITHIN
from app.supporters.models import Purpose, Standing, Supporter

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def public_petition(session: Session, slug: str) -> Petition:
    """A petition that anybody may read: open or closed. NotFound for a draft."""
    query = sa.select(Petition).where(Petition.slug == slug, Petition.state != PetitionState.DRAFT)
    found = session.scalar(query)
    if found is None:
        raise NotFound
    return found


def petition_for(
    session: Session, slug: str, *, by: Actor, right: Right = Right.SEE, coalition: str | None = None
) -> Petition:
    """A petition in the workroom, if ``by`` holds the right in its coalition."""
    query = sa.select(Petition).join(Campaign).where(Petition.slug == slug)
    if coalition is not None:
        query = query.join(Coalition, Coalition.id == Campaign.coalition_id).where(Coalition.slug == coalition)
    found = session.scalar(query.where(may(by, right, Campaign.coalition_id)))
    if found is not None:
        return found
    if session.scalar(query.where(may(by, Right.SEE, Campaign.coalition_id))) is not None:
        raise NotAllowed
    raise NotFound


def petitions_of(session: Session, campaign_id: int, *, public: bool = False) -> list[Petition]:
    """A campaign's petitions, oldest first; only those anybody may read with ``public``."""
    query = sa.select(Petition).where(Petition.campaign_id == campaign_id).order_by(Petition.id)
    if public:
        query = query.where(Petition.state != PetitionState.DRAFT)
    return list(session.scalars(query))


def petitions_in(session: Session, coalition_id: int) -> list[Petition]:
    """All petitions of a coalition with their campaign, newest first."""
    query = sa.select(Petition).join(Petition.campaign).where(Campaign.coalition_id == coalition_id)
    return list(session.scalars(query.options(contains_eager(Petition.campaign)).order_by(Petition.id.desc())))


def of_mailbox(session: Session, petition_id: int, email_canonical: str) -> list[Signature]:
    """Every signature of one mailbox under a petition, oldest first."""
    query = sa.select(Signature).where(
        Signature.petition_id == petition_id, Signature.email_canonical == email_canonical
    )
    return list(session.scalars(query.order_by(Signature.id)))


def of_person(session: Session, supporter: Supporter) -> list[Signature]:
    """Every signature of a supporter's mailbox under any petition, oldest first."""
    query = sa.select(Signature).where(Signature.email_canonical == supporter.email_canonical)
    return list(session.scalars(query.order_by(Signature.id)))


def signature_for(session: Session, slug: str, ident: int, *, by: Actor, coalition: str) -> Signature:
    """A signature that ``by`` may take off the count. NotFound for one of another petition."""
    petition = petition_for(session, slug, by=by, right=Right.ORGANIZE, coalition=coalition)
    found = session.get(Signature, ident)
    if found is None or found.petition_id != petition.id:
        raise NotFound
    return found


def by_link(session: Session, token: str, *, now: datetime) -> Signature:
    """The signature that a confirmation link speaks of. StaleLink for a bad link or an erased signer."""
    found = session.get(Signature, tokens.number(tokens.read("confirm-signature", token, now=now), "id"))
    if found is None or not found.email:
        raise tokens.StaleLink
    return found


def unanswered(petition_id: int, delay: timedelta, *, now: datetime) -> sa.Select[int]:
    """The ids of pending signatures whose mailbox may be asked once more, oldest first.

    Its newest letter is older than ``delay``, it may get letters and more of them, and it stands by no other name here.
    """
    other = sa.orm.aliased(Signature)
    mailbox = sa.and_(other.petition_id == petition_id, other.email_canonical == Signature.email_canonical)
    had = sa.select(sa.func.coalesce(sa.func.sum(other.mails), 0)).where(mailbox).scalar_subquery()
    # The same name as rules.letter_key gives.
    newest = sa.literal("signature:") + sa.cast(Signature.id, sa.String) + ":" + sa.cast(Signature.mails, sa.String)
    return (
        sa.select(Signature.id)
        .where(
            Signature.petition_id == petition_id,
            Signature.state == SignatureState.PENDING,
            Signature.email != "",
            Signature.created_at <= now - delay,
            Signature.created_at > now - delay - REMINDED_WITHIN,
            had < MOST_MAILS,
            ~sa.exists().where(mailbox, other.state == SignatureState.VALIDATED),
            ~sa.exists().where(Suppression.address == Signature.email_canonical, Suppression.stream == ""),
            ~sa.exists().where(Email.once == newest, Email.created_at > now - delay),
        )
        .order_by(Signature.id)
    )


def states(session: Session, petition_id: int) -> dict[SignatureState, int]:
    """How many signatures are in each state."""
    query = sa.select(Signature.state, sa.func.count()).where(Signature.petition_id == petition_id)
    counts = Counter(dict(session.execute(query.group_by(Signature.state)).all()))
    return {state: counts[state] for state in SignatureState}


def duplicates(session: Session, petition_id: int) -> int:
    """How many attempts came to nothing because the mailbox had signed already."""
    full = sa.case((Signature.reason == MAILBOX_FULL, 1), else_=0)
    query = sa.select(sa.func.sum(Signature.repeats + full)).where(Signature.petition_id == petition_id)
    return int(session.scalar(query) or 0)


def per_day(session: Session, petition: Petition, days: int = 30) -> list[tuple[date, int]]:
    """Validated signatures a day in the coalition's zone, oldest first; days without any in between count zero."""
    counting = (Signature.petition_id == petition.id, Signature.state == SignatureState.VALIDATED)
    newest = session.scalar(sa.select(sa.func.max(Signature.validated_at)).where(*counting))
    if newest is None:
        return []
    query = sa.select(Signature.validated_at).where(*counting, Signature.validated_at > newest - timedelta(days=days))
    zone = petition.campaign.coalition.zone
    found = Counter(local(moment, zone).date() for moment in session.scalars(query) if moment is not None)
    first = max(min(found), date.fromordinal(max(found).toordinal() - days + 1))
    ordinals = range(first.toordinal(), max(found).toordinal() + 1)
    return [(day, found[day]) for day in map(date.fromordinal, ordinals)]


def answers_by_organization(session: Session, petition: Petition) -> list[tuple[Organization, int, int, int]]:
    """For each asking organization: how many confirmed signers said yes, no, and nothing."""
    validated = states(session, petition.id)[SignatureState.VALIDATED]
    rows = session.execute(
        sa.select(SignatureAnswer.organization_id, SignatureAnswer.yes, sa.func.count())
        .join(Signature)
        .where(Signature.petition_id == petition.id, Signature.state == SignatureState.VALIDATED)
        .group_by(SignatureAnswer.organization_id, SignatureAnswer.yes)
    )
    said = {(organization_id, yes): count for organization_id, yes, count in rows}
    return [
        (ask.organization, yes, no, validated - yes - no)
        for ask in petition.asks
        for yes, no in [(said.get((ask.organization_id, True), 0), said.get((ask.organization_id, False), 0))]
    ]


def recent_comments(session: Session, petition_id: int, limit: int = 20) -> list[Signature]:
    """The newest confirmed signatures with words of their own; the same words are shown once."""
    newest = (
        sa.select(sa.func.max(Signature.id))
        .where(Signature.petition_id == petition_id, Signature.state == SignatureState.VALIDATED)
        .where(Signature.comments != "")
        .group_by(Signature.comments)
    )
    query = sa.select(Signature).where(Signature.id.in_(newest)).order_by(Signature.id.desc())
    return list(session.scalars(query.limit(limit)))


def by_place(session: Session, petition_id: int, limit: int = 40) -> list[tuple[str, int]]:
    """Validated signatures by the first three characters of the postal code and the country, most first."""
    place = sa.func.substr(Signature.postal_code, 1, 3)
    query = (
        sa.select(place, Signature.country, sa.func.count())
        .where(Signature.petition_id == petition_id, Signature.state == SignatureState.VALIDATED)
        .group_by(place, Signature.country)
        .order_by(sa.func.count().desc(), place)
        .limit(limit)
    )
    return [(f"{prefix or '—'}… {country}".strip(), count) for prefix, country, count in session.execute(query)]


def unmade_reports(session: Session) -> list[int]:
    """Reports that were asked for and have no document yet."""
    query = sa.select(PetitionReport.id).where(PetitionReport.document_id.is_(None)).order_by(PetitionReport.id)
    return list(session.scalars(query))


def reports(session: Session, petition_id: int) -> list[PetitionReport]:
    """A petition's reports, newest first."""
    query = sa.select(PetitionReport).where(PetitionReport.petition_id == petition_id)
    return list(session.scalars(query.order_by(PetitionReport.number.desc())))


def consenting(
    session: Session, petition_id: int, organization_id: int, *, after: int | None = None, limit: int | None = None
) -> list[Signature]:
    """Validated signatures of people whose newest answer to this organization is a yes; nobody else's is its to see.

    Two people may share a mailbox: there a yes is only the one's who gave it under the petition. ``after`` is the id
    to go on from.
    """
    said_yes = sa.exists().where(
        SignatureAnswer.signature_id == Signature.id,
        SignatureAnswer.organization_id == organization_id,
        SignatureAnswer.yes.is_(True),
    )
    housemate = sa.orm.aliased(Signature)
    shared = sa.exists().where(
        housemate.petition_id == petition_id,
        housemate.supporter_id == Signature.supporter_id,
        housemate.id != Signature.id,
    )
    query = (
        sa.select(Signature)
        .join(Standing, Standing.supporter_id == Signature.supporter_id)
        .where(
            Signature.petition_id == petition_id,
            Signature.id > (after or 0),
            Signature.state == SignatureState.VALIDATED,
            Standing.organization_id == organization_id,
            Standing.purpose == Purpose.UPDATES,
            Standing.yes.is_(True),
            sa.or_(said_yes, ~shared),
        )
        .order_by(Signature.id)
        .limit(limit)
    )
    return list(session.scalars(query))


def asks(session: Session, petition_id: int) -> list[ConsentAsk]:
    """Who asks this petition's signers, in the order shown."""
    query = sa.select(ConsentAsk).where(ConsentAsk.petition_id == petition_id).order_by(ConsentAsk.place)
    return list(session.scalars(query))
