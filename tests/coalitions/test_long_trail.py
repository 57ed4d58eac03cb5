"""A long audit trail as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import sqlalchemy as sa
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.coalitions.models import PartyRole
from app.core import db
from app.core.audit import AuditEntry
from app.core.clock import utc_now
from tests import builders

SignIn = Callable[[Account], FlaskClient]


def test_a_long_audit_trail_leaves_in_lots(database: object, signed_in: SignIn) -> None:
    with db.transaction() as session:
        coalition = builders.coalition(session)
        lead = builders.organization(session, name="Fight for the Commons", within=coalition, party=PartyRole.LEAD)
        organizer = builders.member(session, lead)
        acts = [
            {
                "at": utc_now(),
                "act": "organization.added",
                "actor": "=Robin",
                "coalition_id": coalition.id,
                "subject": "organizations",
                "subject_id": number,
                "detail": {"name": f"Group {number}"},
            }
            for number in range(2 * db.LOT + 10)
        ]
        session.execute(sa.insert(AuditEntry), acts)
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "audit_entries" in statement:
            asked.append(statement)

    sa.event.listen(db.engine(), "before_cursor_execute", note)
    try:
        file = signed_in(organizer).get(f"/work/{coalition.slug}/audit.csv").data.decode("utf-8-sig")
    finally:
        sa.event.remove(db.engine(), "before_cursor_execute", note)

    numbers = [int(row["number"]) for row in csv.DictReader(io.StringIO(file))]
    assert len(numbers) == len(acts)
    assert numbers == sorted(set(numbers), reverse=True)
    assert ",'=Robin," in file
    assert len(asked) == 4
    assert all("LIMIT" in one for one in asked)
