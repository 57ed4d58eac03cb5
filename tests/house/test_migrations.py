"""Migrations go up and down on both databases, and make exactly the tables of the models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext

from app.core import db
from app.schema import Base

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def empty(database_url: str) -> Iterator[sa.Engine]:
    """The test database without a table; they are made again afterwards."""
    engine = db.connect(database_url)
    Base.metadata.drop_all(engine)
    yield engine
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE IF EXISTS alembic_version"))
    Base.metadata.create_all(engine)
    db.dispose()


def config(connection: sa.Connection) -> Config:
    made = Config(toml_file=str(ROOT / "pyproject.toml"))
    made.attributes["connection"] = connection
    return made


@pytest.mark.database
def test_migrations_make_the_models_and_can_be_taken_back(empty: sa.Engine) -> None:
    with empty.connect() as connection:
        command.upgrade(config(connection), "head")
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, Base.metadata) == []
        command.downgrade(config(connection), "base")
        connection.commit()
        assert set(sa.inspect(connection).get_table_names()) <= {"alembic_version"}


def test_there_is_one_line_of_migrations() -> None:
    heads = list((ROOT / "migrations" / "versions").glob("*.py"))
    assert heads
    from alembic.script import ScriptDirectory

    assert len(ScriptDirectory.from_config(Config(toml_file=str(ROOT / "pyproject.toml"))).get_heads()) == 1
