"""Reading across rooms for the public: a letter with its roll, what belongs to a campaign, whose words these are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import joinedload, selectinload

from app.campaigns.models import Campaign, CampaignTarget, Commitment
from app.campaigns.queries import campaigns_of
from app.campaigns.rules import PUBLIC_STATES
from app.coalitions.models import Coalition, Organization, Party, PartyRole
from app.core.errors import NotFound
from app.core.text import sort_key
from app.deliveries.models import Document
from app.petitions.models import Petition, PetitionState
from app.signons import queries as signons
from app.signons.models import Edition, EditionName, SignOn, SignOnState
from app.signons.rules import grouped
from app.statements.models import Statement
from app.statements.queries import PUBLIC_STATES as READABLE
from app.statements.queries import public_statement
from app.targets.models import Target
from app.targets.queries import addressees

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

Name = SignOn | EditionName


@dataclass(frozen=True, slots=True)
class Letter:
    """A statement as anybody may read it. ``edition`` is set once the roll is fixed."""

    statement: Statement
    coalition: Coalition
    text: str
    addressees: list[str]
    groups: list[tuple[str, list[Name]]]
    edition: Edition | None

    @property
    def names(self) -> list[Name]:
        """The whole roll in order."""
        return [name for _, names in self.groups for name in names]

    @property
    def count(self) -> int:
        """How many organizations stand under it."""
        return len(self.names)


def letter(session: Session, slug: str) -> Letter:
    """A published letter with its roll: the edition's fixed one, or the names so far. NotFound for drafts."""
    statement = public_statement(session, slug)
    targets = session.scalars(
        sa.select(Target)
        .join(CampaignTarget, CampaignTarget.target_id == Target.id)
        .where(CampaignTarget.campaign_id == statement.campaign_id)
        .options(selectinload(Target.members))
        .order_by(Target.id)
    ).all()
    edition = latest_edition(session, statement.id)
    groups = fixed_groups(edition) if edition else names_so_far(session, statement.id)
    revision = statement.frozen_revision
    return Letter(
        statement=statement,
        coalition=statement.campaign.coalition,
        text=revision.text if revision is not None else "",
        addressees=addressees(targets),
        groups=groups,
        edition=edition,
    )


def fixed_groups(edition: Edition) -> list[tuple[str, list[Name]]]:
    """An edition's roll as (heading, names)."""
    lines: list[tuple[bool, str, Name]] = [(name.initiator, name.scope, name) for name in edition.names]
    return grouped(lines)


def names_so_far(session: Session, statement_id: int) -> list[tuple[str, list[Name]]]:
    """The roll as it stands now, as (heading, names)."""
    return [(heading, [*names]) for heading, names in signons.roll_groups(session, statement_id)]


def latest_edition(session: Session, statement_id: int) -> Edition | None:
    """The newest edition with its fixed roll and its document (whose bytes are fetched when asked for)."""
    query = sa.select(Edition).where(Edition.statement_id == statement_id).order_by(Edition.number.desc()).limit(1)
    return session.scalar(query.options(selectinload(Edition.names), joinedload(Edition.document)))


@dataclass(frozen=True, slots=True)
class NameAndWords:
    """A name of an edition and the digest of the words it stands under."""

    name: EditionName
    digest: str


def edition_for(session: Session, slug: str, number: int) -> tuple[Edition, list[NameAndWords]]:
    """An edition of a published statement, and for each name which words it was given to."""
    statement = public_statement(session, slug)
    query = sa.select(Edition).where(Edition.statement_id == statement.id, Edition.number == number)
    edition = session.scalar(query.options(joinedload(Edition.document)))
    if edition is None:
        raise NotFound
    rows = session.execute(
        sa.select(EditionName, SignOn.digest)
        .join(SignOn, SignOn.id == EditionName.sign_on_id)
        .where(EditionName.edition_id == edition.id)
        .order_by(EditionName.place)
    )
    return edition, [NameAndWords(name, digest) for name, digest in rows]


@dataclass(slots=True)
class Beside:
    """What the public finds beside a campaign: its letters with their counts, its petitions."""

    letters: list[tuple[Statement, int]] = field(default_factory=list)
    petitions: list[Petition] = field(default_factory=list)


