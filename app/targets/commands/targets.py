"""Adding targets one by one or from a file, and keeping what is known of them right."""

from __future__ import annotations

from collections.abc import Sequence
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
from app.core.tables import ImportResult, Problem, Table, TableRow, read_csv
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
    desk = _Desk(session, coalition, by=by, now=now)
    desk.check(entry, apart_from=None)
    return desk.add(entry)


def edit_target(session: Session, target: Target, entry: NewTarget, *, by: Actor, now: datetime) -> Target:
    """Change what is known of a target; its address on the web stays."""
    coalition = session.get_one(Coalition, target.coalition_id)
    desk = _Desk(session, coalition, by=by, now=now)
    desk.check(entry, apart_from=target)
    desk.change(target, entry, set(NewTarget.model_fields))
    return target


def read_targets(body: bytes) -> Table:
    """The lines of a file of targets, bodies before members. Raises Invalid at ``file`` if it is no such table."""
    table = read_csv(body, required=["name", "kind"], optional=COLUMNS)
    # So that the order of lines does not matter, not even over the lots they are taken in.
    table.rows.sort(key=lambda row: bool(row.cells["parent"]))
    return table


def import_targets(session: Session, coalition: Coalition, body: bytes, *, by: Actor, now: datetime) -> ImportResult:
    """Read a CSV of targets into a coalition, as ``take_targets`` takes its lines, in one transaction."""
    lead_of(session, coalition.id, by)
    table = read_targets(body)
    result = ImportResult(problems=table.problems)
    result.join(take_targets(session, coalition, table.rows, by=by, now=now))
    return result


def take_targets(
    session: Session, coalition: Coalition, rows: Sequence[TableRow], *, by: Actor, now: datetime
) -> ImportResult:
    """Take some lines of a file: good ones go in, bad ones are named, and twice changes nothing.

    A line whose name is here in the same body updates it; an empty cell changes nothing.
    """
    desk = _Desk(session, coalition, by=by, now=now)
    result = ImportResult()
    for row in rows:
        _take(desk, row, result)
    result.problems.sort()
    return result


def _take(desk: _Desk, row: TableRow, result: ImportResult) -> None:
    cells = {name: value for name, value in row.cells.items() if value}
    try:
        entry = NewTarget.of({**cells, "parent_id": desk.parent_named(cells.pop("parent", ""))})
        known = desk.known.get((entry.name.casefold(), entry.parent_id))
        desk.check(entry, apart_from=known)
    except Invalid as refusal:
        said = [_said(name, sentence) for name, sentence in refusal.problems.items()]
        result.problems.append(Problem(row.line, " ".join(said)))
        return
    if known is None:
        desk.add(entry)
        result.added += 1
    elif desk.change(known, entry, set(cells)):
        result.updated += 1
    else:
        result.unchanged += 1


def _said(name: str, sentence: str) -> str:
    if name == "kind":
        sentence = "Write company, legislative body, agency or official."
    return f"{'parent' if name == 'parent_id' else name}: {sentence}"


class _Desk:
    """A coalition's targets while they are worked on; its row is held, so that two imports cannot cross."""

    def __init__(self, session: Session, coalition: Coalition, *, by: Actor, now: datetime) -> None:
        self.lead = lead_of(session, coalition.id, by)
        self.session, self.by, self.now = session, by, now
        self.coalition = db.locked(session, Coalition, coalition.id)
        rows = session.scalars(sa.select(Target).where(Target.coalition_id == coalition.id)).all()
        self.known = {(row.name.casefold(), row.parent_id): row for row in rows}
        self.by_id = {row.id: row for row in rows}
        self.called: dict[str, list[Target]] = {}
        for row in rows:
            self.called.setdefault(row.name.casefold(), []).append(row)
        self.parents = {row.parent_id for row in rows}
        self.slugs = {"new", "import", *(row.slug for row in rows)}

    def parent_named(self, name: str) -> int | None:
        """The id of the body of that name, preferring one that stands alone."""
        if not name:
            return None
        wanted = " ".join(name.casefold().split())
        found = self.called.get(wanted, [])
        if not found:
            raise Invalid({"parent": f"There is no target called “{name}”. Add it to the file or before the import."})
        return min(found, key=lambda row: (row.parent_id is not None, row.id)).id

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
        parent = self.by_id.get(entry.parent_id)
        reason = "Choose one of the bodies." if parent is None else why_not_parent(parent, kind=entry.kind)
        above = parent
        while above is not None and not reason:
            if above is child:
                reason = "A target cannot be a member of itself."
            above = self.by_id.get(above.parent_id or 0)
        if reason:
            raise Invalid({"parent_id": reason})

    def add(self, entry: NewTarget) -> Target:
        """A new target, in the trail."""
        row = Target(
            coalition_id=self.coalition.id, slug=self._slug(entry.name), created_at=self.now, **entry.model_dump()
        )
        db.add(self.session, row)
        self.known[(row.name.casefold(), row.parent_id)] = row
        self.by_id[row.id] = row
        self.called.setdefault(row.name.casefold(), []).append(row)
        self.parents.add(row.parent_id)
        self._record("target.added", row)
        return row

    def change(self, row: Target, entry: NewTarget, given: set[str]) -> bool:
        """Take over what was given; whether anything is different now."""
        changed = sorted(
            name
            for name in NewTarget.model_fields
            if name in given | {"parent_id"} and getattr(row, name) != getattr(entry, name)
        )
        if not changed:
            return False
        for name in changed:
            setattr(row, name, getattr(entry, name))
        self.session.flush()
        self.parents.add(row.parent_id)
        self._record("target.edited", row, changed=", ".join(changed))
        return True

    def _slug(self, name: str) -> str:
        stem = slugify(name, otherwise="target")[:74].rstrip("-")
        number, slug = 1, stem
        while slug in self.slugs:
            number += 1
            slug = f"{stem}-{number}"
        self.slugs.add(slug)
        return slug

    def _record(self, act: str, row: Target, **detail: str) -> None:
        audit.record(
            self.session,
            act,
            row,
            by=self.by,
            now=self.now,
            coalition_id=self.coalition.id,
            organization_id=self.lead,
            name=row.name,
            **detail,
        )
