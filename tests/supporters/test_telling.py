"""Who is told to the mail provider as wanting no updates: whoever has no yes to anybody left, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask
from pytest_httpserver import HTTPServer

from app.coalitions.models import Organization
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.returns import jobs as returns
from app.returns.commands.heeding import withdraw
from app.returns.models import Telling
from app.supporters import commands, jobs, rules
from app.supporters.models import Supporter
from config.settings import Settings
from tests import builders
from tests.returns.group import Group, standing_in
from tests.returns.test_races import together
from tests.supporters.test_heeding import EWA, two_yeses
from tests.supporters.test_leaving import record, remember


@pytest.fixture
def group(database: Flask, httpserver: HTTPServer) -> Iterator[Group]:
    found = standing_in(httpserver)
    returns.bind(found.settings())
    yield found
    returns.bind(Settings())


@pytest.fixture
def senders(group: Group) -> tuple[int, int]:
    """Two organizations that a supporter said yes to, of which the provider has been told."""
    found = two_yeses()
    tell_all()
    return found


def tell_all() -> None:
    while returns.tell():
        pass


def waiting() -> dict[str, bool]:
    """For each address the provider is to be told of, whether updates stop."""
    with reading() as session:
        return {row.address: row.stopped for row in session.scalars(sa.select(Telling))}


def answer(sender: int, *, yes: bool) -> None:
    with transaction() as session:
        supporter = session.scalars(sa.select(Supporter)).one()
        record(session, supporter, session.get_one(Organization, sender), yes=yes)


def leave(sender: int) -> None:
    with transaction() as session:
        supporter = session.scalars(sa.select(Supporter)).one()
        organization = session.get_one(Organization, sender)
        commands.leave(session, supporter, organization, source="unsubscribe page", now=utc_now())


def test_leaving_one_of_two_tells_nobody_and_leaving_the_last_does(group: Group, senders: tuple[int, int]) -> None:
    leave(senders[0])
    assert waiting() == {}
    leave(senders[1])
    assert waiting() == {EWA: True}
    tell_all()
    assert (group.members, waiting()) == ({EWA}, {})


def test_leaving_everybody_tells_once_and_a_new_yes_takes_it_back(group: Group, senders: tuple[int, int]) -> None:
    with transaction() as session:
        supporter = session.scalars(sa.select(Supporter)).one()
        commands.leave_all(session, supporter, source="preferences page", now=utc_now())
    tell_all()
    assert group.posts() == [[EWA]]

    answer(senders[1], yes=True)
    assert waiting() == {EWA: False}
    tell_all()
    assert group.members == set()


def test_somebody_who_never_said_yes_is_nobody_the_provider_hears_of(group: Group) -> None:
    with transaction() as session:
        supporter = remember(session)
        record(session, supporter, builders.organization(session), yes=False)
        commands.forget(session, supporter, now=utc_now())
    assert waiting() == {}


@pytest.mark.parametrize("everything", [True, False])
def test_a_complaint_tells_if_it_leaves_no_sender(group: Group, senders: tuple[int, int], *, everything: bool) -> None:
    with transaction() as session:
        withdraw(session, EWA, "" if everything else rules.stream(senders[0]), complaint=True, at=utc_now())
    jobs.heed()
    assert waiting() == ({EWA: True} if everything else {})


def test_an_erased_person_is_told_and_then_not_kept(group: Group, senders: tuple[int, int]) -> None:
    with transaction() as session:
        commands.forget(session, session.scalars(sa.select(Supporter)).one(), now=utc_now())
    assert waiting() == {EWA: True}

    tell_all()

    assert (group.members, waiting()) == ({EWA}, {})

    with transaction() as session:
        again = remember(session)
        record(session, again, session.get_one(Organization, senders[0]), yes=True)
    tell_all()
    assert group.members == set()


def test_an_act_that_is_not_committed_tells_nobody(group: Group, senders: tuple[int, int]) -> None:
    def undone() -> None:
        with transaction() as session:
            supporter = session.scalars(sa.select(Supporter)).one()
            commands.leave_all(session, supporter, source="preferences page", now=utc_now())
            raise ConnectionError

    with pytest.raises(ConnectionError):
        undone()
    assert waiting() == {}


def test_a_yes_goes_along_to_another_way_of_writing_the_address(group: Group, senders: tuple[int, int]) -> None:
    group.members = {"ewa+news@people.example"}
    with transaction() as session:
        remember(session, "ewa+news@people.example")
    tell_all()
    assert group.members == set()


def test_leaving_both_senders_at_once_is_told(group: Group, senders: tuple[int, int]) -> None:
    together(lambda: leave(senders[0]), lambda: leave(senders[1]), tell_all)
    tell_all()
    assert (group.members, waiting()) == ({EWA}, {})


def test_being_erased_while_saying_yes_blocks_nobody(group: Group, senders: tuple[int, int]) -> None:
    def yes() -> None:
        with transaction() as session:
            supporter = session.scalars(sa.select(Supporter)).one_or_none()
            locked = supporter and session.get(Supporter, supporter.id, with_for_update=True, populate_existing=True)
            if locked is not None:
                record(session, locked, session.get_one(Organization, senders[0]), yes=True)

    def erase() -> None:
        with transaction() as session:
            commands.forget(session, session.scalars(sa.select(Supporter)).one(), now=utc_now())

    together(yes, erase, tell_all)
    tell_all()
    assert (group.members, waiting()) == ({EWA}, {})
