"""Adding targets one by one or from a file, and keeping what is known of them right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import sqlalchemy as sa
from pydantic import BeforeValidator, Field

from app.coalitions.models import Coalition
from app.coalitions.queries import acting_for
from app.coalitions.roles import Right
from app.core import audit, db
from app.core.actor import SYSTEM, Actor
from app.core.errors import Invalid
from app.core.inputs import Input, Name, OptionalEmail, OptionalLine, OptionalWebAddress
from app.core.many import FreeSlugs, insert_many
from app.core.tables import ImportResult, Problem, Table, read_csv
from app.core.text import slugify
from app.targets.models import Target, TargetKind
from app.targets.rules import BODIES, why_not_parent

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

COLUMNS = (
    *("parent", "ocd_division", "title", "given_name", "family_name", "email", "contact_form_url"),
    *("postal_address", "rules"),
)


def _folded(value: object) -> object:
    return " ".join(value.casefold().split()) if isinstance(value, str) else value


def _blank_is_none(value: object) -> object:
    return None if value == "" else value


class NewTarget(Input):
    """What is known of a target. ``parent_id`` is the body it is a member of."""

    name: Name
    kind: Annotated[TargetKind, BeforeValidator(_folded)]
    parent_id: Annotated[int | None, BeforeValidator(_blank_is_none)] = None
    ocd_division: Annotated[OptionalLine, Field(max_length=200)] = ""
    title: Annotated[OptionalLine, Field(max_length=100)] = ""
    given_name: Annotated[OptionalLine, Field(max_length=100)] = ""
    family_name: Annotated[OptionalLine, Field(max_length=100)] = ""
    email: OptionalEmail = None
    contact_form_url: OptionalWebAddress = None
    postal_address: str = Field(default="", max_length=500)
    rules: str = Field(default="", max_length=5000)


def lead_of(session: Session, coalition_id: int, by: Actor) -> int | None:
    """The organization an organizer acts for; the system and an operator act for none."""
    if by == SYSTEM or by.operator:
        return None
    return acting_for(session, coalition_id, by=by, right=Right.ORGANIZE).id


def add_target(session: Session, coalition: Coalition, entry: NewTarget, *, by: Actor, now: datetime) -> Target:
    """Name somebody who can act. Invalid if the coalition has a target of that name in the same body."""
    desk = _Desk(session, coalition, [entry], by=by, now=now)
    desk.check(entry, apart_from=None)
    row = desk.add(entry)
    desk.write()
    return session.get_one(Target, row.id)


def edit_target(session: Session, target: Target, entry: NewTarget, *, by: Actor, now: datetime) -> Target:
    """Change what is known of a target; its address on the web stays."""
    coalition = session.get_one(Coalition, target.coalition_id)
    desk = _Desk(session, coalition, [entry], by=by, now=now, also=target.id)
    row = desk.rows[target.id]
    desk.check(entry, apart_from=row)
    desk.change(row, entry, frozenset(NewTarget.model_fields))
    desk.write()
    return row


@dataclass(frozen=True, slots=True)
class TargetLine:
    """One line of a file, read and checked as far as it can be without the database. ``parent`` is a body's name."""

    line: int
    entry: NewTarget
    given: frozenset[str]
    parent: str


def read_targets(body: bytes) -> Table[TargetLine]:
    """The lines of a file of targets, bodies before members. Raises Invalid at ``file`` if it is no such table.

    All that needs no database is done here, so that a long file holds nobody up.
    """
    read = read_csv(body, required=["name", "kind"], optional=COLUMNS)
    lines: Table[TargetLine] = Table(problems=read.problems)
    for row in read.rows:
        cells = {name: value for name, value in row.cells.items() if value}
        parent = cells.pop("parent", "")
        try:
            lines.rows.append(TargetLine(row.line, NewTarget.of(cells), frozenset(cells), parent))
        except Invalid as refusal:
            lines.problems.append(_problem(row.line, refusal))
    lines.problems.sort()
    # So that the order of lines does not matter, not even over the lots they are taken in.
    lines.rows.sort(key=lambda line: bool(line.parent))
    return lines


