"""``python -m tests.bench.planning [READERS]``: how long an audience takes to be copied, however it was chosen.

The same supporters each time, with a thousand postal codes: everybody; who lives in half of nine districts, which a
table of a thousand prefixes tells; everybody in the morning where they live. Told as a ratio to the first, because that
is what the database itself needs for so many rows. ``BENCH_DATABASE_URL`` as for the other benchmarks.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app import create_app
from app.broadcasts import commands
from app.broadcasts.models import Broadcast, Departure
from app.core import db
from app.core.clock import utc_now
from app.mailings.models import MailingReader
from app.schema import Base
from app.targets.models import PostalDistrict, Target, TargetKind
from config.settings import Settings
from tests.bench.mailings import ANSWERS, PEOPLE, own_memory, planned, say
from tests.broadcasts.builders import Stage, ready, stage

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# California, Arizona and Texas, so that there are mornings in several zones.
CODES = "substr('900928850750', 1 + (id % 4) * 3, 3) || substr('0' || (id / 4 % 100), -2, 2)"
CODES_OF_POSTGRESQL = "substr('900928850750', (1 + (id % 4) * 3)::int, 3) || right('0' || (id / 4 % 100)::text, 2)"
DISTRICTS = 9
Change = Callable[["Session", Stage, Broadcast], None]


def people(session: Session, readers: int) -> Stage:
    """Supporters with a yes and a place where they live."""
    there = stage(session)
    session.execute(sa.text(PEOPLE.format(readers=readers)))
    session.execute(sa.text(ANSWERS.format(organization=there.lead.id)))
    codes = CODES if db.engine().dialect.name == "sqlite" else CODES_OF_POSTGRESQL
    session.execute(sa.text(f"UPDATE supporters SET country = 'US', postal_code = {codes}"))
    return there


def everybody(_session: Session, _there: Stage, _update: Broadcast) -> None:
    """Nothing is chosen."""


def half_of_the_districts(session: Session, there: Stage, update: Broadcast) -> None:
    """Four of nine districts of a body whose table names every postal code."""
    body = Target(
        coalition_id=there.campaign.coalition_id,
        slug="council",
        name="Council",
        kind=TargetKind.LEGISLATIVE_BODY,
        ocd_division="ocd-division/country:us",
        created_at=utc_now(),
    )
    db.add(session, body)
    codes = [f"{start}{number:02d}" for start in ("900", "928", "850", "750") for number in range(100)]
    for number, code in enumerate(codes):
        row = PostalDistrict(target_id=body.id, prefix=code, district=f"District {number % DISTRICTS + 1}")
        session.add(row)
    update.audience = {"districts": [f"{body.id}:District {number}" for number in range(1, DISTRICTS // 2 + 1)]}


def in_their_morning(session: Session, _there: Stage, update: Broadcast) -> None:
    """At nine where they live."""
    day = utc_now().date() + timedelta(days=1)
    session.add(Departure(broadcast_id=update.id, day=day, hour=9, late_hours=6, starts_at=utc_now()))


def one(there: Stage, change: Change) -> tuple[float, int]:
    """Plan one update: the seconds it took, and how many it goes to."""
    with db.transaction() as session:
        update = ready(session, there)
        change(session, there, update)
        session.flush()
        ident = commands.send(session, update, by=there.robin, now=utc_now()).id
    seconds = planned()
    with db.transaction() as session:
        update = session.get_one(Broadcast, ident)
        found = sa.select(sa.func.count()).where(MailingReader.mailing_id == update.mailing_id)
        number = session.scalar(found) or 0
        commands.stop(session, update, by=there.robin, now=utc_now())
        session.execute(sa.delete(MailingReader))
    return seconds, number


def main() -> None:
    """Measure everything once."""
    readers = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        url = os.environ.get("BENCH_DATABASE_URL") or f"sqlite:///{folder}/bench.sqlite"
        create_app(Settings(database_url=url, queue_url="memory:", var_dir=Path(folder), log_level="ERROR"))
        Base.metadata.drop_all(db.engine())
        Base.metadata.create_all(db.engine())
        with db.transaction() as session:
            there = people(session, readers)
        if db.engine().dialect.name == "postgresql":
            with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(sa.text("ANALYZE"))  # as the server does by itself within a minute
        say(f"{platform.machine()}, {os.cpu_count()} cores, {db.engine().dialect.name}, {readers:,} supporters")
        least = None
        for change in (everybody, half_of_the_districts, in_their_morning):
            seconds, number = one(there, change)
            least = least or seconds
            name = change.__name__.replace("_", " ")
            say(f"{name}: {number:,} readers in {seconds:.1f} s, {seconds / least:.2f} of everybody")
        say(f"the process took {own_memory()} MB")
        Base.metadata.drop_all(db.engine())


if __name__ == "__main__":
    main()
