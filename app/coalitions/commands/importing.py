"""Organizations from a CSV file: good lines go in, bad ones are named, and doing it twice changes nothing."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.coalitions import queries
from app.coalitions.commands.forming import FACTS, NewOrganization, aliases, apply_facts, tell_old_address
from app.coalitions.models import Coalition, Membership, Organization, OrganizationAlias, Party
from app.coalitions.roles import Right
from app.core import audit, db
from app.core.errors import Conflict, Invalid
from app.core.many import FreeSlugs, insert_many
from app.core.tables import ImportResult, Problem, Table, read_csv
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
# The same names are compared when a file is read and for each of its lots.
_normal = functools.lru_cache(maxsize=131_072)(queries.normal)
CONTACT = ("contact_name", "contact_title", "contact_email")


@dataclass(frozen=True, slots=True)
class OrganizationLine:
    """One line of a file, read and checked as far as it can be without the database.

    ``normal`` is its name as it is compared; ``others`` are its further names: field, as written, as compared.
    """

    line: int
    entry: NewOrganization
    given: frozenset[str]
    normal: str
    others: tuple[tuple[str, str, str], ...]

    @property
    def names(self) -> list[str]:
        """Every name of the line, as it is compared."""
        return [self.normal, *(normal for _, _, normal in self.others)]


def read_organizations(table: bytes | str) -> Table[OrganizationLine]:
    """The lines of a file of organizations. Raises Invalid at ``file`` if it is no such table.

    All that needs no database is done here, so that a long file holds nobody up.
    """
    read = read_csv(table, required=["organization"], optional=[name for name in COLUMNS if name != "organization"])
    lines: Table[OrganizationLine] = Table(problems=read.problems)
    for row in read.rows:
        cells = {name: row.cells[column] for column, name in COLUMNS.items() if row.cells[column]}
        try:
            entry = NewOrganization.of(cells)
        except Invalid as refusal:
            lines.problems.append(_problem(row.line, refusal))
            continue
        further = [("short_name", entry.short_name), *(("aliases", name) for name in entry.aliases)]
        others = tuple((place, name, _normal(name)) for place, name in further if name)
        lines.rows.append(OrganizationLine(row.line, entry, frozenset(cells), _normal(entry.name), others))
    lines.problems.sort()
    return lines


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
    session: Session, coalition: Coalition, lines: Sequence[OrganizationLine], *, by: Actor, now: datetime
) -> ImportResult:
    """Take some lines of a file into a coalition; taking them again changes nothing.

    A line whose organization is here by any of its names updates it: its place and contact in this coalition always,
    its public facts only if ``by`` looks after it, or while it has no people and is in no other coalition. An empty
    cell changes nothing.
    """
    queries.require_organizer(session, coalition.id, by=by, right=Right.INVITE_ORGANIZATIONS)
    db.locked(session, Coalition, coalition.id)
    result = ImportResult()
    try:
        with session.begin_nested(), session.no_autoflush:
            desk = _Desk(session, coalition, lines, by=by, now=now)
            for line in lines:
                try:
                    outcome = desk.take(line)
                except Invalid as refusal:
                    result.problems.append(_problem(line.line, refusal))
                    continue
                setattr(result, outcome, getattr(result, outcome) + 1)
            desk.write()
    except IntegrityError as error:
        raise Conflict(
            "Somebody else added an organization at the same moment. Import the file again: what is here already "
            "stays as it is."
        ) from error
    return result


def _problem(line: int, refusal: Invalid) -> Problem:
    columns = {name: column for column, name in COLUMNS.items()}
    sentences = []
    for name, sentence in refusal.problems.items():
        column = columns.get(name, name)
        said = f"Write {CHOICES[column]}." if column in CHOICES else sentence
        sentences.append(f"{column}: {said}" if column else said)
    return Problem(line, " ".join(sentences))


class _Desk:
    """What is known while some lines are taken: the organizations they mean, and what is new and not yet written.

    All of it is asked in a handful of questions and written in a handful of statements: 20,000 lines must not ask
    60,000. What is new stays outside the session until ``write``.
    """

    def __init__(
        self, session: Session, coalition: Coalition, lines: Sequence[OrganizationLine], *, by: Actor, now: datetime
    ) -> None:
        self.session, self.coalition, self.by, self.now = session, coalition, by, now
        self.names: dict[str, Organization] = {}
        organizations = self._meant({name for line in lines for name in line.names})
        for organization in organizations:
            self._learn(organization)
        idents = [one.id for one in organizations]
        places = session.scalars(sa.select(Party).where(db.among(session, Party.organization_id, idents))).all()
        # By slug: an organization that came in a line above has no id yet.
        slugs = {organization.id: organization.slug for organization in organizations}
        self.places = {slugs[party.organization_id]: party for party in places if party.coalition_id == coalition.id}
        elsewhere = {party.organization_id for party in places if party.coalition_id != coalition.id}
        peopled = sa.select(Membership.organization_id).where(Membership.organization_id.in_(idents))
        own = {organization.id for organization in queries.organizations_administered(session, by=by)}
        self.held = (elsewhere | set(session.scalars(peopled))) - own
        stems = (_stem(line.entry.name) for line in lines if line.normal not in self.names)
        self.slugs = FreeSlugs(session, Organization, stems)
        self.fresh: list[Organization] = []
        self.added: list[tuple[Organization, Party]] = []
        self.edited: list[Organization] = []

    def _meant(self, wanted: set[str]) -> Sequence[Organization]:
        """The organizations that bear one of these names."""
        short = self.session.execute(
            sa.select(Organization.id, Organization.short_name).where(Organization.short_name != "")
        )
        found = {ident for ident, name in short if _normal(name) in wanted}
        called = db.among(self.session, OrganizationAlias.name_normal, wanted)
        found.update(self.session.scalars(sa.select(OrganizationAlias.organization_id).where(called)))
        called = db.among(self.session, Organization.name_normal, wanted)
        meant = sa.or_(called, db.among(self.session, Organization.id, found))
        query = sa.select(Organization).where(meant).order_by(Organization.id)
        return self.session.scalars(query.options(sa.orm.selectinload(Organization.aliases))).all()

    def _learn(self, organization: Organization) -> None:
        names = [organization.name, organization.short_name, *(alias.name for alias in organization.aliases)]
        for name in filter(None, names):
            self.names.setdefault(_normal(name), organization)

    def take(self, line: OrganizationLine) -> str:
        """Whether the line was added, updated or unchanged; Invalid if it cannot be taken."""
        entry, given = line.entry, line.given
        known = self.names.get(line.normal)
        self._refuse_taken_names(line, known)
        if known is None:
            self._place(self._new(line), entry)
            return "added"
        party = self.places.get(known.slug)
        if party is not None and party.joined_at and "role" in given and entry.role is not party.role:
            raise Invalid({"": f"{known.name} has joined as {party.role.value} and stays so."})
        changed = self._facts(known, line)
        if party is None:
            self._place(known, entry)
            return "added"
        if self._contact(party, entry, given) or changed:
            return "updated"
        return "unchanged"

    def _refuse_taken_names(self, line: OrganizationLine, known: Organization | None) -> None:
        for place, name, normal in line.others:
            other = self.names.get(normal)
            if other is not None and other is not known:
                raise Invalid({place: f"“{name}” is already a name of {other.name}."})

    def _new(self, line: OrganizationLine) -> Organization:
        entry = line.entry
        organization = Organization(
            slug=self.slugs.take(_stem(entry.name)),
            name=entry.name,
            name_normal=line.normal,
            created_at=self.now,
            aliases=aliases(entry.aliases),
            **{name: getattr(entry, name) for name in FACTS if name != "name"},
        )
        self.fresh.append(organization)
        self._learn(organization)
        return organization

    def _facts(self, known: Organization, line: OrganizationLine) -> bool:
        if known.id in self.held:
            return False
        # Found by an alias: the line does not rename it.
        given = set(line.given) if line.normal == known.name_normal else set(line.given) - {"name"}
        old_address = known.public_email
        changed = apply_facts(known, line.entry, given)
        if not changed:
            return False
        self._learn(known)
        if known.id is None:
            return True  # it came in a line above: nobody has seen it yet
        if "public_email" in changed and old_address:
            tell_old_address(self.session, known, old_address, by=self.by, now=self.now)
        self.edited.append(known)
        return True

    def _place(self, organization: Organization, entry: NewOrganization) -> None:
        party = Party(
            coalition_id=self.coalition.id,
            added_at=self.now,
            **{name: getattr(entry, name) for name in ("role", *CONTACT)},
        )
        self.places[organization.slug] = party
        self.added.append((organization, party))

    def _contact(self, party: Party, entry: NewOrganization, given: frozenset[str]) -> bool:
        names = [name for name in CONTACT if name in given]
        changed: list[str] = [name for name in names if getattr(party, name) != getattr(entry, name)]
        for name in changed:
            setattr(party, name, getattr(entry, name))
        if "role" in given and entry.role is not party.role:
            party.role = entry.role
            changed.append("role")
        return bool(changed)

    def write(self) -> None:
        """Write what is new, and one line in the trail for each organization that came in or was changed."""
        self.session.flush()
        insert_many(self.session, self.fresh, known_by="slug")
        for organization in self.fresh:
            for alias in organization.aliases:
                alias.organization_id = organization.id
        insert_many(self.session, [alias for organization in self.fresh for alias in organization.aliases])
        for organization, party in self.added:
            party.organization_id = organization.id
        insert_many(self.session, [party for _, party in self.added])
        self._record("organization.added", [(one, {"role": party.role.value}) for one, party in self.added])
        self._record("organization.edited", [(one, {"changed": "public facts, by import"}) for one in self.edited])

    def _record(self, act: str, told: list[tuple[Organization, dict[str, str]]]) -> None:
        subjects = [(one, one.id, {"name": one.name, **detail}) for one, detail in told]
        audit.record_many(self.session, act, subjects, by=self.by, now=self.now, coalition_id=self.coalition.id)


def _stem(name: str) -> str:
    return slugify(name, otherwise="organization")[:74].rstrip("-")
