"""Taking every row of one database into another, empty one: from the embedded SQLite to PostgreSQL.

Separate from ``db`` because nothing of the running application needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext

from app.core import db
from app.core.db import LOT, Base
from app.core.errors import Conflict


def copy_everything(url: str) -> Iterator[tuple[str, int]]:
    """Copy the bound database to ``url``, all of it or nothing; gives each table's name and number of rows."""
    try:
        address = sa.make_url(url)
        if address.get_backend_name() != "postgresql":
            message = "Rows are copied to PostgreSQL only. Give an address like postgresql://user@host/name."
            raise Conflict(message)
        other = sa.create_engine(address, hide_parameters=True, poolclass=sa.pool.NullPool)
        with db.engine().execution_options(writing=False).connect() as source, other.begin() as target:
            yield from copy_rows(source, target)
    except (sa.exc.ArgumentError, sa.exc.OperationalError) as error:
        message = "The database there does not answer. Check the address, and that its user may sign in."
        raise Conflict(message) from error


def copy_rows(source: sa.Connection, target: sa.Connection) -> Iterator[tuple[str, int]]:
    """Copy every table in the order in which they refer to each other; gives each table's name and number of rows.

    Refuses with Conflict a target whose tables are of another migration, or that holds a row.
    The caller opens both connections and commits the target's: it is all or nothing. ``source`` is one consistent
    look; what is written there meanwhile is left behind.
    """
    _refuse_unfit(source, target)
    for table in Base.metadata.sorted_tables:
        number = source.scalar(sa.select(sa.func.count()).select_from(table)) or 0
        copied = _copy(table, source, target)
        there = target.scalar(sa.select(sa.func.count()).select_from(table)) or 0
        if not number == copied == there:
            message = f"{table.name} has {number:,} rows here and {there:,} there. Nothing was kept; copy again."
            raise Conflict(message)
        _go_on_counting(table, source, target)
        yield table.name, number


def _refuse_unfit(source: sa.Connection, target: sa.Connection) -> None:
    here, there = (MigrationContext.configure(one).get_current_revision() for one in (source, target))
    if here is None or here != there:
        message = (
            f"The tables here are of migration {here or 'none'}, there of {there or 'none'}. "
            "Run “alembic upgrade head” on both with the same release, then copy."
        )
        raise Conflict(message)
    for table in Base.metadata.sorted_tables:
        if target.execute(sa.select(table.c.id).limit(1)).first() is not None:
            message = f"The database there is not empty: {table.name} has rows. Copy into a new, migrated one."
            raise Conflict(message)


def _copy(table: sa.Table, source: sa.Connection, target: sa.Connection) -> int:
    own = [key.parent.name for key in table.foreign_keys if key.column.table is table]
    if not own:
        return sum(_insert(table, lot, target) for lot in _lots(table, source))
    # A row that refers to another row of its table goes in after it, whichever has the lower number.
    there: set[int] = set()
    while True:
        before = len(there)
        for lot in _lots(table, source):
            waiting = (row for row in lot if row["id"] not in there)
            ready = [row for row in waiting if all(row[name] is None or row[name] in there for name in own)]
            _insert(table, ready, target)
            there.update(row["id"] for row in ready)
        if len(there) == before:
            return before


def _lots(table: sa.Table, source: sa.Connection) -> Iterator[list[dict[str, Any]]]:
    last = -1
    while True:
        query = sa.select(table).where(table.c.id > last).order_by(table.c.id).limit(LOT)
        rows = [dict(row) for row in source.execute(query).mappings()]
        if not rows:
            return
        yield rows
        last = rows[-1]["id"]


def _insert(table: sa.Table, rows: list[dict[str, Any]], target: sa.Connection) -> int:
    if rows:
        target.execute(sa.insert(table), rows)
    return len(rows)


def _go_on_counting(table: sa.Table, source: sa.Connection, target: sa.Connection) -> None:
    """Have new rows numbered after the last; where numbers are never given twice, after the last that was given."""
    last = target.scalar(sa.select(sa.func.max(table.c.id))) or 0
    if source.dialect.name == "sqlite" and table.dialect_options["sqlite"]["autoincrement"]:
        given = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        last = max(last, source.scalar(given, {"name": table.name}) or 0)
    sequence = target.scalar(sa.select(sa.func.pg_get_serial_sequence(table.name, "id")))
    target.execute(sa.select(sa.func.setval(sequence, max(last, 1), last > 0)))
