"""A body's table of postal prefixes: which district the codes that begin so lie in."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import sqlalchemy as sa
from pydantic import AfterValidator, Field

from app.coalitions.models import Coalition
from app.core import audit, db
from app.core.errors import Invalid
from app.core.inputs import Input, Line
from app.core.tables import ImportResult, Problem, read_csv
from app.targets.commands.targets import lead_of
from app.targets.models import PostalDistrict, Target
from app.targets.rules import BODIES, LONGEST_PREFIX, district_key, member_for, postal_key

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def _prefix(value: str) -> str:
    key = postal_key(value)
    if not (key.isascii() and key.isalnum() and len(key) <= LONGEST_PREFIX):
        raise ValueError(f"Write the beginning of a postal code in at most {LONGEST_PREFIX} letters and digits.")
    return key


class NewPostalDistrict(Input):
    """One line of the table."""

    prefix: Annotated[Line, AfterValidator(_prefix)]
    district: Annotated[Line, Field(max_length=200)]


def import_districts(session: Session, body: Target, table: bytes, *, by: Actor, now: datetime) -> ImportResult:
    """Read a CSV of prefixes and districts for a body: good lines go in, bad ones are named, twice changes nothing.

    A prefix that is here already moves to the line's district. A district must be one of a member of the body.
    Raises Invalid at ``file`` if it is no such table.
    """
    if body.kind not in BODIES:
        raise Invalid({"file": f"{body.name} has no districts; only a legislative body or an agency has."})
    lead = lead_of(session, body.coalition_id, by)
    # Two imports into one body wait for each other.
    db.locked(session, Coalition, body.coalition_id)
    read = read_csv(table, required=["prefix", "district"])
    desk = _Desk(session, body)
    result = ImportResult(problems=read.problems)
    for row in read.rows:
        try:
            outcome = desk.take(row.line, NewPostalDistrict.of(row.cells))
        except Invalid as refusal:
            said = " ".join(f"{name}: {sentence}" for name, sentence in refusal.problems.items())
            result.problems.append(Problem(row.line, said))
            continue
        setattr(result, outcome, getattr(result, outcome) + 1)
    result.problems.sort()
    session.flush()
    if result.added or result.updated:
        changed = {"added": result.added, "updated": result.updated}
        audit.record(
            session,
            "target.districts_imported",
            body,
            by=by,
            now=now,
            coalition_id=body.coalition_id,
            organization_id=lead,
            name=body.name,
            **changed,
        )
    return result


class _Desk:
    """A body's table while a file is read; every row is loaded once."""

    def __init__(self, session: Session, body: Target) -> None:
        self.session, self.body = session, body
        rows = session.scalars(sa.select(PostalDistrict).where(PostalDistrict.target_id == body.id))
        self.known = {row.prefix: row for row in rows}
        self.lines: dict[str, int] = {}
        # The first spelling of a district's name is the one that is kept.
        self.spelled = {district_key(row.district): row.district for row in self.known.values()}
        self.names: dict[str, str] = {}

    def take(self, line: int, entry: NewPostalDistrict) -> str:
        earlier = self.lines.setdefault(entry.prefix, line)
        if earlier != line:
            raise Invalid({"prefix": f"{entry.prefix} stands in line {earlier} already. Keep one of the two."})
        district = self._district(entry.district)
        row = self.known.get(entry.prefix)
        if row is None:
            self.session.add(PostalDistrict(target_id=self.body.id, prefix=entry.prefix, district=district))
            return "added"
        if row.district == district:
            return "unchanged"
        row.district = district
        return "updated"

    def _district(self, name: str) -> str:
        key = district_key(name)
        if key not in self.names:
            self.names[key] = self._in_full(name, key)
        return self.names[key]

    def _in_full(self, name: str, key: str) -> str:
        """The district as its member's name has it; as it was first written where that is a person's name."""
        member = member_for(self.body.members, name)
        if member is None:
            raise Invalid(
                {
                    "district": f"{self.body.name} has no member for “{name}”, or several. Write the district as the "
                    "member's name or division has it, or add the member first."
                }
            )
        return member.name if district_key(member.name).endswith(key) else self.spelled.setdefault(key, name)
