"""The provider's lists: read page by page from a watermark on, again after trouble, and without doing things twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
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
from app.mail.lists import PAGE, ListUnread, ProviderList, ProviderLists
from app.mail.models import EmailState
from app.returns import jobs
from app.returns.commands.lists import coming_night
from app.returns.models import ListPull, MailEvent, Withdrawal
from config.settings import MailTransport, Settings
from tests.builders import NOW
from tests.mail.builders import email
from tests.mail.ways import free_port
from tests.returns.builders import bounce, count, hear, left, stopped
from tests.returns.test_hearing import heard

# Beside the others, with their license.
CONTRACT = Path(__file__).parents[1] / "mail" / "sendgrid" / "tsg_suppressions_v3.yaml"
Entries = dict[str, list[dict[str, Any]]]


class Lists:
    """SendGrid's suppression lists: filtered by time, cut into pages, or broken."""

    def __init__(self) -> None:
        self.entries: Entries = {which.value: [] for which in ProviderList}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.broken: Callable[[str, int], Response | None] = lambda _name, _offset: None

    def add(self, which: ProviderList, address: str, *, ago: timedelta = timedelta(hours=2), **more: str) -> None:
        created = int((utc_now() - ago).timestamp())
        self.entries[which.value].append({"created": created, "email": address, **more})

    def answer(self, request: Request) -> Response:
        name = request.path.rpartition("/")[2]
        given = request.args.to_dict()
        self.asked.append((name, given))
        assert request.headers["Authorization"] == "Bearer SG.key"
        offset, limit = int(given["offset"]), int(given["limit"])
        trouble = self.broken(name, offset)
        if trouble is not None:
            return trouble
        start, end = int(given["start_time"]), int(given["end_time"])
        rows = [row for row in self.entries[name] if start <= row["created"] <= end]
        return Response(json.dumps(rows[offset : offset + limit]), mimetype="application/json")


@pytest.fixture
def lists(database: Flask, httpserver: HTTPServer) -> Lists:
    found = Lists()
    for which in ProviderList:
        httpserver.expect_request(f"/v3/suppression/{which.value}").respond_with_handler(found.answer)
    jobs.bind(
        Settings(
            mail_transport=MailTransport.SENDGRID,
            sendgrid_api_key="SG.key",
            sendgrid_host=httpserver.url_for("").rstrip("/"),
        )
    )
    return found


def pull_all() -> int:
    done = 0
    while jobs.pull():
        done += 1
    return done


def tonight() -> None:
    """Make every list due, as the night would."""
    with transaction() as session:
        session.execute(sa.update(ListPull).values(try_after=NOW))


def test_only_an_installation_that_sends_through_sendgrid_asks_for_its_lists(database: Flask) -> None:
    jobs.bind(Settings())
    assert jobs.pull() == 0
    assert count(ListPull) == 0


def test_every_list_is_read_once_a_night_from_where_the_last_reading_ended(lists: Lists) -> None:
    assert pull_all() == len(ProviderList)
    assert jobs.pull() == 0
    assert {name for name, _ in lists.asked} == {which.value for which in ProviderList}
    assert {given["start_time"] for _, given in lists.asked} == {"0"}
    lists.asked.clear()
    tonight()

    pull_all()

    starts = {int(given["start_time"]) for _, given in lists.asked}
    assert all(0 < utc_now().timestamp() - start < 2 * 3600 for start in starts)


def test_the_lists_say_who_gets_no_letters_and_blocks_stop_nobody(lists: Lists) -> None:
    lists.add(ProviderList.BOUNCES, "Gone@Example.org", status="5.1.1", reason="550 5.1.1 unknown")
    lists.add(ProviderList.BOUNCES, "full@example.org", status="5.2.2", reason="mailbox full")
    lists.add(ProviderList.INVALID, "typo@example.org", reason="Mail domain mentioned in email address is unknown")
    lists.add(ProviderList.BLOCKS, "blocked@example.org", status="5.7.1", reason="550 blocked")
    lists.add(ProviderList.COMPLAINTS, "angry@example.org", ip="10.0.0.1")
    lists.add(ProviderList.LEFT, "left@example.org")

    pull_all()

    assert stopped("gone@example.org") == stopped("full@example.org") == {("", "bounce")}
    assert stopped("typo@example.org") == {("", "bounce")}
    assert stopped("blocked@example.org") == set()
    assert stopped("angry@example.org") == {("", "complaint")}
    assert stopped("left@example.org") == {("", "left")}
    assert count(Withdrawal) == 2


