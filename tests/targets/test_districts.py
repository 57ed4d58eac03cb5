"""A body's table of postal codes: read from a file, twice without harm, and only with districts of its members."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.coalitions.models import Coalition, PartyRole, Role
from app.core.actor import Actor
from app.core.audit import AuditEntry
from app.core.db import reading, transaction
from app.core.errors import Invalid, NotAllowed
from app.targets import commands, queries, rules
from app.targets.models import PostalDistrict, Target, TargetKind
from tests import builders
from tests.builders import NOW
from tests.petitions.builders import together

TABLE = b"prefix,district\n981,Council District 1\n98004,District 2\nsw1a 1,ocd-division/country:us/district:2\n"


def given(session: Session) -> tuple[Coalition, Target, Actor]:
    coalition = builders.coalition(session)
    lead = builders.organization(session, name="Fight for the Future", within=coalition, party=PartyRole.LEAD)
    by = builders.actor(builders.member(session, lead, role=Role.DRAFTER))
    lines = "name,kind,parent,ocd_division\nKing County Council,legislative body,,\n"
    lines += "".join(f"Council District {n},official,King County Council,ocd-division/x/district:{n}\n" for n in (1, 2))
    commands.import_targets(session, coalition, lines.encode(), by=by, now=NOW)
    return coalition, queries.target_of(session, coalition.id, "king-county-council"), by


def table(session: Session) -> dict[str, str]:
    return {row.prefix: row.district for row in session.scalars(sa.select(PostalDistrict))}


def test_a_file_is_read_and_districts_get_the_name_of_their_member(session: Session) -> None:
    _, body, by = given(session)

    result = commands.import_districts(session, body, TABLE, by=by, now=NOW)

    assert (result.added, result.problems) == (3, [])
    assert table(session) == {
        "981": "Council District 1",
        "98004": "Council District 2",
        "SW1A1": "Council District 2",
    }


def test_a_file_read_twice_changes_nothing_and_a_moved_prefix_is_moved(session: Session) -> None:
    _, body, by = given(session)
    commands.import_districts(session, body, TABLE, by=by, now=NOW)

    again = commands.import_districts(session, body, TABLE, by=by, now=NOW)
    moved = commands.import_districts(session, body, b"prefix;district\n981;2\n", by=by, now=NOW)

    assert (again.added, again.updated, again.unchanged) == (0, 0, 3)
    assert (moved.added, moved.updated) == (0, 1)
    assert table(session)["981"] == "Council District 2"
    acts = session.scalars(sa.select(AuditEntry).where(AuditEntry.act == "target.districts_imported")).all()
    assert [(one.detail["added"], one.detail["updated"]) for one in acts] == [(3, 0), (0, 1)]


def test_bad_lines_are_named_and_the_good_ones_go_in(session: Session) -> None:
    _, body, by = given(session)
    lines = b"prefix,district\n981,District 9\n,1\n98 1-!,1\n98101,1\n98101,2\n98102,\n"

    result = commands.import_districts(session, body, lines, by=by, now=NOW)

    assert [problem.line for problem in result.problems] == [2, 3, 4, 6, 7]
    assert "has no member for “District 9”" in result.problems[0].reason
    assert "at most 10 letters and digits" in result.problems[2].reason
    assert "stands in line 5 already" in result.problems[3].reason
    assert table(session) == {"98101": "Council District 1"}


def test_a_company_has_no_districts_and_a_stranger_imports_none(session: Session) -> None:
    coalition, body, by = given(session)
    company = builders.target(session, coalition)
    partner = builders.organization(session, name="Partner", within=coalition)
    outsider = builders.actor(builders.member(session, partner))

    with pytest.raises(Invalid) as refused:
        commands.import_districts(session, company, TABLE, by=by, now=NOW)
    assert "has no districts" in refused.value.problems["file"]
    with pytest.raises(NotAllowed):
        commands.import_districts(session, body, TABLE, by=outsider, now=NOW)


@pytest.mark.parametrize(
    ("district", "found"),
    [("Council District 1", 1), ("council district 1", 1), ("1", 1), ("District 1", 1), ("2", 2), ("12", 12), ("3", 0)],
)
def test_a_district_is_found_by_name_division_or_unmistakable_end(district: str, found: int) -> None:
    members = [
        Target(name=f"Council District {n}", kind=TargetKind.OFFICIAL, ocd_division=f"ocd-division/x/district:{n}")
        for n in (1, 2, 12)
    ]

    member = rules.member_for(members, district)

    assert (member.name if member else "") == (f"Council District {found}" if found else "")


def test_an_end_that_two_members_share_finds_neither() -> None:
    members = [
        Target(name=f"{side} District 1", kind=TargetKind.OFFICIAL, ocd_division="") for side in ("North", "South")
    ]

    assert rules.member_for(members, "District 1") is None
    assert rules.member_for(members, "North District 1") is members[0]


def test_two_imports_at_once_double_nothing(database: Flask) -> None:
    with transaction() as session:
        _, body, by = given(session)

    def read() -> None:
        with transaction() as session:
            commands.import_districts(session, session.get_one(Target, body.id), TABLE, by=by, now=NOW)

    together(*(read for _ in range(4)))

    with reading() as session:
        assert len(table(session)) == 3


def test_the_page_shows_the_table_and_what_became_of_a_file(signed_in: Callable[[Account], FlaskClient]) -> None:
    with transaction() as session:
        coalition, body, by = given(session)
        builders.target(session, coalition)
        organizer = session.get_one(Account, by.account_id)
    browser, here = signed_in(organizer), f"/work/{coalition.slug}/targets/{body.slug}/districts"

    assert "No postal codes yet" in browser.get(here).text
    sent = browser.post(here, data={"file": (BytesIO(TABLE + b"97,District 9\n"), "table.csv")})
    assert "3 added" in sent.text
    assert "has no member for “District 9”" in sent.text
    assert "98004, SW1A1" in browser.get(here).text
    assert browser.post(here, data={}).status_code == 422
    assert browser.get(f"/work/{coalition.slug}/targets/amazon-com/districts").status_code == 404
    assert "Its districts by postal code" in browser.get(f"/work/{coalition.slug}/targets/{body.slug}").text


def test_the_command_line_reads_a_table(database: Flask, tmp_path: Path) -> None:
    with transaction() as session:
        coalition, body, _ = given(session)
    (tmp_path / "table.csv").write_bytes(TABLE + b"97,District 9\n")

    answer = database.test_cli_runner().invoke(
        args=["import", "districts", str(tmp_path / "table.csv"), "--coalition", coalition.slug, "--body", body.slug]
    )

    assert answer.exit_code == 0
    assert "3 added, 0 updated, 0 unchanged." in answer.output
    assert "Line 5:" in answer.output + answer.stderr
