"""A group that is newly set at the mail provider is told of those who had left before, once and without a person."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask
from pytest_httpserver import HTTPServer

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.returns import jobs as returns
from app.returns.commands import telling
from app.returns.models import GroupTold, Telling
from app.supporters import commands, jobs
from app.supporters.models import Supporter
from config.settings import Settings
from tests.broadcasts.builders import Stage, stage, supporter
from tests.builders import NOW
from tests.returns.group import Group, standing_in
from tests.returns.test_races import together


@pytest.fixture
def group(database: Flask, httpserver: HTTPServer) -> Iterator[Group]:
    yield standing_in(httpserver)
    returns.bind(Settings())


def crowd() -> Stage:
    """One who left, one who left one of two, one who stays, one who never said yes; before any group was set."""
    with transaction() as session:
        there = stage(session)
        left = supporter(session, 1, yes=(there.lead,))
        commands.leave(session, left, there.lead, source="test", now=NOW)
        half = supporter(session, 2, yes=(there.lead, there.partner))
        commands.leave(session, half, there.lead, source="test", now=NOW)
        supporter(session, 3, yes=(there.lead,))
        supporter(session, 4, no=(there.lead,))
        return there


def run() -> None:
    while jobs.tell_who_had_left() + returns.tell():
        pass


def row() -> GroupTold:
    with reading() as session:
        return session.scalars(sa.select(GroupTold)).one()


def test_who_had_left_everybody_is_told_once_a_group_is_set(group: Group) -> None:
    crowd()
    returns.bind(group.settings())

    run()

    assert group.members == {"person1@people.example"}
    assert (row().told, row().done_at is not None) == (1, True)
    asked = len(group.asked)
    run()
    assert len(group.asked) == asked, "all is told: nothing is asked again"


def test_it_goes_on_where_it_was_broken_off(group: Group) -> None:
    with transaction() as session:
        there = stage(session)
        for number in range(1, 8):
            commands.leave(session, supporter(session, number, yes=(there.lead,)), there.lead, source="test", now=NOW)
    returns.bind(group.settings())
    with transaction() as session:
        assert commands.tell_who_had_left(session, lot=3, now=utc_now()) == 3
    with pytest.raises(RuntimeError, match="power"), transaction() as session:
        commands.tell_who_had_left(session, lot=3, now=utc_now())
        raise RuntimeError("the power went off")
    assert row().told == 3

    run()

    assert group.members == {f"person{number}@people.example" for number in range(1, 8)}
    assert row().told == 7


def test_two_workers_at_once_tell_nobody_twice(group: Group) -> None:
    crowd()
    returns.bind(group.settings())

    together(*[jobs.tell_who_had_left] * 4)
    run()

    assert [len(one) for one in group.posts()] == [1]
    assert row().told == 1


def test_somebody_who_says_yes_again_meanwhile_is_not_kept_out(group: Group) -> None:
    there = crowd()
    returns.bind(group.settings())
    jobs.tell_who_had_left()
    with transaction() as session:
        ewa = session.scalars(sa.select(Supporter).where(Supporter.email == "person1@people.example")).one()
        commands.record_consent(session, ewa, there.lead, yes=True, words="Yes?", source="test", now=utc_now())

    run()

    assert group.members == set()


def test_a_group_that_was_not_set_for_a_while_is_told_anew(group: Group) -> None:
    there = crowd()
    returns.bind(group.settings())
    run()
    returns.bind(Settings())
    assert jobs.tell_who_had_left() == 0
    with transaction() as session:
        third = session.scalars(sa.select(Supporter).where(Supporter.email == "person3@people.example")).one()
        commands.leave(session, third, there.lead, source="test", now=utc_now())
    returns.bind(group.settings())

    run()

    assert group.members == {"person1@people.example", "person3@people.example"}


def test_those_who_had_left_wait_while_many_wishes_do(group: Group) -> None:
    crowd()
    returns.bind(group.settings())
    with transaction() as session:
        waiting = [
            {"address": f"x{number}@people.example", "stopped": True, "wish": 1, "asked_at": NOW, "try_after": NOW}
            for number in range(telling.MOST_WAITING)
        ]
        session.execute(sa.insert(Telling), waiting)

    assert jobs.tell_who_had_left() == 0
    assert row().done_at is None
