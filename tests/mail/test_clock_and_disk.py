"""A clock that jumps and a disk that is full: neither loses a letter, stops the worker, or sends anything twice."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.core import db
from app.core.db import reading, transaction
from app.jobs import leases, worker
from app.mail import commands, jobs, queries, render, rules, sending
from app.mail.models import Email, EmailState
from app.mail.sending import Sender
from app.mail.transports import Accepted, Letter, Transport, TryAgain
from app.mail.transports.dev import DevTransport
from app.mail.transports.sendgrid import SendGridTransport
from app.mail.transports.smtp import SmtpTransport
from tests.builders import NOW
from tests.mail.builders import Scripted, changed, email, queued
from tests.mail.test_circuit import Clock
from tests.mail.test_sendgrid_faults import HOUSE
from tests.mail.test_sendgrid_faults import letter as a_letter

AHEAD = timedelta(hours=6)


@pytest.mark.parametrize(("repeatable", "state"), [(True, EmailState.ACCEPTED), (False, EmailState.UNKNOWN)])
def test_a_lease_from_a_clock_that_was_put_back_is_over(
    database: Flask,
    repeatable: bool,  # noqa: FBT001
    state: EmailState,
) -> None:
    ident = queued(repeatable=repeatable)
    changed(ident, state=EmailState.SUBMITTING, lease_token="dead", leased_until=NOW + AHEAD)
    with reading() as session:
        handing = queries.handing(session, now=NOW)
    assert (handing.now, handing.lost) == (0, 1)
    assert rules.label(email(ident), NOW) == "Worker gone"
    Sender(Scripted(), Clock()).lot()
    assert email(ident).state is state


def test_a_worker_whose_clock_was_put_back_in_the_middle_still_settles_its_letter(database: Flask) -> None:
    ident = queued()
    clock = Clock(NOW + AHEAD)

    def meanwhile(_letter: Letter) -> Accepted:
        clock.now = NOW
        return Accepted("abc")

    Sender(Scripted(meanwhile), clock).lot()
    assert (email(ident).state, email(ident).provider_id) == (EmailState.ACCEPTED, "abc")


def test_no_lease_of_the_post_office_looks_as_if_a_clock_had_been_put_back() -> None:
    ways: list[Transport] = [
        SmtpTransport("smtp://mail.example.org", own_host="x.example"),
        SendGridTransport("k", host="https://x"),
    ]
    for way in ways:
        assert max(way.patience, sending.CLAIM) < leases.LONGEST


def test_a_lease_that_would_be_nobody_s_is_refused_where_it_is_asked_for(session: Session) -> None:
    with pytest.raises(ValueError, match="No lease is as long"):
        leases.claim(session, Email, lot=1, lease=leases.LONGEST, now=NOW)


def test_letters_dated_by_a_clock_that_was_put_back_leave_now(database: Flask) -> None:
    written_ahead, waits, tried, patient = (queued(name) for name in ("a", "b", "c", "d"))
    changed(written_ahead, created_at=NOW + AHEAD, try_after=NOW + AHEAD)
    changed(waits, try_after=NOW + timedelta(minutes=50))  # asked for by a provider: no clock's fault
    changed(tried, attempts=2, try_after=NOW + AHEAD)
    changed(patient, attempts=11, try_after=NOW + timedelta(hours=23))

    with transaction() as session:
        assert commands.bring_forward(session, now=NOW) == 2
    transport = Scripted()
    Sender(transport, Clock()).lot()

    assert {one.email_id for one in transport.letters} == {written_ahead, tried}


def test_a_jump_ahead_makes_no_letter_fail_and_repeats_none_that_may_not(database: Flask) -> None:
    ident = queued(repeatable=False)
    clock = Clock()

    def meanwhile(_letter: Letter) -> Accepted:
        clock.passes(AHEAD.total_seconds())
        other = Scripted()
        Sender(other, clock).lot()
        assert other.letters == []
        return Accepted("abc")

    Sender(Scripted(meanwhile), clock).lot()
    assert (email(ident).state, email(ident).provider_id) == (EmailState.ACCEPTED, "abc")


@contextmanager
def full_disk() -> Iterator[None]:
    """SQLite may not take one page more, on any connection."""
    engine = db.engine()
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL's disk is not ours to fill")
    raw = engine.raw_connection()
    raw.driver_connection.execute("VACUUM")  # type: ignore[union-attr]  # pages that other tests left free are room
    (pages,) = raw.driver_connection.execute("PRAGMA page_count").fetchone()  # type: ignore[union-attr]
    raw.close()

    def limit(connection: object, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")  # type: ignore[attr-defined]

    engine.dispose()
    event.listen(engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(engine, "connect", limit)
        engine.dispose()


def fill() -> None:
    """Use up what is left on the pages that are there."""
    with pytest.raises(OperationalError, match="full"):
        for number in range(1000):
            queued(f"filler:{number}", context={"name": "x" * 3000, "site_path": "/"}, template="nowhere")


@pytest.mark.sqlite
def test_a_full_disk_is_a_sentence_in_the_log_and_nothing_leaves_that_is_not_written_down(
    database: Flask, capsys: pytest.CaptureFixture[str]
) -> None:
    ident = queued()
    jobs.use(transport := Scripted())
    with full_disk():
        fill()
        worker.run("mail.send")
        assert transport.letters == []
        said = capsys.readouterr().out
    assert "the database took nothing" in said
    assert "database or disk is full" in said
    assert "Traceback" not in said

    with transaction() as session:
        session.execute(sa.text("DELETE FROM emails WHERE once LIKE 'filler:%'"))
    changed(ident, leased_until=None)
    worker.run("mail.send")

    assert email(ident).state is EmailState.ACCEPTED
    assert [one.email_id for one in transport.letters] == [ident]


def test_an_outcome_that_cannot_be_written_down_is_tried_again_and_not_sent_again(
    database: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    ident = queued(repeatable=False)
    monkeypatch.setattr(sending, "SETTLE_WAITS", (0.01, 0.01))
    refused: list[str] = []

    def balk(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("UPDATE emails") and len(refused) < 2:
            refused.append(statement)
            raise OperationalError("UPDATE emails", {}, Exception("database or disk is full"))

    def take(_letter: Letter) -> Accepted:
        event.listen(db.engine(), "before_cursor_execute", balk)
        return Accepted("abc")

    transport = Scripted(take)
    try:
        Sender(transport).lot()
    finally:
        event.remove(db.engine(), "before_cursor_execute", balk)

    assert len(refused) == 2
    assert len(transport.letters) == 1
    assert (email(ident).state, email(ident).provider_id) == (EmailState.ACCEPTED, "abc")


def test_a_folder_without_room_costs_no_letter_its_tries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render._Bound, "house", HOUSE)

    def full(_path: Path, _raw: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(TryAgain, match="No space left") as caught:
            DevTransport(tmp_path).submit(a_letter())
    assert caught.value.everyone
    assert list(tmp_path.iterdir()) == []
    DevTransport(tmp_path).submit(a_letter())
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.sqlite
@pytest.mark.parametrize(("free", "said"), [(4096, "The disk of this site is full"), (10**9, "The database is busy")])
def test_whoever_comes_while_nothing_can_be_written_is_told_why(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, free: int, said: str
) -> None:
    room = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: room._replace(free=free))

    def balk(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        raise OperationalError(statement, {}, Exception("database or disk is full"))

    event.listen(db.engine(), "before_cursor_execute", balk)
    try:
        answer = client.get("/petitions/ban-it")
    finally:
        event.remove(db.engine(), "before_cursor_execute", balk)
    assert answer.status_code == 503
    assert said in answer.text
    assert "Nothing was changed" in answer.text
