"""A long table of signers leaves in lots: it is right to the last row, and never in memory as a whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import sqlalchemy as sa
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.core import db
from app.petitions.models import Signature, SignatureState
from app.supporters.models import Purpose, Standing, Supporter
from tests.builders import NOW
from tests.petitions.builders import Scene, there

SignIn = Callable[[Account], FlaskClient]
MANY = 2 * db.LOT + 500


def _crowd(here: Scene) -> None:
    """Many people who said yes to the lead; the first has a name that a spreadsheet would run."""
    with db.transaction() as session:
        mailboxes = [f"signer{number}@people.example" for number in range(MANY)]
        session.execute(
            sa.insert(Supporter),
            [
                {"email": one, "email_canonical": one, "given_name": "Ewa", "family_name": "N", "created_at": NOW}
                for one in mailboxes
            ],
        )
        people = session.execute(sa.select(Supporter.id, Supporter.email).order_by(Supporter.id)).all()
        session.execute(
            sa.insert(Standing),
            [
                {
                    "supporter_id": ident,
                    "organization_id": here.lead.id,
                    "purpose": Purpose.UPDATES,
                    "yes": True,
                    "at": NOW,
                }
                for ident, _ in people
            ],
        )
        session.execute(
            sa.insert(Signature),
            [
                {
                    "petition_id": here.petition.id,
                    "supporter_id": ident,
                    "state": SignatureState.VALIDATED,
                    "given_name": "=1+1" if number == 0 else "Ewa",
                    "family_name": f"Number {number}",
                    "email": email,
                    "email_canonical": email,
                    "name_key": f"number {number}",
                    "postal_code": "98101",
                    "country": "US",
                    "created_at": NOW,
                    "validated_at": NOW,
                }
                for number, (ident, email) in enumerate(people)
            ],
        )


def test_a_long_table_of_signers_is_not_gathered(database: object, signed_in: SignIn) -> None:
    here = there()
    _crowd(here)
    loaded: list[int] = []

    def note(row: Signature, _context: object) -> None:
        loaded.append(row.id)

    sa.event.listen(Signature, "load", note)
    try:
        path = f"/work/{here.coalition.slug}/petitions/{here.petition.slug}/signers/{here.lead.slug}.csv"
        answer = signed_in(here.organizer).get(path, buffered=False)
        ahead, sent, body = 0, 0, b""
        for part in answer.iter_encoded():
            body += part
            sent = body.count(b"\r\n")
            ahead = max(ahead, len(loaded) - sent)
    finally:
        sa.event.remove(Signature, "load", note)

    rows = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))
    assert [row["family_name"] for row in rows] == [f"Number {number}" for number in range(MANY)]
    assert rows[0]["given_name"] == "'=1+1"
    assert len(loaded) == MANY
    assert ahead <= db.LOT
    assert answer.mimetype == "text/csv"