def beside(session: Session, campaigns: Sequence[Campaign]) -> dict[int, Beside]:
    """For each campaign its published letters and petitions, in two queries however many there are."""
    found = {campaign.id: Beside() for campaign in campaigns}
    signed = (
        sa.select(sa.func.count(SignOn.id))
        .where(SignOn.statement_id == Statement.id, SignOn.state == SignOnState.CONFIRMED)
        .scalar_subquery()
    )
    letters = sa.select(Statement, signed).where(Statement.campaign_id.in_(found), Statement.state.in_(READABLE))
    for statement, count in session.execute(letters.order_by(Statement.id.desc())):
        found[statement.campaign_id].letters.append((statement, count))
    petitions = sa.select(Petition).where(Petition.campaign_id.in_(found), Petition.state != PetitionState.DRAFT)
    for petition in session.scalars(petitions.order_by(Petition.id.desc())):
        found[petition.campaign_id].petitions.append(petition)
    return found


def public_coalition(session: Session, slug: str) -> tuple[Coalition, list[Campaign]]:
    """A coalition with something to show the public, and its public campaigns. NotFound otherwise."""
    coalition = session.scalar(sa.select(Coalition).where(Coalition.slug == slug))
    campaigns = campaigns_of(session, coalition.id, public_only=True) if coalition is not None else []
    if coalition is None or not campaigns:
        raise NotFound
    return coalition, campaigns


def members(session: Session, coalition_id: int) -> list[tuple[Organization, Party]]:
    """The organizations that have joined: leads first, then as on a roll. Those only invited are nobody's to see."""
    query = (
        sa.select(Organization, Party)
        .join(Party, Party.organization_id == Organization.id)
        .where(Party.coalition_id == coalition_id, Party.joined_at.is_not(None))
    )
    found = [(organization, party) for organization, party in session.execute(query)]
    return sorted(found, key=lambda pair: (pair[1].role is not PartyRole.LEAD, sort_key(pair[0].name)))


def public_target(session: Session, coalition: str, slug: str) -> Target:
    """A target that a public campaign names, itself or through its body. NotFound otherwise."""
    named = (
        sa.select(CampaignTarget.target_id)
        .join(Campaign, Campaign.id == CampaignTarget.campaign_id)
        .where(Campaign.state.in_(PUBLIC_STATES))
    )
    promised = sa.select(Commitment.target_id).join(Commitment.campaign).where(Campaign.state.in_(PUBLIC_STATES))
    query = (
        sa.select(Target)
        .join(Coalition, Coalition.id == Target.coalition_id)
        .where(Coalition.slug == coalition, Target.slug == slug)
        .where(sa.or_(Target.id.in_(named), Target.parent_id.in_(named), Target.id.in_(promised)))
        .options(joinedload(Target.parent), selectinload(Target.members))
    )
    found = session.scalar(query)
    if found is None:
        raise NotFound
    return found


def document_of(session: Session, body_sha256: str) -> tuple[Document, Statement] | None:
    """The delivered letter with these very bytes, and its statement; None if no edition is this file."""
    query = (
        sa.select(Document, Statement)
        .join(Edition, Edition.document_id == Document.id)
        .join(Statement, Statement.id == Edition.statement_id)
        .where(Document.body_sha256 == body_sha256, Statement.state.in_(READABLE))
    )
    row = session.execute(query.order_by(Document.id)).first()
    return (row[0], row[1]) if row is not None else None


def newest_letters(session: Session, limit: int) -> list[Statement]:
    """The newest published statements with their words."""
    query = sa.select(Statement).where(Statement.state.in_(READABLE)).options(joinedload(Statement.frozen_revision))
    return list(session.scalars(query.order_by(Statement.id.desc()).limit(limit)))


def every_public_path(session: Session, limit: int = 10_000) -> list[str]:
    """The paths of every public page, for search engines; demonstrations are left out."""
    real = Coalition.is_demo.is_(False)
    campaigns = sa.select(Campaign.slug, Coalition.slug).join(Campaign.coalition)
    paths = ["/"]
    for slug, coalition in session.execute(campaigns.where(real, Campaign.state.in_(PUBLIC_STATES)).limit(limit)):
        paths += [f"/c/{coalition}", f"/campaigns/{slug}"]
    letters = sa.select(Statement.slug).join(Statement.campaign).join(Campaign.coalition)
    letters = letters.where(real, Statement.state.in_(READABLE))
    petitions = sa.select(Petition.slug).join(Petition.campaign).join(Campaign.coalition)
    petitions = petitions.where(real, Petition.state != PetitionState.DRAFT)
    paths += [f"/statements/{slug}" for slug in session.scalars(letters.limit(limit))]
    paths += [f"/petitions/{slug}" for slug in session.scalars(petitions.limit(limit))]
    return list(dict.fromkeys(paths))