def test_a_list_tells_of_a_report_that_was_missed_and_not_of_one_that_was_heard(lists: Lists) -> None:
    missed, _ = left("a", to="missed@example.org")
    known, token = left("b", to="heard@example.org")
    updates, _ = left("c", to="angry@example.org", stream="updates:7")
    hear(*heard(bounce(known, token)))
    ago = timedelta(minutes=1)
    lists.add(ProviderList.BLOCKS, "missed@example.org", ago=-ago, reason="550 5.7.1 blocked")
    lists.add(ProviderList.BOUNCES, "heard@example.org", ago=ago, status="5.1.1", reason="550 5.1.1 unknown")
    lists.add(ProviderList.COMPLAINTS, "angry@example.org", ago=ago)
    lists.entries["blocks"][0]["created"] = int(utc_now().timestamp())

    pull_all()

    assert email(missed).state is EmailState.BOUNCED
    assert email(updates).state is EmailState.DELIVERED
    assert stopped("angry@example.org") == {("updates:7", "complaint")}
    with reading() as session:
        ids = session.scalars(sa.select(MailEvent.email_id)).all()
    assert sorted(ident or 0 for ident in ids) == sorted([missed, known, updates])


def test_a_long_list_is_read_page_by_page(lists: Lists) -> None:
    for number in range(PAGE + 3):
        lists.add(ProviderList.BOUNCES, f"reader{number}@example.org", status="5.1.1")
    pull_all()
    assert [given["offset"] for name, given in lists.asked if name == "bounces"] == ["0", str(PAGE)]
    assert stopped(f"reader{PAGE + 2}@example.org") == {("", "bounce")}
    with reading() as session:
        row = session.scalars(sa.select(ListPull).where(ListPull.name == "bounces")).one()
    assert row.entries == PAGE + 3


@pytest.mark.parametrize("status", [401, 403, 429, 500, 200])
def test_a_list_that_is_not_given_is_asked_for_again_from_the_same_moment(lists: Lists, status: int) -> None:
    lists.add(ProviderList.BOUNCES, "gone@example.org", status="5.1.1")
    lists.broken = lambda name, _offset: Response("<html>", status=status) if name == "bounces" else None

    assert pull_all() == len(ProviderList)
    with reading() as session:
        row = session.scalars(sa.select(ListPull).where(ListPull.name == "bounces")).one()
    assert row.last_error is not None
    assert row.last_error.startswith("SendGrid")
    assert row.try_after > utc_now()

    lists.broken = lambda _name, _offset: None
    tonight()
    pull_all()
    assert stopped("gone@example.org") == {("", "bounce")}
    with reading() as session:
        assert session.scalars(sa.select(ListPull.last_error)).all() == [None] * len(ProviderList)


def test_odd_entries_do_no_harm(lists: Lists) -> None:
    lists.entries["bounces"] = [{"created": int(utc_now().timestamp()), "email": "no address"}]
    odd = json.dumps([None, 7, {}, {"email": 5, "created": "x"}, {"email": "a@example.org", "created": -(10**30)}])
    lists.broken = lambda name, _offset: Response(odd) if name == "unsubscribes" else None
    assert pull_all() == len(ProviderList)
    assert stopped("a@example.org") == set()


def test_a_provider_that_cannot_be_reached_is_told_apart_from_an_empty_list() -> None:
    away = ProviderLists("SG.key", host=f"http://127.0.0.1:{free_port()}", timeout=2)
    with pytest.raises(ListUnread, match="bounces"):
        away.page(ProviderList.BOUNCES, since=NOW, until=NOW, offset=0)


def test_night_is_the_next_three_oclock() -> None:
    assert coming_night(datetime(2021, 5, 20, 2, 59, tzinfo=UTC)) == datetime(2021, 5, 20, 3, tzinfo=UTC)
    assert coming_night(datetime(2021, 5, 20, 3, 0, tzinfo=UTC)) == datetime(2021, 5, 21, 3, tzinfo=UTC)


@pytest.mark.parametrize("which", ProviderList)
def test_the_lists_are_asked_for_as_the_published_description_says(which: ProviderList) -> None:
    described = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))
    names = set()
    for parameter in described["paths"][f"/v3/suppression/{which.value}"]["get"]["parameters"]:
        found = described
        for step in parameter.get("$ref", "").removeprefix("#/").split("/"):
            found = found[step] if step else found
        names.add(found.get("name") or parameter.get("name"))
    assert {"start_time", "end_time", "limit", "offset"} <= names
