from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from app.coalitions.models import Coalition, PartyRole, Role
from app.core.actor import Actor
from app.core.audit import AuditEntry
from app.core.db import reading, transaction
from app.core.errors import Invalid, NotAllowed, NotFound
from app.core.tables import ImportResult
from app.targets import commands, queries
from app.targets.models import Target, TargetKind
from tests import builders
from tests.builders import NOW

HEADER = "name,kind,parent,ocd_division,title,given_name,family_name,email,contact_form_url,postal_address,rules\n"
FILE = (
    HEADER
    + "Council District 1,official,King County Council,ocd/1,Councilmember,Demo,District One,d1@kc.example,,,\n"
    + 'Amazon.com,company,,,,,,policy@amazon.example,,"410 Terry Ave N, Seattle, WA 98109",\n'
    + 'King County Council,legislative body,,,,,,clerk@kc.example,,,"By 10:00; topic in the ""subject"""\n'
).encode()
OPERATOR = Actor(label="The operator", operator=True)


def given(session: Session) -> tuple[Coalition, Actor]:
    coalition = builders.coalition(session)
    lead = builders.organization(session, name="Fight for the Future", within=coalition, party=PartyRole.LEAD)
    return coalition, builders.actor(builders.member(session, lead, role=Role.DRAFTER))


def counts(result: ImportResult) -> tuple[int, int, int]:
    return result.added, result.updated, result.unchanged


def test_a_file_brings_bodies_and_members_whatever_the_order_of_its_lines(session: Session) -> None:
    coalition, by = given(session)

    result = commands.import_targets(session, coalition, FILE, by=by, now=NOW)

    assert counts(result) == (3, 0, 0)
    assert result.problems == []
    rows = queries.targets_of(session, coalition.id)
    assert [row.name for row in rows] == ["Amazon.com", "King County Council", "Council District 1"]
    assert rows[2].parent is rows[1]
    assert rows[2].addressed_as == "Councilmember Demo District One"
    assert rows[0].postal_address == "410 Terry Ave N, Seattle, WA 98109"
    assert rows[1].rules == 'By 10:00; topic in the "subject"'


def test_a_file_read_twice_changes_nothing(session: Session) -> None:
    coalition, by = given(session)
    commands.import_targets(session, coalition, FILE, by=by, now=NOW)
    acts = session.scalar(sa.select(sa.func.count(AuditEntry.id)))

    again = commands.import_targets(session, coalition, b"\xef\xbb\xbf" + FILE.replace(b"\n", b"\r\n"), by=by, now=NOW)

    assert counts(again) == (0, 0, 3)
    assert session.scalar(sa.select(sa.func.count(AuditEntry.id))) == acts


def test_a_changed_line_updates_its_target_and_an_empty_cell_changes_nothing(session: Session) -> None:
    coalition, by = given(session)
    commands.import_targets(session, coalition, FILE, by=by, now=NOW)

    result = commands.import_targets(
        session, coalition, b"name,kind,email\namazon.com,company,new@amazon.example\n", by=by, now=NOW
    )

    assert counts(result) == (0, 1, 0)
    amazon = queries.target_of(session, coalition.id, "amazon-com")
    assert (amazon.email, amazon.postal_address) == ("new@amazon.example", "410 Terry Ave N, Seattle, WA 98109")


def test_bad_lines_are_named_and_the_good_ones_go_in(session: Session) -> None:
    coalition, by = given(session)
    body = (
        b"name,kind,parent,email\n"
        b"Amazon.com,company,,policy@amazon.example\n"
        b"=HYPERLINK(1),company,,x@y.example\n"
        b"IBM,shop,,\n"
        b"Microsoft,company,,not an address\n"
        b"Somebody,official,Nowhere Council,\n"
        b"Clerk,official,Amazon.com,\n"
        b",company,,\n"
        b"Too,many,values,for,this\n"
        b"Meta,company,,policy@meta.example\n"
    )

    result = commands.import_targets(session, coalition, body, by=by, now=NOW)

    assert counts(result) == (2, 0, 0)
    assert [line for line, _ in result.problems] == [3, 4, 5, 6, 7, 8, 9]
    reasons = dict(result.problems)
    assert reasons[4] == "kind: Write company, legislative body, agency or official."
    assert reasons[5] == "email: Write an e-mail address like name@example.org."
    assert "There is no target called “Nowhere Council”" in reasons[6]
    assert "only a legislative body or an agency has members" in reasons[7]


