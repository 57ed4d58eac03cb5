"""Many rows at once, each once, on both databases."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import db
from app.returns.models import Cause, Kind, MailEvent
from tests.builders import NOW


def row(number: int) -> dict[str, Any]:
    return {
        "event_id": f"ev'ent-{number}",
        "kind": Kind.BOUNCE,
        "cause": Cause.MAILBOX if number % 2 else None,
        "at": NOW + timedelta(microseconds=number),
        "heard_at": NOW,
        "email_id": None,
        "reader_id": None,
        "address": None if number % 3 else "ünser, {name}@example.org",
        "reason": 'a "reason", {with} \\ braces',
        "suppressed": bool(number % 2),
    }


def test_only_new_rows_are_inserted_and_they_are_kept_as_given(session: Session) -> None:
    rows = [row(number) for number in range(1_500)]
    assert db.insert_new(session, MailEvent, rows[:500], unique="event_id") == {one["event_id"] for one in rows[:500]}
    random.Random(1).shuffle(rows)

    new = db.insert_new(session, MailEvent, [*rows, *rows[:50]], unique="event_id")

    assert len(new) == 1_000
    kept = session.scalars(sa.select(MailEvent)).all()
    assert len(kept) == 1_500
    given = {one["event_id"]: one for one in rows}
    assert all({name: getattr(one, name) for name in given[one.event_id]} == given[one.event_id] for one in kept)
    assert db.insert_new(session, MailEvent, [], unique="event_id") == set()


def test_a_column_is_compared_with_many_values_of_any_kind(session: Session) -> None:
    db.insert_new(session, MailEvent, [row(number) for number in range(20)], unique="event_id")

    def found(column: Any, *values: Any) -> int:
        query = sa.select(sa.func.count()).select_from(MailEvent).where(db.among(session, column, values))
        return session.scalar(query) or 0

    assert found(MailEvent.event_id, "ev'ent-1", "ev'ent-2", "nothing") == 2
    assert found(MailEvent.kind, Kind.BOUNCE, Kind.DROPPED) == 20
    assert found(MailEvent.cause, Cause.MAILBOX) == 10
    assert found(MailEvent.at, NOW, NOW + timedelta(microseconds=3)) == 2
    assert found(MailEvent.id) == 0
