"""Forming a coalition: the coalition itself, its organizations, and what is publicly said of them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import sqlalchemy as sa
from pydantic import AfterValidator, BeforeValidator, Field
from sqlalchemy.exc import IntegrityError

from app.coalitions import messages, queries
from app.coalitions.models import (
    Coalition,
    LegalStatus,
    Organization,
    OrganizationAlias,
    Party,
    PartyRole,
    Scope,
)
from app.coalitions.roles import Right
from app.core import audit, db
from app.core.clock import zone
from app.core.errors import Conflict, Invalid, NotAllowed
from app.core.inputs import Input, Name, OptionalEmail, OptionalLine, OptionalWebAddress, SenderName
from app.core.text import slugify
from app.mail import outbox

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def _separate(value: object) -> object:
    """Names written one a line or with semicolons between them, as a list."""
    parts = value if isinstance(value, list) else [value]
    texts = [part for part in parts if isinstance(part, str)]
    return [name.strip() for text in texts for name in re.split(r"[;\r\n]+", text) if name.strip()]


def _legal_form(value: object) -> object:
    """``501(c)(3)`` and ``C3`` mean ``c3``."""
    return re.sub(r"[^a-z0-9]", "", value.casefold()).removeprefix("501") if isinstance(value, str) else value


def _folded(value: object) -> object:
    return value.strip().casefold() if isinstance(value, str) else value


def _zone(value: str) -> str:
    zone(value)
    return value


Names = Annotated[list[Name], BeforeValidator(_separate), Field(max_length=20)]
Zone = Annotated[str, Field(min_length=1, max_length=60), AfterValidator(_zone)]


class NewCoalition(Input):
    """A coalition to be formed. ``zone`` is the time zone of its deadlines."""

    name: Name
    zone: Zone
    purpose: Annotated[str, Field(max_length=2_000)] = ""
    is_demo: bool = False


class OrganizationFacts(Input):
    """What is publicly said of an organization."""

    name: Name
    short_name: Annotated[OptionalLine, Field(max_length=60)] = ""
    aliases: Names = Field(default_factory=list)
    legal_status: Annotated[LegalStatus, BeforeValidator(_legal_form)] = LegalStatus.OTHER
    scope: Annotated[Scope, BeforeValidator(_folded)] = Scope.LOCAL
    region: Annotated[OptionalLine, Field(max_length=20)] = ""
    site_url: OptionalWebAddress = None
    public_email: OptionalEmail = None
    sender_name: SenderName = ""


class NewParty(Input):
    """An organization's place in a coalition, and its private contact there."""

    role: Annotated[PartyRole, BeforeValidator(_folded)] = PartyRole.PARTNER
    contact_name: Annotated[OptionalLine, Field(max_length=200)] = ""
    contact_title: Annotated[OptionalLine, Field(max_length=200)] = ""
    contact_email: OptionalEmail = None


class NewOrganization(NewParty, OrganizationFacts):
    """An organization that is not here yet, with its place in the coalition."""


def create_coalition(
    session: Session, entry: NewCoalition, lead: Organization | NewOrganization, *, by: Actor, now: datetime
) -> Coalition:
    """Form a coalition around a lead organization.

    An operator may, with any lead; everybody else with an organization whose admin they are. A demonstration is
    declared by operators only. The lead has joined if ``by`` belongs to it; otherwise it joins by invitation.
    """
    if not by.operator:
        if isinstance(lead, NewOrganization) or entry.is_demo:
            raise NotAllowed("Only an operator of this site may do this. Choose an organization of yours as lead.")
        queries.require_in(session, lead.id, by=by, right=Right.MANAGE_PEOPLE)
    coalition = Coalition(
        name=entry.name, zone=entry.zone, purpose=entry.purpose, is_demo=entry.is_demo, created_at=now
    )
    db.add_with_slug(session, coalition, slugify(entry.name, otherwise="coalition"))
    audit.record(session, "coalition.created", coalition, by=by, now=now, coalition_id=coalition.id, name=entry.name)
    if isinstance(lead, NewOrganization):
        group = new_organization(session, lead, now=now)
        place: NewParty = lead.model_copy(update={"role": PartyRole.LEAD})
    else:
        group, place = lead, NewParty(role=PartyRole.LEAD)
    party = _place(session, coalition, group, place, by=by, now=now)
    if not isinstance(lead, NewOrganization) and queries.is_in(session, lead.id, by=by):
        party.joined_at = now
    session.flush()
    return coalition


def add_organization(
    session: Session, coalition: Coalition, entry: NewOrganization, *, by: Actor, now: datetime
) -> Organization:
    """Bring an organization that is not here yet into a coalition. It joins when somebody accepts an invitation."""
    queries.require_organizer(session, coalition.id, by=by, right=Right.INVITE_ORGANIZATIONS)
    organization = new_organization(session, entry, now=now)
    _place(session, coalition, organization, entry, by=by, now=now)
    return organization


def add_party(
    session: Session, coalition: Coalition, organization: Organization, entry: NewParty, *, by: Actor, now: datetime
) -> Party:
    """Bring an organization that is already here into a coalition. It joins when an admin of it accepts."""
    queries.require_organizer(session, coalition.id, by=by, right=Right.INVITE_ORGANIZATIONS)
    return _place(session, coalition, organization, entry, by=by, now=now)


