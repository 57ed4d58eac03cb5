"""The database each test runs on, the app around it, and signed-in clients.

``TEST_DATABASE`` is ``sqlite`` (default) or a PostgreSQL address; every xdist worker has a database of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app import configure, create_app
from app.accounts.models import Account
from app.core import db
from app.schema import Base
from config.settings import Settings

DATABASE_FIXTURES = {"database", "app", "session", "client", "signed_in"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what touches a database, so that the second database's run does only that; begin with what takes longest."""
    for item in items:
        if DATABASE_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.database)
    # At the end it would keep one core busy and leave the others idle.
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """A database for this worker process, with every table."""
    wanted = os.environ.get("TEST_DATABASE", "sqlite")
    if wanted == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('database')}/test.sqlite"
        _create_tables(url)
        yield url
        return
    name = f"undersigned_test_{worker_id}_{os.getpid()}"
    server = sa.create_engine(wanted, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
        # A test's rows need not outlive the machine's power, and waiting for the disk is most of a commit.
        connection.execute(sa.text(f'ALTER DATABASE "{name}" SET synchronous_commit = off'))
    url = sa.make_url(wanted).set(database=name).render_as_string(hide_password=False)
    _create_tables(url)
    yield url
    db.dispose()
    with server.connect() as connection:
        connection.execute(sa.text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    server.dispose()


def _create_tables(url: str) -> None:
    Base.metadata.create_all(db.connect(url))
    db.dispose()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of a test: the worker's database, a queue in memory, letters as files in a fresh folder."""
    return Settings(
        database_url=database_url,
        queue_url="memory:",
        var_dir=tmp_path,
        base_url="http://undersigned.example",
    )


@pytest.fixture(scope="session")
def made_once(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """This worker process's application: its routes and templates take longer to compile than most tests to run."""
    folder = tmp_path_factory.mktemp("made_once")
    return create_app(Settings(database_url=database_url, queue_url="memory:", var_dir=folder))


@pytest.fixture
def app(made_once: Flask, settings: Settings) -> Iterator[Flask]:
    """The whole application with this test's settings, on an empty database."""
    assert not settings.trusted_proxies, "A proxy is hung in when the app is made: call create_app."
    config, views = dict(made_once.config), dict(made_once.view_functions)
    configure(made_once, settings)
    made_once.config["TESTING"] = True
    yield made_once
    for kept, found in ((config, made_once.config), (views, made_once.view_functions)):
        found.clear()
        found.update(kept)
    emptied()
    # No connection outlives its test; what SQLAlchemy has compiled may.
    db.engine().dispose()


@pytest.fixture
def database(app: Flask) -> Flask:
    """The bound database, for tests that open transactions of their own (races, jobs)."""
    return app


@pytest.fixture
def session(database: Flask) -> Iterator[Session]:
    """One open transaction; nothing of it stays."""
    _ = database
    with Session(db.engine(), expire_on_commit=False) as open_session:
        yield open_session
        open_session.rollback()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without a session."""
    return app.test_client()


@pytest.fixture
def signed_in(app: Flask) -> Callable[[Account], FlaskClient]:
    """A function that gives a browser signed in as an account (of a committed transaction)."""
    app.config["WTF_CSRF_METHODS"] = set()

    def sign_in(person: Account) -> FlaskClient:
        browser = app.test_client()
        with browser.session_transaction("/home") as cookie:
            cookie["_user_id"] = str(person.id)
            cookie["_fresh"] = True
            cookie["epoch"] = person.epoch
        return browser

    return sign_in


TABLES = list(reversed(Base.metadata.sorted_tables))
USED = " UNION ALL ".join(
    f'SELECT {place} WHERE EXISTS (SELECT 1 FROM "{table.name}")' for place, table in enumerate(TABLES)
)
BEGUN = "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false) FROM pg_sequences"


def emptied() -> None:
    """Delete every row where there is one; faster than making the tables again.

    TRUNCATE has its price: it makes a file anew for each table and index, used or not.
    """
    with db.engine().begin() as connection:
        on_sqlite = connection.dialect.name == "sqlite"
        if on_sqlite:
            connection.execute(sa.text("PRAGMA defer_foreign_keys=ON"))
        for place in sorted(connection.scalars(sa.text(USED))):
            connection.execute(TABLES[place].delete())
        if not on_sqlite:
            connection.execute(sa.text(f"{BEGUN} WHERE last_value IS NOT NULL"))
