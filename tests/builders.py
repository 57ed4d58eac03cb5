"""Plain keyword functions that make the things tests talk about, through the commands where there is one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.accounts.models import Account
from app.campaigns.models import Campaign, CampaignState
from app.coalitions.models import Coalition, Membership, Organization, Party, PartyRole, Role
from app.core import db
from app.core.actor import Actor
from app.core.text import canonical_email, normal_name, slugify
from app.targets.models import Target, TargetKind

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

NOW = datetime(2021, 5, 20, 17, 0, tzinfo=UTC)


def account(session: Session, *, email: str = "robin@fftf.example", name: str = "Robin Vale") -> Account:
    """A person who can sign in by link."""
    row = Account(email=email, email_canonical=canonical_email(email), name=name, created_at=NOW)
    return db.add(session, row)


def actor(person: Account) -> Actor:
    """The person as commands know who acts."""
    return Actor(label=person.name, account_id=person.id, operator=person.is_operator)


def coalition(
    session: Session, *, name: str = "Coalition for Open Faces", zone: str = "America/Los_Angeles"
) -> Coalition:
    """A coalition without members."""
    return db.add(session, Coalition(slug=slugify(name), name=name, zone=zone, created_at=NOW))


def organization(
    session: Session,
    *,
    name: str = "Northwest Privacy Alliance",
    within: Coalition | None = None,
    party: PartyRole = PartyRole.PARTNER,
) -> Organization:
    """An organization, a joined member of ``within`` if given."""
    row = db.add(session, Organization(slug=slugify(name), name=name, name_normal=normal_name(name), created_at=NOW))
    if within is not None:
        session.add(Party(coalition_id=within.id, organization_id=row.id, role=party, joined_at=NOW, added_at=NOW))
        session.flush()
    return row


def member(
    session: Session, group: Organization, *, role: Role = Role.ADMIN, email: str = "", name: str = ""
) -> Account:
    """A person with a role in an organization."""
    person = account(
        session,
        email=email or f"{role.value}@{group.slug}.example",
        name=name or f"{role.value} of {group.name}",
    )
    session.add(Membership(account_id=person.id, organization_id=group.id, role=role, since=NOW))
    session.flush()
    return person


def campaign(session: Session, within: Coalition, *, title: str = "End police face recognition") -> Campaign:
    """A live campaign without targets."""
    row = Campaign(
        coalition_id=within.id,
        slug=slugify(title),
        title=title,
        demand="Stop selling face recognition to police, for good.",
        state=CampaignState.LIVE,
        created_at=NOW,
    )
    return db.add(session, row)


def target(
    session: Session, within: Coalition, *, name: str = "Amazon.com", email: str = "policy@amazon.example"
) -> Target:
    """A company with an address."""
    row = Target(
        coalition_id=within.id,
        slug=slugify(name),
        name=name,
        kind=TargetKind.COMPANY,
        email=email,
        created_at=NOW,
    )
    return db.add(session, row)
