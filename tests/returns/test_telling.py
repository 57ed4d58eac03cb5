"""The provider's group of updates: told who wants none and who wants some again, whatever the provider does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from flask import Flask
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.mail.groups import NotTold, UpdatesGroup
from app.returns import commands, jobs, queries
from app.returns.models import Telling
from config.settings import MailTransport, Settings
from tests.builders import NOW
from tests.mail.ways import free_port
from tests.returns.builders import count
from tests.returns.group import NUMBER, PATIENCE, Group, said, standing_in
from tests.returns.test_races import together

# Beside the others, with their license.
CONTRACT = Path(__file__).parents[1] / "mail" / "sendgrid" / "tsg_suppressions_v3.yaml"
EWA = "ewa@people.example"


@pytest.fixture
def group(database: Flask, httpserver: HTTPServer) -> Iterator[Group]:
    found = standing_in(httpserver)
    jobs.bind(found.settings())
    yield found
    jobs.bind(Settings())


def unwanted(*addresses: str) -> None:
    with transaction() as session:
        for address in addresses:
            commands.updates_unwanted(session, address, now=utc_now())


def wanted(*addresses: str) -> None:
    with transaction() as session:
        for address in addresses:
            commands.updates_wanted(session, address, now=utc_now())


def tell_all() -> None:
    while jobs.tell():
        pass


def due() -> None:
    """Make everything that waits due, as time would."""
    with transaction() as session:
        session.execute(sa.update(Telling).values(try_after=NOW))


def row() -> Telling:
    with reading() as session:
        return session.scalars(sa.select(Telling)).one()


@pytest.mark.parametrize(
    "given",
    [
        Settings(),
        Settings(sendgrid_asm_group=NUMBER),
        Settings(mail_transport=MailTransport.SENDGRID, sendgrid_api_key="SG.key"),
    ],
)
def test_without_a_group_at_sendgrid_nothing_is_written_down(database: Flask, given: Settings) -> None:
    jobs.bind(given)
    unwanted(EWA)
    wanted(EWA)
    assert jobs.tell() == 0
    assert count(Telling) == 0


def test_addresses_are_told_by_the_thousand_and_kept_no_longer(group: Group) -> None:
    everybody = [f"reader{number}@people.example" for number in range(1_003)]
    unwanted(*everybody)

    tell_all()

    assert [len(one) for one in group.posts()] == [1_000, 3]
    assert group.members == set(everybody)
    assert count(Telling) == 0


def test_only_those_who_are_in_the_group_are_taken_out(group: Group) -> None:
    group.members = {EWA, "odd/one%40?@people.example", "stays@people.example"}
    wanted("EWA@People.example", "odd/one%40?@people.example", *(f"new{one}@people.example" for one in range(50)))

    tell_all()

    assert group.members == {"stays@people.example"}
    assert [method for method, _, _ in group.asked] == ["POST", "DELETE", "DELETE"]
    assert count(Telling) == 0


def test_the_newest_wish_of_an_address_is_the_only_one(group: Group) -> None:
    unwanted(EWA)
    wanted(EWA)
    unwanted(EWA)
    wanted("mina@people.example")
    unwanted("mina@people.example")
    wanted("mina@people.example")
    assert count(Telling) == 2

    tell_all()

    assert group.members == {EWA}
    assert group.posts() == [[EWA]]


def test_a_stream_of_yeses_does_not_hold_up_those_who_leave(group: Group) -> None:
    unwanted(EWA)
    wanted("mina@people.example")
    assert jobs.tell() == 1
    assert group.members == {EWA}


def test_a_group_that_is_gone_puts_nobody_on_the_global_list(group: Group) -> None:
    group.is_there = False
    unwanted(EWA)

    tell_all()

    assert group.posts() == []
    assert group.global_list == set()
    assert row().last_error == f"SendGrid has no unsubscribe group {NUMBER}."

    group.is_there = True
    due()
    tell_all()
    assert group.members == {EWA}


@pytest.mark.parametrize("stopped", [True, False])
@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "lacks the right"), (403, "lacks the right"), (429, "too many"), (500, "500"), (503, "503"), (200, "")],
)
def test_a_wish_that_is_not_taken_is_told_again(group: Group, status: int, words: str, *, stopped: bool) -> None:
    group.members = set() if stopped else {EWA}
    (unwanted if stopped else wanted)(EWA)
    group.always = lambda _request: Response("<html>", status=status)

    assert jobs.tell() == 0

    assert row().last_error is not None
    assert words in str(row().last_error)
    assert EWA not in str(row().last_error)
    assert row().try_after > utc_now()
    assert row().lease_token is None
    group.always = None
    due()
    tell_all()
    assert group.members == ({EWA} if stopped else set())
    assert count(Telling) == 0


def test_a_wait_that_sendgrid_asks_for_is_kept(group: Group) -> None:
    reset = str(int(time.time()) + 1_200)
    group.faults = [lambda _request: said({}, 429, **{"X-RateLimit-Reset": reset})]
    unwanted(EWA)

    jobs.tell()

    assert timedelta(minutes=19) < row().try_after - utc_now() < timedelta(minutes=21)


def test_an_address_at_fault_keeps_no_other_from_being_told(group: Group) -> None:
    def picky(request: Request) -> Response | None:
        return said({"errors": []}, 400) if b"bad@" in request.data else None

    group.always = picky
    unwanted("bad@people.example", *(f"reader{number}@people.example" for number in range(9)))

    tell_all()

    assert group.members == {f"reader{number}@people.example" for number in range(9)}
    assert row().address == "bad@people.example"
    assert row().try_after > utc_now() + timedelta(hours=23)


def test_an_answer_that_is_lost_is_asked_for_again_without_harm(group: Group) -> None:
    released = threading.Event()

    def lost(request: Request) -> Response | None:
        if request.method == "POST":
            group.well(request, request.get_json())
            released.wait(PATIENCE)
        return None

    group.always = lost
    impatient = UpdatesGroup("SG.key", NUMBER, host=group.url, timeout=0.3)
    with pytest.raises(NotTold, match="did not answer"):
        impatient.stop([EWA])
    released.set()
    assert group.members == {EWA}

    group.always = None
    impatient.stop([EWA])
    assert group.members == {EWA}


def test_a_provider_that_cannot_be_reached_is_told_later(database: Flask) -> None:
    away = UpdatesGroup("SG.key", NUMBER, host=f"http://127.0.0.1:{free_port()}", timeout=2)
    with pytest.raises(NotTold, match="did not answer") as trouble:
        away.stop([EWA])
    assert trouble.value.wait == timedelta(minutes=1)
    assert not trouble.value.theirs


@pytest.mark.parametrize("stopping", [True, False])
def test_a_wish_that_turns_around_while_it_is_told_is_told_anew(group: Group, *, stopping: bool) -> None:
    group.members = set() if stopping else {EWA}
    under_way, go_on = threading.Event(), threading.Event()

    def slow(request: Request) -> Response | None:
        if request.method != "GET" and not under_way.is_set():
            under_way.set()
            assert go_on.wait(PATIENCE)
        return None

    def turn_around() -> None:
        assert under_way.wait(PATIENCE)
        (wanted if stopping else unwanted)(EWA)
        assert jobs.tell() == 0  # nobody overtakes the request that is under way
        go_on.set()

    group.always = slow
    (unwanted if stopping else wanted)(EWA)
    together(tell_all, turn_around)
    tell_all()

    assert group.members == (set() if stopping else {EWA})
    assert count(Telling) == 0


def test_workers_and_people_who_change_their_minds_end_in_the_last_wish(group: Group) -> None:
    people = [f"reader{number}@people.example" for number in range(12)]
    changing = threading.Semaphore(0)

    def change(mine: list[str]) -> None:
        for turn in range(6):
            (unwanted if turn % 2 == 0 else wanted)(*mine)
        unwanted(*mine[::2])
        changing.release()

    def work() -> None:
        while not changing.acquire(blocking=False):
            jobs.tell()
        changing.release()
        tell_all()

    # Two hold several rows in opposite orders to what settling does; each address is changed by one of them only.
    together(lambda: change(people[:6][::-1]), lambda: change(people[6:][::-1]), work, work)
    tell_all()

    assert group.members == {*people[:6][::-1][::2], *people[6:][::-1][::2]}
    assert count(Telling) == 0


def test_a_worker_that_died_leaves_its_wishes_to_the_next_and_settles_nothing_late(group: Group) -> None:
    unwanted(EWA)
    with transaction() as session:
        dead = commands.take_wishes(session, now=utc_now() - timedelta(minutes=11))
        assert dead == []
        session.execute(sa.update(Telling).values(try_after=NOW))
    with transaction() as session:
        dead = commands.take_wishes(session, now=utc_now() - timedelta(minutes=11))
    with transaction() as session:
        alive = commands.take_wishes(session, now=utc_now())
    with transaction() as session:
        commands.settle_wishes(session, [(dead[0], None)], now=utc_now())
    assert row().lease_token == alive[0].token


def test_a_wish_that_cannot_be_told_for_a_month_is_forgotten(group: Group) -> None:
    unwanted(EWA)
    assert jobs.forget_untold() == 0
    with transaction() as session:
        session.execute(sa.update(Telling).values(asked_at=utc_now() - timedelta(days=31)))
    assert jobs.forget_untold() == 1
    assert count(Telling) == 0


def test_the_operator_is_told_how_many_wait_and_why(group: Group) -> None:
    with reading() as session:
        assert queries.untold(session) == queries.Untold(0, 0, None, None, None)
    group.always = lambda _request: Response(status=403)
    unwanted(EWA, "mina@people.example")
    tell_all()
    wanted("third@people.example")
    with reading() as session:
        found = queries.untold(session)
    assert (found.stopping, found.returning) == (2, 1)
    assert found.trouble == "SendGrid said 403: the API key lacks the right to unsubscribe groups."


def test_requests_are_as_the_published_description_says(group: Group) -> None:
    described: Any = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))
    unwanted(EWA)
    tell_all()
    wanted(EWA)
    tell_all()
    known = {
        "GET": ["/v3/asm/groups/{group_id}"],
        "POST": ["/v3/asm/groups/{group_id}/suppressions", "/v3/asm/groups/{group_id}/suppressions/search"],
        "DELETE": ["/v3/asm/groups/{group_id}/suppressions/{email}"],
    }
    schema = described["components"]["schemas"]["SuppressionsRequest"]
    for method, path, body in group.asked:
        shape = path.replace(str(NUMBER), "{group_id}").replace(EWA, "{email}")
        assert shape in known[method]
        operation = described["paths"][shape][method.lower()]
        assert ("requestBody" in operation) is (body is not None)
        if body is not None:
            assert set(schema["required"]) <= set(body) <= set(schema["properties"])
            assert all(isinstance(one, str) for one in body["recipient_emails"])
    assert len(group.asked) == 4