def _place(
    session: Session, coalition: Coalition, organization: Organization, entry: NewParty, *, by: Actor, now: datetime
) -> Party:
    values = {
        "coalition_id": coalition.id,
        "organization_id": organization.id,
        "role": entry.role,
        "contact_name": entry.contact_name,
        "contact_title": entry.contact_title,
        "contact_email": entry.contact_email,
        "added_at": now,
    }
    if not db.insert_once(session, Party, [values], unique=["coalition_id", "organization_id"]):
        raise Conflict(f"{organization.name} is in {coalition.name} already.")
    audit.record(
        session,
        "organization.added",
        organization,
        by=by,
        now=now,
        coalition_id=coalition.id,
        organization_id=organization.id,
        name=organization.name,
        role=entry.role.value,
    )
    return queries.party(session, coalition.id, organization.id)


def new_organization(session: Session, entry: OrganizationFacts, *, now: datetime) -> Organization:
    """Make an organization whose every name is new; Invalid names the one that bears it already."""
    refuse_known_names(session, entry)
    organization = Organization(
        name=entry.name,
        name_normal=queries.normal(entry.name),
        short_name=entry.short_name,
        legal_status=entry.legal_status,
        scope=entry.scope,
        region=entry.region,
        site_url=entry.site_url,
        public_email=entry.public_email,
        sender_name=entry.sender_name,
        created_at=now,
        aliases=aliases(entry.aliases),
    )
    try:
        return db.add_with_slug(session, organization, slugify(entry.name, otherwise="organization"))
    except IntegrityError as error:
        raise Invalid({"name": f"{entry.name} was added by somebody else just now."}) from error


def aliases(names: list[str]) -> list[OrganizationAlias]:
    """Alias rows, one for each name that compares differently."""
    different = {queries.normal(name): name for name in reversed(names)}
    return [OrganizationAlias(name=name, name_normal=key) for key, name in sorted(different.items())]


def refuse_known_names(session: Session, entry: OrganizationFacts, *, apart_from: int | None = None) -> None:
    """Raise Invalid at the field whose name another organization bears."""
    fields = {"name": [entry.name], "short_name": [entry.short_name], "aliases": entry.aliases}
    problems = {}
    for field, names in fields.items():
        for name in filter(None, names):
            other = queries.known_as(session, [name], apart_from=apart_from)
            if other is not None:
                problems[field] = f"“{name}” is already a name of {other.name}, which is here. Use that organization."
                break
    if problems:
        raise Invalid(problems)


FACTS = ("name", "short_name", "legal_status", "scope", "region", "site_url", "public_email", "sender_name")


def edit_organization(
    session: Session, organization: Organization, entry: OrganizationFacts, *, by: Actor, now: datetime
) -> Organization:
    """Change what is publicly said of one's own organization; its old public address is told of a new one."""
    row = db.locked(session, Organization, organization.id)
    queries.require_in(session, row.id, by=by, right=Right.MANAGE_PEOPLE)
    refuse_known_names(session, entry, apart_from=row.id)
    old_address = row.public_email
    changed = apply_facts(row, entry, set(OrganizationFacts.model_fields))
    if not changed:
        return row
    try:
        with session.begin_nested():
            session.flush()
    except IntegrityError as error:
        raise Invalid({"name": "Another organization took this name just now."}) from error
    if "public_email" in changed and old_address:
        tell_old_address(session, row, old_address, by=by, now=now)
    places = session.scalars(sa.select(Party.coalition_id).where(Party.organization_id == row.id))
    for coalition_id in [*places] or [None]:
        audit.record(
            session,
            "organization.edited",
            row,
            by=by,
            now=now,
            coalition_id=coalition_id,
            organization_id=row.id,
            name=row.name,
            changed=", ".join(name.replace("_", " ") for name in changed),
        )
    return row


def tell_old_address(session: Session, row: Organization, old: str, *, by: Actor, now: datetime) -> None:
    """Write to the address that notices about the organization's name went to until now."""
    letter = messages.address_changed(row, old, by.label, now)
    outbox.queue(session, letter, once=f"organization:{row.id}:address:{now.isoformat()}", now=now)


def apply_facts(row: Organization, entry: OrganizationFacts, given: set[str]) -> list[str]:
    """Set the given facts on the row; returns the names of those that were different."""
    changed = [name for name in FACTS if name in given and getattr(row, name) != getattr(entry, name)]
    for name in changed:
        setattr(row, name, getattr(entry, name))
    row.name_normal = queries.normal(row.name)
    if "aliases" in given:
        wanted = {alias.name_normal: alias for alias in aliases(entry.aliases)}
        kept = {alias.name_normal: alias for alias in row.aliases}
        if {key: alias.name for key, alias in wanted.items()} != {key: alias.name for key, alias in kept.items()}:
            for key, alias in wanted.items():
                if key in kept:
                    kept[key].name = alias.name
            row.aliases = [kept.get(key, alias) for key, alias in wanted.items()]
            changed.append("aliases")
    return changed
