"""How the databases go about it: what is asked of every place is worked out once, not once for each supporter.

A query that answers right and takes the square of its readers fails nobody's test until a million wait for it.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.broadcasts import commands, queries
from app.broadcasts.models import Broadcast, Departure
from app.core import zones
from app.targets.models import PostalDistrict
from tests.broadcasts.builders import Stage, ready, stage
from tests.broadcasts.test_audience import council, somebody
from tests.builders import NOW


def plan_of(session: Session, query: sa.Select[int, str, str, str]) -> str:
    """What the database says it would do, as one text."""
    engine = session.get_bind()
    words = str(query.compile(engine, compile_kwargs={"literal_binds": True})).replace(":", "\\:").replace("%%", "%")
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    return "\n".join(str(row[-1]) for row in session.execute(sa.text(f"{explain} {words}")))


def asks_once(session: Session, plan: str) -> bool:
    """Whether the places are a list or a table of hashes, made once."""
    return ("LIST SUBQUERY" if session.get_bind().dialect.name == "sqlite" else "hashed SubPlan") in plan


def begun(session: Session, there: Stage, update: Broadcast) -> Broadcast:
    session.flush()
    update = commands.send(session, update, by=there.robin, now=NOW)
    for number in range(20):
        somebody(session, f"Lives{number}", there.lead, postal_code=f"98{number:03d}", country="US")
    return update


def test_each_postal_code_is_looked_up_once_for_its_district(session: Session) -> None:
    there = stage(session)
    body = council(session, there, "98,1\n981,2\n")
    update = ready(session, there)
    update.audience = {"districts": [f"{body.id}:Council District 1"]}
    begun(session, there, update)
    assert session.scalar(sa.select(sa.func.count()).select_from(PostalDistrict))

    [whole] = queries.slices(session, update, 10_000, now=NOW)

    plan = plan_of(session, whole.readers)
    assert asks_once(session, plan)
    assert "LEFT-JOIN" not in plan
    assert "Left Join" not in plan


def test_each_postal_code_is_looked_up_once_for_its_morning(session: Session) -> None:
    there = stage(session)
    update = ready(session, there)
    day = NOW.date() + timedelta(days=1)
    session.add(Departure(broadcast_id=update.id, day=day, hour=9, late_hours=6, starts_at=NOW))
    begun(session, there, update)

    *known, _rest = queries.slices(session, update, 10_000, now=NOW)

    assert zones.zone_of("US", "98001") == "America/Los_Angeles"
    assert known
    for one in known:
        assert asks_once(session, plan_of(session, one.readers))
