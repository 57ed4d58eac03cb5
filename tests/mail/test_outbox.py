"""A letter is there if and only if what it speaks of was committed."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from app.core.db import reading, transaction
from app.core.errors import Conflict
from app.jobs import bell, engine, worker
from app.mail import outbox
from app.mail.message import Attachment, Message, Priority
from app.mail.models import Email, EmailAttachment
from tests.builders import NOW


def letter(to: str = "ewa@people.example", *, attachments: tuple[Attachment, ...] = ()) -> Message:
    return Message(
        to=to,
        to_name="Ewa",
        template="petitions/mail/confirm",
        context={"given_name": "Ewa"},
        priority=Priority.CONFIRMATION,
        attachments=attachments,
    )


def count(session: Session) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(Email)) or 0


def test_an_act_that_is_refused_leaves_no_letter(database: Flask) -> None:
    with pytest.raises(Conflict), transaction() as session:
        outbox.queue(session, letter(), once="a", now=NOW)
        raise Conflict("No.")
    with reading() as session:
        assert count(session) == 0


def rings() -> int:
    huey = engine._Engine.huey
    assert huey is not None
    return int(huey.pending_count())


def test_the_bell_is_rung_once_and_only_after_the_commit(database: Flask) -> None:
    before = rings()
    with transaction() as session:
        outbox.queue(session, letter(), once="a", now=NOW)
        outbox.queue(session, letter("tane@people.example"), once="b", now=NOW)
        assert rings() == before
    assert rings() == before + 1
    with pytest.raises(Conflict), transaction() as session:
        outbox.queue(session, letter(), once="c", now=NOW)
        raise Conflict("No.")
    assert rings() == before + 1


def test_a_queue_that_is_away_does_not_undo_the_act(database: Flask) -> None:
    engine.bind("redis://127.0.0.1:1/0", run=worker.heard)
    with transaction() as session:
        outbox.queue(session, letter(), once="a", now=NOW)
    with reading() as session:
        assert count(session) == 1
    assert outbox.SEND in bell.JOBS


def test_the_same_letter_is_queued_once_with_its_files(session: Session) -> None:
    pdf = Attachment("letter.pdf", "application/pdf", b"%PDF-")
    first = outbox.queue(session, letter(attachments=(pdf,)), once="a", now=NOW)
    again = outbox.queue(session, letter(attachments=(pdf,)), once="a", now=NOW)
    assert again.id == first.id
    assert count(session) == 1
    assert session.scalars(sa.select(EmailAttachment.body)).all() == [b"%PDF-"]


def test_two_transactions_queueing_one_letter_at_once_queue_it_once(database: Flask) -> None:
    start = threading.Barrier(4)
    failed: list[BaseException] = []

    def queue() -> None:
        try:
            start.wait()
            with transaction() as session:
                outbox.queue(session, letter(), once="a", now=NOW)
        except BaseException as error:  # noqa: BLE001 - told to the test below
            failed.append(error)

    threads = [threading.Thread(target=queue) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with reading() as session:
        assert count(session) == 1
