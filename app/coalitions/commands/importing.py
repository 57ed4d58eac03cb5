"""Organizations from a CSV file: good lines go in, bad ones are named, and doing it twice changes nothing."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.coalitions import queries
from app.coalitions.commands.forming import NewOrganization, aliases, apply_facts, tell_old_address
from app.coalitions.models import Coalition, Membership, Organization, OrganizationAlias, Party, PartyRole
from app.coalitions.roles import Right
from app.core import audit, db
from app.core.errors import Conflict, Invalid
from app.core.tables import ImportResult, Problem, Table, TableRow, read_csv
from app.core.text import slugify

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

COLUMNS = {
    "organization": "name",
    "short_name": "short_name",
    "aliases": "aliases",
    "legal_status": "legal_status",
    "scope": "scope",
    "region": "region",
    "site_url": "site_url",
    "public_email": "public_email",
    "signatory_name": "contact_name",
    "signatory_title": "contact_title",
    "signatory_email": "contact_email",
    "role": "role",
}
CHOICES = {"legal_status": "c3, c4, other or unofficial", "scope": "national, state, local or international"}
CHOICES["role"] = "lead or partner"
CONTACT = ("contact_name", "contact_title", "contact_email")


def read_organizations(table: bytes | str) -> Table:
    """The lines of a file of organizations. Raises Invalid at ``file`` if it is no such table."""
    return read_csv(table, required=["organization"], optional=[name for name in COLUMNS if name != "organization"])


def import_organizations(
    session: Session, coalition: Coalition, table: bytes | str, *, by: Actor, now: datetime
) -> ImportResult:
    """Read a CSV of organizations into a coalition, as ``take_organizations`` takes its lines, in one transaction."""
    queries.require_organizer(session, coalition.id, by=by, right=Right.INVITE_ORGANIZATIONS)
    read = read_organizations(table)
    result = ImportResult(problems=read.problems)
    result.join(take_organizations(session, coalition, read.rows, by=by, now=now))
    return result


def take_organizations(
    session: Session, coalition: Coalition, rows: Sequence[TableRow], *, by: Actor, now: datetime
) -> ImportResult:
    """Take some lines of a file into a coalition; taking them again changes nothing.

    A line whose organization is here by any of its names updates it: its place and contact in this coalition always,
    its public facts only if ``by`` looks after it, or while it has no people and is in no other coalition. An empty
    cell changes nothing.
    """
    queries.require_organizer(session, coalition.id, by=by, right=Right.INVITE_ORGANIZATIONS)
    db.locked(session, Coalition, coalition.id)
    result = ImportResult()
    desk = _Desk(session, coalition, rows, by=by, now=now)
    try:
        with session.begin_nested(), session.no_autoflush:
            for row in rows:
                _take(desk, row, result)
            session.flush()
            desk.write_trail()
    except IntegrityError as error:
        raise Conflict(
            "Somebody else added an organization at the same moment. Import the file again: what is here already "
            "stays as it is."
        ) from error
    result.problems.sort()
    return result


def _take(desk: _Desk, row: TableRow, result: ImportResult) -> None:
    given = {name for column, name in COLUMNS.items() if row.cells[column]}
    try:
        entry = NewOrganization.of({name: row.cells[column] for column, name in COLUMNS.items() if row.cells[column]})
        outcome = desk.take(entry, given)
    except Invalid as refusal:
        result.problems.append(Problem(row.line, " ".join(_named(refusal))))
        return
    setattr(result, outcome, getattr(result, outcome) + 1)


def _named(refusal: Invalid) -> list[str]:
    columns = {name: column for column, name in COLUMNS.items()}
    sentences = []
    for name, sentence in refusal.problems.items():
        column = columns.get(name, name)
        said = f"Write {CHOICES[column]}." if column in CHOICES else sentence
        sentences.append(f"{column}: {said}" if column else said)
    return sentences


# The same names are compared for each lot of a file.
_normal = functools.lru_cache(maxsize=65_536)(queries.normal)


class _Desk:
    """What is known while some lines are taken: every name and slug there is, and in full the organizations meant.

    All of it is asked in a handful of questions: 20,000 lines must not ask 60,000.
    """

    def __init__(
        self, session: Session, coalition: Coalition, rows: Sequence[TableRow], *, by: Actor, now: datetime
    ) -> None:
        self.session, self.coalition, self.by, self.now = session, coalition, by, now
        self.names: dict[str, Organization] = {}
        self.slugs: set[str] = set(db.RESERVED_SLUGS) | set(session.scalars(sa.select(Organization.slug)))
        organizations = self._meant(rows)
        for organization in organizations:
            self._learn(organization)
        places = self._places([one.id for one in organizations])
        # By slug: an organization that came in a line above has no id yet.
        slugs = {organization.id: organization.slug for organization in organizations}
        self.places = {slugs[party.organization_id]: party for party in places if party.coalition_id == coalition.id}
        elsewhere = {party.organization_id for party in places if party.coalition_id != coalition.id}
        own = {organization.id for organization in queries.organizations_administered(session, by=by)}
        self.held = (elsewhere | set(session.scalars(sa.select(Membership.organization_id)))) - own
        self.added: list[tuple[Organization, PartyRole]] = []
        self.edited: list[Organization] = []

    def _meant(self, rows: Sequence[TableRow]) -> Sequence[Organization]:
        """The organizations that bear a name which stands in one of the lines."""
        cells = (row.cells[column] for row in rows for column in ("organization", "short_name", "aliases"))
        wanted = {_normal(name) for cell in cells for name in [cell, *re.split(r"[;\r\n]", cell)] if name.strip()}
        known = self.session.execute(sa.select(Organization.id, Organization.name_normal, Organization.short_name))
        found = {ident for ident, name, short in known if name in wanted or (short and _normal(short) in wanted)}
        others = self.session.execute(sa.select(OrganizationAlias.organization_id, OrganizationAlias.name_normal))
        found |= {ident for ident, name in others if name in wanted}
        query = sa.select(Organization).where(Organization.id.in_(found)).order_by(Organization.id)
        return self.session.scalars(query.options(sa.orm.selectinload(Organization.aliases))).all()

    def _places(self, idents: list[int]) -> Sequence[Party]:
        return self.session.scalars(sa.select(Party).where(Party.organization_id.in_(idents))).all()

    def _learn(self, organization: Organization) -> None:
        self.slugs.add(organization.slug)
        names = [organization.name, organization.short_name, *(alias.name for alias in organization.aliases)]
        for name in filter(None, names):
            self.names.setdefault(queries.normal(name), organization)

    def take(self, entry: NewOrganization, given: set[str]) -> str:
        known = self.names.get(queries.normal(entry.name))
        self._refuse_taken_names(entry, known)
        if known is None:
            known = self._new(entry)
            self._place(known, entry)
            return "added"
        party = self.places.get(known.slug)
        if party is not None and party.joined_at and "role" in given and entry.role is not party.role:
            raise Invalid({"": f"{known.name} has joined as {party.role.value} and stays so."})
        changed = self._facts(known, entry, given)
        if party is None:
            self._place(known, entry)
            return "added"
        if self._contact(party, entry, given) or changed:
            return "updated"
        return "unchanged"

    def _refuse_taken_names(self, entry: NewOrganization, known: Organization | None) -> None:
        for place, names in (("short_name", [entry.short_name]), ("aliases", entry.aliases)):
            for name in filter(None, names):
                other = self.names.get(queries.normal(name))
                if other is not None and other is not known:
                    raise Invalid({place: f"“{name}” is already a name of {other.name}."})

    def _new(self, entry: NewOrganization) -> Organization:
        slug = stem = slugify(entry.name, otherwise="organization")[:74].rstrip("-")
        number = 1
        while slug in self.slugs:
            number += 1
            slug = f"{stem}-{number}"
        organization = Organization(
            slug=slug,
            name=entry.name,
            name_normal=queries.normal(entry.name),
            created_at=self.now,
            aliases=aliases(entry.aliases),
            **entry.model_dump(include={"short_name", "legal_status", "scope", "region", "site_url", "public_email"}),
        )
        self.session.add(organization)
        self._learn(organization)
        return organization

    def _facts(self, known: Organization, entry: NewOrganization, given: set[str]) -> bool:
        if known.id in self.held:
            return False
        if queries.normal(entry.name) != known.name_normal:
            given = given - {"name"}  # found by an alias: the line does not rename it
        old_address = known.public_email
        changed = apply_facts(known, entry, given)
        if not changed:
            return False
        if "public_email" in changed and old_address:
            tell_old_address(self.session, known, old_address, by=self.by, now=self.now)
        self._learn(known)
        self.edited.append(known)
        return True

    def _place(self, organization: Organization, entry: NewOrganization) -> None:
        party = Party(
            coalition_id=self.coalition.id,
            organization=organization,
            added_at=self.now,
            **entry.model_dump(include={"role", "contact_name", "contact_title", "contact_email"}),
        )
        self.session.add(party)
        self.places[organization.slug] = party
        self.added.append((organization, entry.role))

    def _contact(self, party: Party, entry: NewOrganization, given: set[str]) -> bool:
        names = [name for name in CONTACT if name in given]
        changed: list[str] = [name for name in names if getattr(party, name) != getattr(entry, name)]
        for name in changed:
            setattr(party, name, getattr(entry, name))
        if "role" in given and entry.role is not party.role:
            party.role = entry.role
            changed.append("role")
        return bool(changed)

    def write_trail(self) -> None:
        """One line in the trail for each organization that came in or was changed."""
        for organization, role in self.added:
            self._record("organization.added", organization, role=role.value)
        for organization in self.edited:
            self._record("organization.edited", organization, changed="public facts, by import")

    def _record(self, act: str, organization: Organization, **detail: str) -> None:
        audit.record(
            self.session,
            act,
            organization,
            by=self.by,
            now=self.now,
            coalition_id=self.coalition.id,
            organization_id=organization.id,
            name=organization.name,
            **detail,
        )
