"""A SQLite installation moves to PostgreSQL: every row, and new ones are numbered after them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from flask import Flask
from flask.testing import FlaskCliRunner

from app import create_app
from app.coalitions.models import Coalition, PartyRole
from app.core import db
from app.schema import Base
from app.supporters.models import Supporter
from app.targets.models import Target, TargetKind
from config.settings import Settings
from tests import builders
from tests.builders import NOW
from tests.house.rules import ROOT

SERVER = os.environ.get("TEST_DATABASE", "sqlite")


def _migrate(engine: sa.Engine, revision: str = "head") -> None:
    config = Config(toml_file=str(ROOT / "pyproject.toml"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


@pytest.fixture
def there(database: Flask) -> Iterator[str]:
    """An empty PostgreSQL database with migrated tables; its address."""
    _ = database
    if not SERVER.startswith("postgresql"):
        pytest.skip("moves to PostgreSQL: set TEST_DATABASE to one")
    name = f"undersigned_moving_{os.getpid()}"
    server = sa.create_engine(SERVER, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    with server.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
    url = sa.make_url(SERVER).set(database=name).render_as_string(hide_password=False)
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    _migrate(engine)
    yield url
    with server.connect() as connection:
        connection.execute(sa.text(f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture
def here(there: str, settings: Settings, tmp_path: Path) -> Iterator[FlaskCliRunner]:
    """The command line of a SQLite installation with some rows in it."""
    _ = there
    before = db.engine().url
    app = create_app(settings.model_copy(update={"database_url": f"sqlite:///{tmp_path}/here.sqlite"}))
    _migrate(db.engine())
    _fill()
    yield app.test_cli_runner()
    db.connect(before.render_as_string(hide_password=False))


def _fill() -> None:
    """People, a body that came later than its member, more rows than a lot, and a number that is never given again."""
    with db.transaction() as session:
        coalition = builders.coalition(session)
        lead = builders.organization(session, name="Fight for the Commons", within=coalition, party=PartyRole.LEAD)
        builders.member(session, lead, name="Zoë O’Brien 慧玲")
        member = builders.target(session, coalition, name="Councilmember One")
        body = builders.target(session, coalition, name="The Council")
        body.kind, member.kind, member.parent_id = TargetKind.LEGISLATIVE_BODY, TargetKind.OFFICIAL, body.id
        people = [
            {"email": f"s{n}@p.example", "email_canonical": f"s{n}@p.example", "given_name": "E", "family_name": "S"}
            for n in range(db.LOT + 5)
        ]
        session.execute(sa.insert(Supporter), [one | {"created_at": NOW} for one in people])
        session.execute(sa.delete(Supporter).where(Supporter.id > db.LOT))


def _rows(engine: sa.Engine) -> dict[str, list[tuple[object, ...]]]:
    with engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(sa.select(table).order_by(table.c.id))]
            for table in Base.metadata.sorted_tables
        }


@pytest.mark.postgresql
def test_every_row_is_copied_as_it_was_and_new_ones_are_numbered_after_them(here: FlaskCliRunner, there: str) -> None:
    ran = here.invoke(args=["database", "copy", "--to", there])

    assert ran.exit_code == 0, ran.output
    assert f"{db.LOT:>12,}  supporters" in ran.output
    other = sa.create_engine(there, poolclass=sa.pool.NullPool)
    assert _rows(other) == _rows(db.engine())
    db.connect(there)
    with db.transaction() as session:
        assert builders.coalition(session, name="Another").id == 2
        later = {"email": "n@p.example", "email_canonical": "n@p.example", "given_name": "N", "family_name": "S"}
        new = db.add(session, Supporter(**later, created_at=NOW))
        assert new.id == db.LOT + 6
        assert session.scalar(sa.select(sa.func.count()).where(Target.parent_id.is_not(None))) == 1


@pytest.mark.postgresql
def test_a_database_with_rows_or_of_another_migration_is_refused_and_left_as_it_was(
    here: FlaskCliRunner, there: str
) -> None:
    other = sa.create_engine(there, poolclass=sa.pool.NullPool)
    with other.begin() as connection:
        row = {"slug": "there", "name": "There", "zone": "UTC", "created_at": NOW}
        connection.execute(sa.insert(Coalition), [row])
    full = here.invoke(args=["database", "copy", "--to", there])
    assert full.exit_code == 1
    assert "The database there is not empty: coalitions has rows." in full.output

    with other.begin() as connection:
        connection.execute(sa.delete(Coalition))
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
    older = here.invoke(args=["database", "copy", "--to", there])
    assert older.exit_code == 1
    assert "Run “alembic upgrade head” on both" in older.output
    assert all(not rows for rows in _rows(other).values())


@pytest.mark.postgresql
def test_an_address_that_is_no_postgresql_or_does_not_answer_gets_a_sentence(here: FlaskCliRunner, there: str) -> None:
    _ = there
    for url, words in (
        ("sqlite:///elsewhere.sqlite", "to PostgreSQL only"),
        ("postgresql://nobody@127.0.0.1:1/none", "does not answer"),
        ("nonsense", "does not answer"),
    ):
        ran = here.invoke(args=["database", "copy", "--to", url])
        assert ran.exit_code == 1
        assert words in ran.output
