"""A delivered letter is put away, and taken out again."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient

from app.accounts.models import Account
from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.core.db import transaction
from app.signons import commands
from app.statements.commands import mark_delivered
from app.statements.models import Statement
from tests.signons.builders import committed, signed

SignIn = Callable[[Account], FlaskClient]


def test_an_organizer_archives_a_delivered_letter_and_takes_it_out_again(
    database: object, signed_in: SignIn, client: FlaskClient
) -> None:
    given = committed(now=utc_now())
    with transaction() as session:
        signed(session, given)
        statement = session.get_one(Statement, given.statement.id)
        commands.close(session, statement, by=SYSTEM, now=utc_now())
        mark_delivered(session, statement, by=SYSTEM, now=utc_now())
    here = f"/work/{given.coalition.slug}/statements/{given.statement.slug}"
    organizer, member = signed_in(given.organizer), signed_in(given.signatory)
    assert f'action="{here}/archive"' in organizer.get(here).text
    assert f'action="{here}/archive"' not in member.get(here).text
    assert member.post(f"{here}/archive").status_code == 403

    assert organizer.post(f"{here}/archive").status_code == 303
    assert "Archived" in organizer.get(f"/work/{given.coalition.slug}/statements").text
    assert client.get(f"/statements/{given.statement.slug}").status_code == 200
    assert organizer.post(f"{here}/unarchive").status_code == 303
    assert f'action="{here}/archive"' in organizer.get(here).text
