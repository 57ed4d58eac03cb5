"""What the operator does at the command line."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from sqlalchemy.orm import Session

from app.accounts import queries
from app.coalitions.queries import parties
from app.core import db
from tests.coalitions.builders import formed


def _found(email: str) -> tuple[str, bool, bool]:
    with db.reading() as session:
        account = queries.by_email(session, email)
        assert account is not None
        return account.name, account.is_operator, account.password_hash is not None


def test_an_operator_is_made_with_a_link_that_signs_in(app: Flask) -> None:
    made = app.test_cli_runner().invoke(args=["user", "create", "op@site.example", "--name", "Op", "--operator"])

    assert made.exit_code == 0, made.output
    assert _found("op@site.example") == ("Op", True, False)
    link = made.output.split("http://undersigned.example")[1].strip()
    browser = app.test_client()
    assert browser.get(link).status_code == 200
    assert browser.post(link).status_code == 303
    assert browser.get("/account").status_code == 200


def test_a_password_is_asked_for_twice_and_may_not_be_weak(app: Flask) -> None:
    run, words = app.test_cli_runner().invoke, "four unrelated words\n"
    weak = run(args=["user", "create", "op@site.example", "--name", "Op", "--password"], input="short\nshort\n")
    good = run(args=["user", "create", "op@site.example", "--name", "Op", "--password"], input=words * 2)
    twice = run(args=["user", "create", "OP@site.example", "--name", "Op"])

    assert weak.exit_code == 1
    assert "at least 12 characters" in weak.output
    assert good.exit_code == 0
    assert _found("op@site.example") == ("Op", False, True)
    assert twice.exit_code == 1
    assert "already has an account" in twice.output


def test_organizations_come_from_a_file_and_bad_lines_are_said(app: Flask, tmp_path: Path) -> None:
    with db.transaction() as session:
        coalition, _ = formed(session)
    table = tmp_path / "groups.csv"
    table.write_text("organization,role\nACLU,partner\n=x,partner\n", encoding="utf-8")

    run = app.test_cli_runner().invoke(args=["import", "organizations", str(table), "--coalition", coalition.slug])
    lost = app.test_cli_runner().invoke(args=["import", "organizations", str(table), "--coalition", "nowhere"])

    assert run.exit_code == 0
    assert "1 added, 0 updated, 0 unchanged." in run.output
    assert "Line 3: organization: Start with a letter" in run.output
    assert lost.exit_code == 1
    assert "no coalition called" in lost.output
    assert _names(coalition.id) == ["Fight for the Future", "ACLU"]


def _names(coalition_id: int) -> list[str]:
    with Session(db.engine()) as session:
        return [party.organization.name for party in parties(session, coalition_id)]
