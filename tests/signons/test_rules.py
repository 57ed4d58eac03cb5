from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from app.signons import rules
from app.statements.models import Statement, StatementState
from tests.builders import NOW


@dataclass
class Line:
    listed_as: str


def _statement(state: StatementState, *, deadline_in: int = 1, closed: bool = False) -> Statement:
    moment = NOW + timedelta(days=deadline_in)
    return Statement(state=state, deadline=moment, closed_at=moment if closed else None, created_at=NOW)


def test_a_name_may_be_taken_back_until_the_deadline_and_not_a_moment_later() -> None:
    statement = _statement(StatementState.OPEN)
    closing = NOW + timedelta(days=1)

    assert rules.withdraw_until(statement) == closing
    assert rules.may_withdraw(statement, closing - timedelta(seconds=1))
    assert not rules.may_withdraw(statement, closing)


def test_a_name_may_not_be_taken_back_once_it_is_closed() -> None:
    statement = _statement(StatementState.CLOSED, closed=True)

    assert not rules.may_withdraw(statement, NOW)
    assert not rules.may_withdraw(statement, NOW + timedelta(days=1))
    assert rules.roll_is_fixed(statement, NOW + timedelta(days=1))


def test_48_hours_after_closing_are_one_line_of_this_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "WITHDRAWAL_AFTER_CLOSING", timedelta(hours=48))
    statement = _statement(StatementState.CLOSED, closed=True)
    closed = NOW + timedelta(days=1)

    assert rules.may_withdraw(statement, closed)
    assert rules.may_withdraw(statement, closed + timedelta(hours=47))
    assert not rules.roll_is_fixed(statement, closed + timedelta(hours=47))
    assert not rules.may_withdraw(statement, closed + timedelta(hours=48))
    assert rules.roll_is_fixed(statement, closed + timedelta(hours=48))
    assert not rules.may_withdraw(_statement(StatementState.DELIVERED, closed=True), closed)


def test_links_follow_the_deadline() -> None:
    statement = _statement(StatementState.OPEN, deadline_in=10)

    assert not rules.link_is_late(statement, NOW + timedelta(days=17), rules.REQUEST_OUTLIVES_CLOSING)
    assert rules.link_is_late(statement, NOW + timedelta(days=18), rules.REQUEST_OUTLIVES_CLOSING)


def test_a_roll_begins_with_the_initiators_and_ignores_the_article() -> None:
    names = [(False, Line("Zaštita")), (False, Line("The Albatross")), (True, Line("Zebra")), (False, Line("éclair"))]

    assert [line.listed_as for line in rules.in_order(names)] == ["Zebra", "The Albatross", "éclair", "Zaštita"]


def test_a_roll_of_30_is_one_group_and_one_of_31_is_set_by_scope() -> None:
    names = [(index == 0, "local" if index % 2 else "national", Line(str(index))) for index in range(31)]

    assert [heading for heading, _ in rules.grouped(names[:30])] == [""]
    groups = rules.grouped(names)
    assert [heading for heading, _ in groups] == ["Initiated by", "National organizations", "Local organizations"]
    assert sum(len(members) for _, members in groups) == 31
    assert rules.grouped([]) == []


def test_who_stands_behind_a_letter_is_one_sentence() -> None:
    def sentence(number: int) -> str:
        return rules.stands_behind([Line(f"G{index}") for index in range(1, number + 1)])

    assert sentence(1) == "G1 signed it."
    assert sentence(2) == "2 organizations signed it: G1 and G2."
    assert sentence(30) == "30 organizations signed it, among them G1, G2, G3, G4 and G5."
