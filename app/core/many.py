"""Many new rows at once, for imports: their slugs, and their insertion without the session's care for each.

Apart from db.py because a single act needs none of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa

from app.core.db import RESERVED_SLUGS, Base, Row

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class FreeSlugs:
    """Gives many new rows their slugs: what is taken is asked once, and once more for each that is."""

    def __init__(self, session: Session, model: type[Base], wished: Iterable[str], *, among: Any = None) -> None:
        self.column = model.__table__.c["slug"]
        self.session, self.among = session, sa.true() if among is None else among
        self.taken: set[str] = {*RESERVED_SLUGS}
        asked = list(set(wished))
        if asked:
            self.taken.update(session.scalars(sa.select(self.column).where(self.among, self.column.in_(asked))))
        self.next: dict[str, int] = {}

    def take(self, wished: str) -> str:
        """The wished slug, or the first free with a number behind it."""
        if wished not in self.taken:
            self.taken.add(wished)
            return wished
        if wished not in self.next:
            numbered = self.column.startswith(f"{wished}-", autoescape=True)
            self.taken.update(self.session.scalars(sa.select(self.column).where(self.among, numbered)))
        number = self.next.get(wished, 2)
        while f"{wished}-{number}" in self.taken:
            number += 1
        self.next[wished] = number + 1
        self.taken.add(f"{wished}-{number}")
        return f"{wished}-{number}"


def bare(model: type[Base]) -> sa.Table:
    """A model's table, for statements that need none of the mapper's care."""
    return cast("sa.Table", model.__table__)


def insert_many(session: Session, rows: Sequence[Row], *, known_by: str = "") -> None:
    """Insert rows that no session holds in a few statements; each gets its id if ``known_by`` names a unique column.

    For imports: the session would ask and remember far more about each. Rows that hang on them are not inserted.
    """
    if not rows:
        return
    # The bare table: through the mapper the same insert costs twice as much.
    table = bare(type(rows[0]))
    names = [column.key for column in table.columns if column.key != "id"]
    values = [{name: value for name in names if (value := row.__dict__.get(name)) is not None} for row in rows]
    named = {name for one in values for name in one}
    for one in values:
        one.update(dict.fromkeys(named - one.keys()))
    if not known_by:
        session.execute(sa.insert(table), values)
        return
    # What comes back has no order of its own, and asking for one makes SQLite insert row by row.
    told = session.execute(sa.insert(table).returning(table.c["id"], table.c[known_by]), values)
    idents = {name: ident for ident, name in told}
    for row in rows:
        row.id = idents[getattr(row, known_by)]
