"""Alembic's entry: the settings' database, another one named by ``-x url=…``, or a connection handed in by a test."""

from __future__ import annotations

from typing import Any

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.script import ScriptDirectory

from app.core import db
from app.schema import Base
from config.settings import Settings


def render_item(kind: str, thing: Any, autogen: AutogenContext) -> str | bool:
    """Write the house's types so that a migration does not depend on code that may change."""
    if kind == "type" and isinstance(thing, db.UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and type(thing).__name__ == "Enum":
        return f"sa.String(length={thing.length})"
    return False


def same_type(ctx: Any, inspected: Any, wanted: Any, found: Any, given: Any) -> bool | None:
    """Enums are kept as their values in a VARCHAR: only its length can differ. Alembic compares the rest."""
    return found.length != given.length if type(given).__name__ == "Enum" else None


def number(_ctx: Any, _revision: Any, directives: list[Any]) -> None:
    """Count migrations up from 0001, so that a folder listing is their order; write none that changes nothing."""
    # `alembic check` asks the same way and needs its directive back, empty or not.
    if getattr(context.config.cmd_opts, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives.clear()
        return
    head = ScriptDirectory.from_config(context.config).get_current_head()
    directives[0].rev_id = f"{int(head or 0) + 1:04d}"


def run(connection: Any) -> None:
    """Migrate over this connection.

    SQLite changes a table by making it anew, and dropping the old one would take along every row that hangs on it; so
    foreign keys rest meanwhile and are checked at the end.
    """
    if connection.dialect.name != "sqlite":
        migrate(connection)
        return
    raw = connection.connection.dbapi_connection
    raw.execute("PRAGMA foreign_keys=OFF")
    try:
        migrate(connection)
    finally:
        raw.execute("PRAGMA foreign_keys=ON")


def migrate(connection: Any) -> None:
    """Run what is asked for in one transaction."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=render_item,
        compare_type=same_type,
        process_revision_directives=number,
    )
    with context.begin_transaction():
        context.run_migrations()
        if connection.dialect.name == "sqlite":
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise RuntimeError(f"Nothing was changed: {len(broken)} rows would hang on rows that are not there.")


handed_in = context.config.attributes.get("connection")
if handed_in is not None:
    run(handed_in)
else:
    named = context.get_x_argument(as_dictionary=True).get("url")
    with db.connect(str(named) if named else Settings.from_env().database_url).connect() as own:
        run(own)
        own.commit()