def test_a_body_whose_members_are_in_already_may_still_change_in_the_same_file(session: Session) -> None:
    coalition, by = given(session)
    body = (
        b"name,kind,parent,email\n"
        b"Council,legislative body,,\n"
        b"Committee,legislative body,Council,old@committee.example\n"
        b"Clerk,official,Committee,clerk@committee.example\n"
        b"Committee,legislative body,Council,new@committee.example\n"
    )

    result = commands.import_targets(session, coalition, body, by=by, now=NOW)

    session.expire_all()
    assert counts(result) == (3, 1, 0)
    committee = queries.target_of(session, coalition.id, "committee")
    assert committee.email == "new@committee.example"
    assert [row.name for row in committee.members] == ["Clerk"]


@pytest.mark.parametrize("body", [b"", b"\x89PNG\r\n\x1a\n\x00\x00", b"just words\nand more\n", b"name\nAmazon\n"])
def test_what_is_no_table_of_targets_is_refused_with_a_sentence(session: Session, body: bytes) -> None:
    coalition, by = given(session)

    with pytest.raises(Invalid) as refused:
        commands.import_targets(session, coalition, body, by=by, now=NOW)

    assert set(refused.value.problems) == {"file"}


def test_only_an_organizer_or_an_operator_may_import(session: Session) -> None:
    coalition, _ = given(session)
    partner = builders.organization(session, within=coalition)
    member = builders.actor(builders.member(session, partner, role=Role.ADMIN))
    stranger = builders.actor(builders.account(session, email="stranger@elsewhere.example"))

    with pytest.raises(NotAllowed):
        commands.import_targets(session, coalition, FILE, by=member, now=NOW)
    with pytest.raises(NotFound):
        commands.import_targets(session, coalition, FILE, by=stranger, now=NOW)
    assert commands.import_targets(session, coalition, FILE, by=OPERATOR, now=NOW).added == 3


def test_a_name_is_there_once_in_each_body(session: Session) -> None:
    coalition, by = given(session)
    entry = commands.NewTarget(name="IBM", kind=TargetKind.COMPANY)
    commands.add_target(session, coalition, entry, by=by, now=NOW)

    with pytest.raises(Invalid) as refused:
        commands.add_target(session, coalition, commands.NewTarget(name="ibm", kind=TargetKind.COMPANY), by=by, now=NOW)

    assert "IBM" in refused.value.problems["name"]
    with pytest.raises(sa.exc.IntegrityError):
        builders.target(session, coalition, name="IBM")


def test_a_body_is_no_member_of_its_own_member(session: Session) -> None:
    coalition, by = given(session)
    council, committee, board = (
        commands.add_target(
            session, coalition, commands.NewTarget(name=name, kind=TargetKind.LEGISLATIVE_BODY), by=by, now=NOW
        )
        for name in ("Council", "Committee", "Board")
    )
    for child, parent in ((committee, council), (board, committee)):
        entry = commands.NewTarget(name=child.name, kind=child.kind, parent_id=parent.id)
        commands.edit_target(session, child, entry, by=by, now=NOW)

    entry = commands.NewTarget(name="Council", kind=TargetKind.LEGISLATIVE_BODY, parent_id=board.id)
    with pytest.raises(Invalid) as refused:
        commands.edit_target(session, council, entry, by=by, now=NOW)

    assert refused.value.problems == {"parent_id": "A target cannot be a member of itself."}


def test_a_letter_names_a_body_by_its_members_and_each_target_once(session: Session) -> None:
    coalition, by = given(session)
    commands.import_targets(session, coalition, FILE, by=by, now=NOW)
    rows = queries.targets_of(session, coalition.id)

    assert queries.addressees(rows) == ["Amazon.com", "the members of the King County Council"]
    assert queries.addressees(rows[2:]) == ["Councilmember Demo District One"]


def test_the_command_line_imports_and_lists_what_failed(app: Flask, tmp_path: Path) -> None:
    with transaction() as session:
        slug = builders.coalition(session).slug
    file = tmp_path / "targets.csv"
    file.write_bytes(FILE + b"Meta,shop,,,,,,,,,\n")
    runner = app.test_cli_runner()

    run = runner.invoke(args=["import", "targets", str(file), "--coalition", slug])
    unknown = runner.invoke(args=["import", "targets", str(file), "--coalition", "nowhere"])

    assert run.exit_code == 0
    assert "3 added, 0 updated, 0 unchanged." in run.output
    assert "Line 5: kind: Write company" in run.output
    assert unknown.exit_code == 1
    assert "nowhere" in unknown.output
    with reading() as session:
        assert session.scalar(sa.select(sa.func.count(Target.id))) == 3
