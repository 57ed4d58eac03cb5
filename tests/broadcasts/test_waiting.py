"""An update waits for the mail provider to let its readers have it again, but not for ever."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from pytest_httpserver import HTTPServer

from app.broadcasts import commands, messages
from app.broadcasts.models import Broadcast
from app.core.clock import utc_now
from app.core.db import transaction
from app.returns import jobs as returns
from app.returns.models import Telling
from config.settings import Settings
from tests.broadcasts.builders import ready, stage, supporter
from tests.returns.group import Group, standing_in


@pytest.fixture
def group(database: Flask, httpserver: HTTPServer) -> Iterator[Group]:
    found = standing_in(httpserver)
    returns.bind(found.settings())
    yield found
    returns.bind(Settings())


def begun() -> int:
    """An update that is being sent to somebody whose yes the provider has not been told of; its id."""
    with transaction() as session:
        there = stage(session)
        supporter(session, 1, yes=(there.lead,))
        update = commands.send(session, ready(session, there), by=there.robin, now=utc_now())
        commands.keep_words(session, update, messages.form(update), now=utc_now())
        return update.id


def planned(update: int, *, now: datetime | None = None) -> int:
    with transaction() as session:
        broadcast = session.get_one(Broadcast, update)
        return commands.plan_lot(session, broadcast, lot=10, size=10, now=now or utc_now())


def test_nobody_is_planned_before_the_provider_lets_readers_have_updates_again(group: Group) -> None:
    group.members = {"person1@people.example"}
    update = begun()
    assert planned(update) == 0

    while returns.tell():
        pass

    assert group.members == set()
    assert planned(update) == 1


def test_an_update_goes_on_after_a_quarter_of_an_hour(group: Group) -> None:
    update = begun()
    assert planned(update, now=utc_now() + timedelta(minutes=14)) == 0
    assert planned(update, now=utc_now() + timedelta(minutes=16)) == 1


def test_somebody_who_says_yes_after_it_began_is_not_waited_for(group: Group) -> None:
    update = begun()
    with transaction() as session:
        session.execute(sa.update(Telling).values(asked_at=utc_now() + timedelta(seconds=1)))
    assert planned(update) == 1


def test_without_a_group_nobody_waits(group: Group) -> None:
    update = begun()
    returns.bind(Settings())
    assert planned(update) == 1