def import_targets(session: Session, coalition: Coalition, body: bytes, *, by: Actor, now: datetime) -> ImportResult:
    """Read a CSV of targets into a coalition, as ``take_targets`` takes its lines, in one transaction."""
    lead_of(session, coalition.id, by)
    table = read_targets(body)
    result = ImportResult(problems=table.problems)
    result.join(take_targets(session, coalition, table.rows, by=by, now=now))
    return result


def take_targets(
    session: Session, coalition: Coalition, lines: Sequence[TargetLine], *, by: Actor, now: datetime
) -> ImportResult:
    """Take some lines of a file: good ones go in, bad ones are named, and twice changes nothing.

    A line whose name is here in the same body updates it; an empty cell changes nothing.
    """
    entries, bodies = [line.entry for line in lines], {line.parent for line in lines}
    desk = _Desk(session, coalition, entries, by=by, now=now, bodies=bodies)
    result = ImportResult()
    with session.no_autoflush:
        for line in lines:
            try:
                outcome = desk.take(line)
            except Invalid as refusal:
                result.problems.append(_problem(line.line, refusal))
                continue
            setattr(result, outcome, getattr(result, outcome) + 1)
        desk.write()
    return result


def _problem(line: int, refusal: Invalid) -> Problem:
    said = [_said(name, sentence) for name, sentence in refusal.problems.items()]
    return Problem(line, " ".join(said))


def _said(name: str, sentence: str) -> str:
    if name == "kind":
        sentence = "Write company, legislative body, agency or official."
    return f"{'parent' if name == 'parent_id' else name}: {sentence}"


