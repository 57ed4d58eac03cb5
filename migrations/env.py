"""Alembic's entry: the settings' database, or a connection handed in by a test."""

from __future__ import annotations

from typing import Any

from alembic import context
from alembic.autogenerate.api import AutogenContext

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
    """Enums are kept as their values in a VARCHAR; the database cannot tell and need not."""
    return False if type(given).__name__ == "Enum" else None


def run(connection: Any) -> None:
    """Migrate over this connection."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=render_item,
        compare_type=same_type,
    )
    with context.begin_transaction():
        context.run_migrations()


handed_in = context.config.attributes.get("connection")
if handed_in is not None:
    run(handed_in)
else:
    with db.connect(Settings.from_env().database_url).connect() as own:
        run(own)
        own.commit()
