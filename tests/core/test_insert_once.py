"""Inserting what may be there already."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core import db
from app.core.limits import RateWindow
from tests.builders import NOW


def test_inserting_once_counts_only_what_was_new(session: Session) -> None:
    rows = [{"key": key, "starts_at": NOW, "hits": 0} for key in ("a", "b")]

    counts = [
        db.insert_once(session, RateWindow, rows[:1], unique=["key", "starts_at"]),
        db.insert_once(session, RateWindow, rows, unique=["key", "starts_at"]),
        db.insert_once(session, RateWindow, rows, unique=["key", "starts_at"]),
    ]

    assert counts == [1, 1, 0]
