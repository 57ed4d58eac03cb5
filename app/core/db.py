"""The one place that opens, commits and rolls back transactions, on SQLite and on PostgreSQL alike.

Everything else takes a ``session`` as its first argument and leaves its end to the view, job or command line.
"""

from __future__ import annotations

import enum
import itertools
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from app.core.errors import NotFound

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect
    from sqlalchemy.pool import ConnectionPoolEntry

CACHE_KILOBYTES, LARGE_CACHE_KILOBYTES, LARGE_SET_MEGABYTES = 2_000, 8_000, 64
KEPT_CONNECTIONS, MORE_CONNECTIONS = 5, 10  # of a process to PostgreSQL; who finds none waits for one
LEAST_ROOM = 500_000  # bytes: what one lot of work writes
BUSY_MILLISECONDS, LOT = 15_000, 1_000
RESERVED_SLUGS = frozenset({"import", "invite", "new"})
Row = TypeVar("Row", bound="Base")


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware moment in UTC. SQLite keeps no zone, so it is taken off on the way in and put back on the way out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive moment; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = "A moment without a time zone must not reach the database."
            raise ValueError(message)
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back an aware UTC moment."""
        _ = dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _values(members: type[enum.Enum]) -> list[str]:
    return [str(member.value) for member in members]


class Base(DeclarativeBase):
    """Every table. Enums are stored by value, moments as UTC, constraints have names that migrations can find."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        dict[str, Any]: sa.JSON(),
        list[str]: sa.JSON(),
        enum.Enum: sa.Enum(enum.Enum, native_enum=False, length=40, values_callable=_values),
    }

    id: Mapped[int] = mapped_column(sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True)


class _Connections:
    """The process's one engine, bound by the composition root."""

    engine: sa.Engine | None = None


def connect(url: str) -> sa.Engine:
    """Bind this process to a database; one at another address is let go.

    The same address keeps its engine, and with it the SQL of every statement that was compiled before.
    """
    parsed = sa.make_url(url)
    if _Connections.engine is not None and _Connections.engine.url == parsed:
        return _Connections.engine
    dispose()
    # An error of a statement is logged; the names and addresses in it are not.
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(parsed, connect_args={"timeout": BUSY_MILLISECONDS / 1000}, hide_parameters=True)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "checkin", _give_memory_back)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        room = {"pool_size": KEPT_CONNECTIONS, "max_overflow": MORE_CONNECTIONS}
        engine = sa.create_engine(parsed, pool_pre_ping=True, hide_parameters=True, **room)
    _Connections.engine = engine
    return engine


def dispose() -> None:
    """Close every pooled connection."""
    if _Connections.engine is not None:
        _Connections.engine.dispose()
        _Connections.engine = None


def engine() -> sa.Engine:
    """The bound engine."""
    if _Connections.engine is None:
        message = "No database is bound: call app.core.db.connect(url) first."
        raise RuntimeError(message)
    return _Connections.engine


def time_there() -> datetime | None:
    """What time it is at the database; None for a SQLite file, which has no clock but this machine's."""
    if engine().dialect.name != "postgresql":
        return None
    with engine().connect() as connection:
        return cast("datetime", connection.scalar(sa.select(sa.func.clock_timestamp())))


def is_full() -> bool:
    """Whether the disk has no room for a SQLite file to grow, so that nothing can be written.

    PostgreSQL's disk is on the machine of its own, and it says so itself.
    """
    path = engine().url.database
    if engine().dialect.name != "sqlite" or not path:
        return False
    try:
        return shutil.disk_usage(Path(path).parent).free < LEAST_ROOM
    except OSError:  # a folder that is gone is another trouble
        return False


def _prepare_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    # The driver's own transaction handling loses concurrent updates without an error, so it is switched off here
    # and BEGIN is said in _begin_sqlite.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute(f"PRAGMA cache_size=-{CACHE_KILOBYTES}")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def expect_many_rows(session: Session) -> None:
    """Say that this transaction writes very many rows. SQLite then keeps more index pages at hand until its end.

    With its usual 2 MB each of a million new rows reads them again; for every connection it would be 8 MB too many.
    """
    if session.get_bind().dialect.name == "sqlite":
        connection = session.connection()
        connection.exec_driver_sql(f"PRAGMA cache_size=-{LARGE_CACHE_KILOBYTES}")
        connection.info["large_cache"] = True


