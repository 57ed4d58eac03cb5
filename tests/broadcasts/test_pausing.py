"""Pausing, going on, dying and leaving while letters leave, with real threads and a provider that counts everybody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.broadcasts import commands, jobs, queries
from app.broadcasts.models import Broadcast, BroadcastState
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.mailings import jobs as mailings
from app.mailings.models import BatchState, MailingBatch, MailingReader, ReaderState
from app.supporters.rules import links_in
from tests.broadcasts.builders import Stage, ready, stage, supporter
from tests.broadcasts.provider import Provider, provider
from tests.petitions.builders import together

READERS = 60


@pytest.fixture
def other_end(database: Flask) -> Iterator[Provider]:
    with provider() as made:
        yield made


def sending() -> tuple[Stage, int]:
    with transaction() as session:
        there = stage(session)
        for one in range(READERS):
            supporter(session, one, yes=(there.lead,))
        ident = commands.send(session, ready(session, there), by=there.robin, now=utc_now()).id
    while jobs.plan():
        pass
    return there, ident


def work_until(done: Callable[[], bool]) -> None:
    """What a worker does, without the worker's own guard: two of these are two processes."""
    while not done():
        mailings._send()


def everybody() -> set[str]:
    with reading() as session:
        return set(session.scalars(sa.select(MailingReader.address)))


def nothing_waits() -> bool:
    with reading() as session:
        waiting = sa.select(sa.func.count()).where(MailingBatch.state.in_([BatchState.QUEUED, BatchState.SUBMITTING]))
        return session.scalar(waiting) == 0


def test_pausing_and_going_on_while_two_workers_send_repeats_and_skips_nobody(other_end: Provider) -> None:
    other_end.transport(most=4)
    there, ident = sending()
    steps = threading.Semaphore(0)
    finished = threading.Event()
    other_end.before_answer = steps.release

    def switch() -> None:
        try:
            for _ in range(4):
                assert steps.acquire(timeout=30)
                for act in (commands.pause, commands.resume):
                    with transaction() as session:
                        act(session, session.get_one(Broadcast, ident), by=there.robin, now=utc_now())
        finally:
            finished.set()

    def done() -> bool:
        return finished.is_set() and nothing_waits()

    together(switch, lambda: work_until(done), lambda: work_until(done))

    assert set(other_end.readers) == everybody()
    assert set(other_end.readers.values()) == {1}
    assert other_end.problems == []
    jobs.finish()
    with reading() as session:
        assert session.get_one(Broadcast, ident).state is BroadcastState.SENT
        counts = queries.progress(session, session.get_one(Broadcast, ident))
        assert (counts.accepted, counts.unknown, counts.waiting) == (READERS, 0, 0)


def test_nothing_leaves_between_the_pause_and_going_on(other_end: Provider) -> None:
    other_end.transport(most=4)
    there, ident = sending()
    assert mailings.send() == 1
    with transaction() as session:
        commands.pause(session, session.get_one(Broadcast, ident), by=there.robin, now=utc_now())
    assert mailings.send() == 0
    assert len(other_end.sends) == 1
    with transaction() as session:
        commands.resume(session, session.get_one(Broadcast, ident), by=there.robin, now=utc_now())
    work_until(nothing_waits)
    assert set(other_end.readers) == everybody()
    assert set(other_end.readers.values()) == {1}


class Killed(BaseException):
    """The worker is gone; nothing of it runs any more."""


@pytest.mark.parametrize("after_the_call", [False, True])
def test_a_worker_that_dies_leaves_one_batch_uncertain_across_a_pause_and_the_rest_leaves_once(
    other_end: Provider, monkeypatch: pytest.MonkeyPatch, *, after_the_call: bool
) -> None:
    transport = other_end.transport(most=4)
    there, ident = sending()
    real = transport.submit_many

    def die(lot: object) -> object:
        if after_the_call:
            real(lot)  # type: ignore[arg-type]
        raise Killed

    monkeypatch.setattr(transport, "submit_many", die)
    with pytest.raises(Killed):
        mailings.send()
    monkeypatch.undo()
    with transaction() as session:
        commands.pause(session, session.get_one(Broadcast, ident), by=there.robin, now=utc_now())
        lost = sa.update(MailingBatch).where(MailingBatch.state == BatchState.SUBMITTING)
        session.execute(lost.values(leased_until=utc_now() - timedelta(hours=1)))
    assert mailings.send() == 1
    with transaction() as session:
        commands.resume(session, session.get_one(Broadcast, ident), by=there.robin, now=utc_now())
    work_until(nothing_waits)
    with reading() as session:
        counts = queries.progress(session, session.get_one(Broadcast, ident))
        assert (counts.unknown, counts.accepted) == (4, READERS - 4)
    assert set(other_end.readers.values()) == {1}
    assert len(other_end.readers) == READERS - (0 if after_the_call else 4)


def test_whoever_leaves_by_one_click_while_letters_leave_is_in_no_later_request(
    other_end: Provider, client: FlaskClient
) -> None:
    other_end.transport(most=3)
    _, ident = sending()
    with reading() as session:
        update = session.get_one(Broadcast, ident)
        mailing_id, sender = update.mailing_id or 0, update.organization_id
        rows = session.execute(sa.select(MailingReader.reader_key, MailingReader.address)).all()
    requests_when_gone: dict[str, int] = {}
    leavers = list(reversed(rows))[: READERS // 2]
    finished = threading.Event()

    def leave() -> None:
        try:
            links = links_in(sender, mailing_id, utc_now())
            for key, address in leavers:
                token, _ = links(key)
                answer = client.post(f"/unsubscribe/{token}", data={"List-Unsubscribe": "One-Click"})
                assert answer.status_code == 200
                requests_when_gone[address] = batches_marked(address)
        finally:
            finished.set()

    def done() -> bool:
        return finished.is_set() and nothing_waits()

    together(leave, lambda: work_until(done), lambda: work_until(done))

    with reading() as session:
        states = dict(session.execute(sa.select(MailingReader.address, MailingReader.state)).all())
    for address, marked in requests_when_gone.items():
        # Told that letters stop: either the request was written down before, or they are in none.
        assert other_end.readers[address] == marked, address
        assert (states[address] is ReaderState.SUPPRESSED) == (marked == 0)
    stayed = {address for _, address in rows} - set(requests_when_gone)
    assert {address: other_end.readers[address] for address in stayed} == dict.fromkeys(stayed, 1)
    assert any(marked == 0 for marked in requests_when_gone.values())


def batches_marked(address: str) -> int:
    """Whether the reader's batch had been written down as being handed over, with them in it, when they had left."""
    with reading() as session:
        query = (
            sa.select(MailingBatch.state, MailingReader.state)
            .join(
                MailingBatch,
                sa.and_(
                    MailingBatch.mailing_id == MailingReader.mailing_id,
                    MailingBatch.number == MailingReader.batch_number,
                ),
            )
            .where(MailingReader.address == address)
        )
        batch, reader = session.execute(query).one()
    return int(batch is not BatchState.QUEUED and reader is not ReaderState.SUPPRESSED)
