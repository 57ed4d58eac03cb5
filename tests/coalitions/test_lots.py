"""A long file goes in by lots: others write between two of them, and a run that was cut short is simply run again."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.coalitions.commands import read_organizations, take_organizations
from app.coalitions.models import Coalition, Organization, PartyRole
from app.core import db
from app.core.tables import IMPORT_LOT, lots
from app.targets.models import Target
from tests import builders
from tests.builders import NOW
from tests.coalitions.builders import OPERATOR, formed

SignIn = Callable[[Account], FlaskClient]
MANY = IMPORT_LOT + 20


def _file(bad: int) -> bytes:
    lines = [f'"Group for the Commons {number}",office{number}@group.example' for number in range(MANY)]
    lines[bad] = f'"Group for the Commons {bad}",no address'
    return "\n".join(["organization,public_email", *lines]).encode()


def _number(model: type[Organization | Target]) -> int:
    with db.reading() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def test_an_import_that_was_cut_short_goes_on_where_it_stopped(app: Flask, tmp_path: Path) -> None:
    with db.transaction() as session:
        slug = formed(session)[0].slug
    first, *_ = lots(read_organizations(_file(bad=MANY - 1)).rows)
    with db.transaction() as session:
        coalition = session.scalars(sa.select(Coalition)).one()
        assert take_organizations(session, coalition, first, by=OPERATOR, now=NOW).added == IMPORT_LOT

    (tmp_path / "groups.csv").write_bytes(_file(bad=MANY - 1))
    ran = app.test_cli_runner().invoke(
        args=["import", "organizations", str(tmp_path / "groups.csv"), "--coalition", slug]
    )

    assert ran.exit_code == 0
    assert f"19 added, 0 updated, {IMPORT_LOT} unchanged." in ran.output
    assert f"Line {MANY + 1}: public_email: Write an e-mail address" in ran.output
    assert _number(Organization) == MANY


def test_a_file_that_is_sent_is_taken_in_several_transactions_and_every_bad_line_is_named(
    app: Flask, signed_in: SignIn
) -> None:
    with db.transaction() as session:
        coalition = builders.coalition(session)
        lead = builders.organization(session, name="Fight for the Commons", within=coalition, party=PartyRole.LEAD)
        organizer = builders.member(session, lead)
        slug = coalition.slug
    commits: list[object] = []

    def note(connection: object) -> None:
        commits.append(connection)

    sa.event.listen(db.engine(), "commit", note)
    try:
        sent = {"file": (io.BytesIO(_file(bad=3)), "groups.csv")}
        answer = signed_in(organizer).post(f"/work/{slug}/organizations/import", data=sent)
    finally:
        sa.event.remove(db.engine(), "commit", note)

    assert answer.status_code == 200
    assert "Write an e-mail address" in answer.text
    assert len(commits) >= 2
    assert _number(Organization) == MANY


def test_members_of_a_body_find_it_though_it_came_in_an_earlier_lot(app: Flask, signed_in: SignIn) -> None:
    with db.transaction() as session:
        coalition = builders.coalition(session)
        lead = builders.organization(session, name="Fight for the Commons", within=coalition, party=PartyRole.LEAD)
        organizer = builders.member(session, lead)
        slug = coalition.slug
    members = [f"Member {number},official,The Council" for number in range(MANY)]
    body = "\n".join(["name,kind,parent", *members, "The Council,legislative body,"]).encode()

    answer = signed_in(organizer).post(f"/work/{slug}/targets/import", data={"file": (io.BytesIO(body), "targets.csv")})

    assert answer.status_code == 200
    assert _number(Target) == MANY + 1
    with db.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).where(Target.parent_id.is_not(None))) == MANY