def expect_large_sets(session: Session) -> None:
    """Say that many rows are looked up among many others: PostgreSQL keeps those in memory only if they should fit."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.text(f"SET LOCAL work_mem = '{LARGE_SET_MEGABYTES}MB'"))


def _give_memory_back(connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    if connection is not None and record.info.pop("large_cache", False):
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA cache_size=-{CACHE_KILOBYTES}")
        cursor.execute("PRAGMA shrink_memory")
        cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    writing = connection.get_execution_options().get("writing", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextmanager
def transaction() -> Iterator[Session]:
    """One unit of work: committed at the end, rolled back on any error; then what waited for the commit is rung."""
    with Session(engine(), expire_on_commit=False) as session:
        # An error leaves this block before the commit, and closing the session takes everything back.
        yield session
        session.commit()
        waiting: list[Callable[[], None]] = list(session.info.get("after_commit", {}).values())
    for call in waiting:
        call()


@contextmanager
def reading() -> Iterator[Session]:
    """A consistent look at the data that can change nothing: it always ends in a rollback."""
    with Session(engine().execution_options(writing=False), autoflush=False) as session:
        try:
            yield session
        finally:
            # What was read stays readable: a rollback would expire it.
            session.expunge_all()
            session.rollback()


def in_lots(fetch: Callable[[Session, int | None], Sequence[Row]]) -> Iterator[Row]:
    """Rows for a long file, a lot at a time: ``fetch`` gets the id of the last row it gave, or None at first.

    Each lot is a short look of its own, so that a reader on a slow line holds no connection and no snapshot open.
    """
    last: int | None = None
    while True:
        with reading() as session:
            lot = fetch(session, last)
        if not lot:
            return
        yield from lot
        last = lot[-1].id


def after_commit(session: Session, key: str, call: Callable[[], None]) -> None:
    """Have ``call`` made once the work is durable; the same ``key`` rings once a transaction."""
    session.info.setdefault("after_commit", {}).setdefault(key, call)


def locked(session: Session, model: type[Row], ident: int) -> Row:
    """The row a decision rests on, held until the transaction ends (SQLite already holds the whole file)."""
    row = session.get(model, ident, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound
    return row


def one_at_a_time(session: Session, key: str) -> None:
    """Have everybody who names the same key wait for the others' transactions (SQLite has one writer anyway)."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(key, 0))))


def each_at_a_time(session: Session, keys: set[str]) -> None:
    """``one_at_a_time`` for many keys. Always taken in the same order, so that two who want the same never hang."""
    if keys and session.get_bind().dialect.name == "postgresql":
        hashed = "SELECT DISTINCT hashtextextended(key, 0) AS hash FROM unnest(CAST(:keys AS text[])) AS key ORDER BY 1"
        session.execute(
            sa.text(f"SELECT pg_advisory_xact_lock(hash) FROM ({hashed}) AS wanted"), {"keys": sorted(keys)}
        )


def add(session: Session, row: Row) -> Row:
    """Add a row and give it its id."""
    session.add(row)
    session.flush()
    return row


def add_with_slug(session: Session, row: Row, wished: str) -> Row:
    """Add a row whose ``slug`` is unique: the wished one, or the first free with a number behind it.

    Words that pages use after the same path are never given. Holds when two do it at once; any other broken
    constraint is raised.
    """
    column = type(row).__table__.c["slug"]
    start = wished[:74].rstrip("-")
    known = sa.select(column).where(sa.or_(column == wished, column.startswith(f"{start}-", autoescape=True)))
    taken = {*RESERVED_SLUGS, *session.scalars(known)}
    numbers = itertools.count(2)
    slug = wished
    while True:
        if slug in taken:
            slug = f"{start}-{next(numbers)}"
            continue
        row.slug = slug  # type: ignore[attr-defined]
        try:
            with session.begin_nested():
                session.add(row)
                session.flush()
        except IntegrityError:
            if session.scalar(sa.select(column).where(column == slug)) is None:
                raise
            taken.add(slug)
            continue
        return row


def insert_once(session: Session, model: type[Base], values: list[dict[str, Any]], *, unique: list[str]) -> int:
    """Insert rows whose ``unique`` columns are new, leave the others alone; returns how many were new."""
    if not values:
        return 0
    build = insert_for(session)
    inserted = 0
    for start in range(0, len(values), 500):
        some = values[start : start + 500]  # for a row alone SQLAlchemy knows the statement from the time before
        statement = build(model).values(some if len(some) > 1 else some[0])
        statement = statement.on_conflict_do_nothing(index_elements=unique)
        # Counted by what comes back: psycopg does not know the row count of such an insert.
        inserted += len(session.execute(statement.returning(model.id)).all())
    return inserted


def insert_new(session: Session, model: type[Base], values: list[dict[str, Any]], *, unique: str) -> set[Any]:
    """Insert rows whose ``unique`` column is new, leave the others alone; returns the values that were new.

    For thousands of rows of one shape. PostgreSQL takes them as one array a column, because its driver reads through
    every statement's text, and a thousand rows of parameters are a long text.
    """
    if not values:
        return set()
    columns = model.__table__.c
    statement = insert_for(session)(model.__table__)
    rows: list[dict[str, Any]] | None = values
    if session.get_bind().dialect.name == "postgresql":
        arrays = [sa.literal([row[name] for row in values], ARRAY(columns[name].type)) for name in values[0]]
        statement = statement.from_select(list(values[0]), sa.select(*map(sa.func.unnest, arrays)))
        rows = None
    statement = statement.on_conflict_do_nothing(index_elements=[unique]).returning(columns[unique])
    return set(session.execute(statement, rows).scalars())


def among(session: Session, column: Any, values: Collection[Any]) -> sa.ColumnElement[bool]:
    """Whether a column is one of many values: an array for PostgreSQL, a list of parameters for SQLite."""
    if session.get_bind().dialect.name == "postgresql":
        return cast("sa.ColumnElement[bool]", sa.any_(sa.literal(list(values), ARRAY(column.type))) == column)
    return cast("sa.ColumnElement[bool]", column.in_(values))


def insert_for(session: Session) -> Any:
    """The database's own ``insert``, which knows ON CONFLICT."""
    if session.get_bind().dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert

        return insert
    from sqlalchemy.dialects.postgresql import insert as pg_insert

    return pg_insert