class _Desk:
    """A coalition's targets while they are worked on; its row is held, so that two imports cannot cross.

    Of every target the name and the place are known, in full only those that ``entries`` and ``bodies`` mean. What is
    new stays outside the session until ``write``, or until a line names it as its body.
    """

    def __init__(
        self,
        session: Session,
        coalition: Coalition,
        entries: Sequence[NewTarget],
        *,
        by: Actor,
        now: datetime,
        bodies: Iterable[str] = (),
        also: int | None = None,
    ) -> None:
        self.lead = lead_of(session, coalition.id, by)
        self.session, self.by, self.now = session, by, now
        self.coalition = db.locked(session, Coalition, coalition.id)
        ours = Target.coalition_id == coalition.id
        places = session.execute(
            sa.select(Target.id, Target.name, Target.parent_id).where(ours).order_by(Target.id)
        ).all()
        self.above: dict[int | None, int | None] = {ident: parent for ident, _, parent in places}
        self.parents = {parent for parent in self.above.values() if parent is not None}
        names = {entry.name.casefold() for entry in entries} | {_named(body) for body in bodies}
        self.called: dict[str, list[int]] = {}
        for ident, name, _ in places:
            if (folded := name.casefold()) in names:
                self.called.setdefault(folded, []).append(ident)
        meant = {ident for found in self.called.values() for ident in found}
        meant |= {entry.parent_id or 0 for entry in entries} | {also or 0}
        self.rows: dict[int, Target] = {}
        self.known: dict[tuple[str, int | None], Target] = {}
        self._remember(meant)
        self.slugs = FreeSlugs(session, Target, (_stem(entry.name) for entry in entries), among=ours)
        self.fresh: list[Target] = []
        self.unwritten: set[str] = set()
        self.added: list[Target] = []
        self.changed: list[tuple[Target, str]] = []

    def _remember(self, idents: set[int]) -> None:
        ours = Target.coalition_id == self.coalition.id
        wanted = db.among(self.session, Target.id, idents - self.rows.keys())
        for row in self.session.scalars(sa.select(Target).where(ours, wanted)):
            self.rows[row.id] = row
            self.known[(row.name.casefold(), row.parent_id)] = row

    def take(self, line: TargetLine) -> str:
        """Whether the line was added, updated or unchanged; Invalid if it cannot be taken."""
        entry = line.entry.model_copy(update={"parent_id": self._parent_named(line.parent)})
        known = self.known.get((entry.name.casefold(), entry.parent_id))
        self.check(entry, apart_from=known)
        if known is None:
            self.add(entry)
            return "added"
        return "updated" if self.change(known, entry, line.given) else "unchanged"

    def _parent_named(self, name: str) -> int | None:
        """The id of the body of that name, preferring one that stands alone."""
        if not name:
            return None
        wanted = _named(name)
        if wanted in self.unwritten:
            self._insert()
            # A later line may change what was just written, so the session must know it.
            self._remember({row.id for row in self.added})
        found = self.called.get(wanted, [])
        if not found:
            raise Invalid({"parent": f"There is no target called “{name}”. Add it to the file or before the import."})
        return min(found, key=lambda ident: (self.above[ident] is not None, ident))

    def check(self, entry: NewTarget, *, apart_from: Target | None) -> None:
        """Invalid if the name is taken or the body cannot have it as a member."""
        self._check_parent(entry, apart_from)
        other = self.known.get((entry.name.casefold(), entry.parent_id))
        if other is not None and other is not apart_from:
            raise Invalid({"name": f"“{other.name}” is a target already. Change it instead of adding it again."})

    def _check_parent(self, entry: NewTarget, child: Target | None) -> None:
        has_members = child is not None and child.id in self.parents
        if has_members and entry.kind not in BODIES:
            raise Invalid({"kind": "It has members, so it stays a legislative body or an agency."})
        if entry.parent_id is None:
            return
        parent = self.rows.get(entry.parent_id)
        reason = "Choose one of the bodies." if parent is None else why_not_parent(parent, kind=entry.kind)
        above: int | None = entry.parent_id
        while above is not None and not reason:
            if child is not None and above == child.id:
                reason = "A target cannot be a member of itself."
            above = self.above.get(above)
        if reason:
            raise Invalid({"parent_id": reason})

    def add(self, entry: NewTarget) -> Target:
        """A new target; it has an id after ``write``."""
        slug = self.slugs.take(_stem(entry.name))
        row = Target(coalition_id=self.coalition.id, slug=slug, created_at=self.now, **entry.model_dump())
        self.known[(row.name.casefold(), row.parent_id)] = row
        self.fresh.append(row)
        self.unwritten.add(row.name.casefold())
        return row

    def change(self, row: Target, entry: NewTarget, given: frozenset[str]) -> bool:
        """Take over what was given; whether anything is different now."""
        names = [name for name in NewTarget.model_fields if name in given or name == "parent_id"]
        changed = sorted(name for name in names if getattr(row, name) != getattr(entry, name))
        for name in changed:
            setattr(row, name, getattr(entry, name))
        if changed and row.id is not None:
            self._place(row)
            self.changed.append((row, ", ".join(changed)))
        return bool(changed)

    def _place(self, row: Target) -> None:
        if row.parent_id is not None:
            self.parents.add(row.parent_id)
        self.above[row.id] = row.parent_id
        same = self.called.setdefault(row.name.casefold(), [])
        if row.id not in same:
            same.append(row.id)

    def _insert(self) -> None:
        insert_many(self.session, self.fresh, known_by="slug")
        for row in self.fresh:
            self._place(row)
        self.added += self.fresh
        self.fresh = []
        self.unwritten.clear()

    def write(self) -> None:
        """Write what is new or different, each with its line in the trail."""
        self.session.flush()
        self._insert()
        self._record("target.added", [(row, {}) for row in self.added])
        self._record("target.edited", [(row, {"changed": changed}) for row, changed in self.changed])

    def _record(self, act: str, told: list[tuple[Target, dict[str, str]]]) -> None:
        subjects = [(row, self.lead, {"name": row.name, **detail}) for row, detail in told]
        audit.record_many(self.session, act, subjects, by=self.by, now=self.now, coalition_id=self.coalition.id)


def _named(body: str) -> str:
    return " ".join(body.casefold().split())


def _stem(name: str) -> str:
    return slugify(name, otherwise="target")[:74].rstrip("-")
