from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.core.actor import SYSTEM
from app.core.audit import AuditEntry
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import Conflict, Invalid, NotAllowed, NotFound
from app.deliveries import commands
from app.deliveries.models import Delivery, DeliveryState, Document
from app.deliveries.rules import NOT_KNOWN
from app.jobs import worker
from app.mail import commands as post
from app.mail import jobs
from app.mail.models import Email, EmailState
from app.mail.transports import Accepted, GiveUp, NotAccepted
from tests import builders
from tests.builders import NOW
from tests.deliveries.builders import PDF, Scene, committed, scene
from tests.mail.builders import Scripted
from tests.mail.test_sender import OPERATOR


def test_each_target_gets_the_document_once_with_its_bytes_and_an_address_to_answer(session: Session) -> None:
    given = scene(session)

    first = commands.send_document(session, given.document, given.targets, by=given.by, now=NOW)
    again = commands.send_document(session, given.document, given.targets, by=given.by, now=NOW)

    assert [one.id for one in first] == [one.id for one in again]
    letter = session.scalars(sa.select(Email).where(Email.template == "deliveries/mail/to_target")).one()
    assert letter.once == f"delivery:{first[0].id}"
    assert letter.attachments[0].body == PDF
    assert (letter.repeatable, letter.keep_bytes, letter.rank) == (False, True, 2)
    assert letter.reply_to == "press@fftf.example"
    assert letter.context["stands_behind"].startswith("3 organizations")
    assert session.scalar(sa.select(sa.func.count()).where(AuditEntry.act == "delivery.queued")) == 2


def test_a_target_without_an_address_fails_with_a_sentence_and_the_organizer_is_told(session: Session) -> None:
    given = scene(session)

    deliveries = commands.send_document(session, given.document, given.targets, by=SYSTEM, now=NOW)

    assert deliveries[1].state is DeliveryState.FAILED
    assert deliveries[1].detail == "No e-mail address is known for IBM. Add one to the target and send again."
    told = session.scalars(sa.select(Email).where(Email.template == "deliveries/mail/trouble")).one()
    assert told.to_address == "robin@fftf.example"


def test_only_an_organizer_sends_and_a_stranger_finds_nothing(session: Session) -> None:
    given = scene(session)
    stranger = builders.account(session, email="stranger@elsewhere.example")

    with pytest.raises(NotAllowed):
        commands.send_document(session, given.document, given.targets, by=builders.actor(given.viewer), now=NOW)
    with pytest.raises(NotFound):
        commands.send_document(session, given.document, given.targets, by=builders.actor(stranger), now=NOW)


def _sent(session: Session) -> tuple[Delivery, Email]:
    given = scene(session)
    delivery = commands.send_document(session, given.document, given.targets[:1], by=SYSTEM, now=NOW)[0]
    assert delivery.email is not None
    return delivery, delivery.email


def test_following_reads_the_letter_and_stops_when_nothing_moved(session: Session) -> None:
    delivery, letter = _sent(session)
    letter.state, letter.accepted_at = EmailState.ACCEPTED, NOW + timedelta(minutes=2)
    session.flush()

    assert commands.follow(session, now=NOW + timedelta(minutes=3)) == 1
    assert commands.follow(session, now=NOW + timedelta(minutes=3)) == 0
    assert delivery.state.value == "handed over"
    assert delivery.handed_over_at == NOW + timedelta(minutes=2)

    assert commands.follow(session, now=NOW + timedelta(hours=49)) == 1
    assert commands.follow(session, now=NOW + timedelta(hours=49)) == 0
    assert delivery.state.value == "no bounce after 48 h"


def test_a_lost_answer_of_the_provider_is_said_and_not_guessed(session: Session) -> None:
    delivery, letter = _sent(session)
    letter.state = EmailState.UNKNOWN
    session.flush()

    assert commands.follow(session, now=NOW) == 1
    assert commands.follow(session, now=NOW) == 0
    assert (delivery.state, delivery.detail) == (DeliveryState.QUEUED, NOT_KNOWN)

    letter.state, letter.accepted_at = EmailState.ACCEPTED, NOW
    session.flush()
    assert commands.follow(session, now=NOW) == 1
    assert (delivery.state, delivery.detail) == (DeliveryState.HANDED_OVER, "")


def test_a_bounce_is_told_to_the_organizers_and_may_be_sent_again_to_a_better_address(session: Session) -> None:
    delivery, letter = _sent(session)
    letter.state, letter.last_error = EmailState.BOUNCED, "550 no such user"
    session.flush()
    commands.follow(session, now=NOW)
    assert "550 no such user" in delivery.detail
    assert session.scalar(sa.select(sa.func.count()).where(Email.template == "deliveries/mail/trouble")) == 1
    organizer = builders.actor(session.get_one(Account, 1))

    delivery.target.email = "better@amazon.example"
    commands.send_again(session, delivery, by=organizer, now=NOW)

    assert delivery.state is DeliveryState.QUEUED
    assert delivery.recipient == "better@amazon.example"
    assert delivery.email_id != letter.id
    with pytest.raises(Conflict):
        commands.send_again(session, delivery, by=organizer, now=NOW)


def worked_off(outcome: Accepted | NotAccepted) -> tuple[DeliveryState, str]:
    """The delivery after a worker did all there was, with a mail server that answers so."""
    jobs.use(Scripted(lambda _letter: outcome))
    worker.until_idle()
    with reading() as session:
        delivery = session.scalars(sa.select(Delivery).where(Delivery.email_id.is_not(None))).one()
        return delivery.state, delivery.detail


def letters_of(template: str) -> list[Email]:
    with reading() as session:
        query = sa.select(Email).where(Email.template == f"deliveries/mail/{template}").order_by(Email.id)
        return list(session.scalars(query))


def sent_to_one() -> Scene:
    given = committed()
    with transaction() as session:
        document = session.get_one(Document, given.document.id)
        commands.send_document(session, document, given.targets[:1], by=SYSTEM, now=utc_now())
    return given


def tried_again() -> None:
    (letter,) = letters_of("to_target")
    with transaction() as session:
        post.retry(session, letter.id, by=OPERATOR, now=utc_now())


def test_a_delivery_whose_failed_letter_is_tried_again_is_as_far_as_the_letter_comes(database: Flask) -> None:
    sent_to_one()
    state, detail = worked_off(GiveUp("554 5.7.1 not today"))
    assert (state, "554 5.7.1 not today" in detail) == (DeliveryState.FAILED, True)

    tried_again()
    with transaction() as session:
        assert commands.follow(session, now=utc_now()) == 1
        assert commands.follow(session, now=utc_now()) == 0
        delivery = session.scalars(sa.select(Delivery)).one()
        assert (delivery.state, delivery.detail, delivery.settled_at) == (DeliveryState.QUEUED, "", None)

    assert worked_off(GiveUp("554 again"))[0] is DeliveryState.FAILED
    assert len(letters_of("trouble")) == 2, "that it failed once more is news"

    tried_again()
    assert worked_off(Accepted("taken")) == (DeliveryState.HANDED_OVER, "")
    with reading() as session:
        delivery = session.scalars(sa.select(Delivery)).one()
        assert (delivery.handed_over_at is not None, delivery.settled_at) == (True, None)


def test_a_target_is_not_sent_a_second_letter_while_the_first_is_tried_again(database: Flask) -> None:
    given = sent_to_one()
    worked_off(GiveUp("554"))
    tried_again()
    with transaction() as session, pytest.raises(Conflict, match="Its letter is tried again, or left after all"):
        commands.send_again(session, session.scalars(sa.select(Delivery)).one(), by=given.by, now=utc_now())


def test_a_letter_that_another_took_the_place_of_is_not_tried_again(database: Flask) -> None:
    given = sent_to_one()
    worked_off(GiveUp("554"))
    with transaction() as session:
        commands.send_again(session, session.scalars(sa.select(Delivery)).one(), by=given.by, now=utc_now())

    first, second = letters_of("to_target")
    assert (first.state, second.state) == (EmailState.DROPPED, EmailState.QUEUED)
    with transaction() as session, pytest.raises(Conflict):
        post.retry(session, first.id, by=OPERATOR, now=utc_now())


def test_a_letter_of_unknown_fate_that_is_sent_again_is_no_longer_called_lost(session: Session) -> None:
    delivery, letter = _sent(session)
    letter.state = EmailState.UNKNOWN
    session.flush()
    commands.follow(session, now=NOW)
    letter.state = EmailState.QUEUED
    session.flush()
    assert (commands.follow(session, now=NOW), commands.follow(session, now=NOW)) == (1, 0)
    assert (delivery.state, delivery.detail) == (DeliveryState.QUEUED, "")


def test_an_answer_needs_words_and_is_recorded_once(session: Session) -> None:
    delivery, letter = _sent(session)
    organizer = builders.actor(session.get_one(Account, 1))
    with pytest.raises(Invalid) as refused:
        commands.TargetAnswer.of({"kind": "answered", "words": "  "})
    assert refused.value.problems == {"words": "Write down what the target answered."}
    answer = commands.TargetAnswer.of({"kind": "answered", "words": "We will stop."})
    with pytest.raises(Conflict):
        commands.record_answer(session, delivery, answer, by=organizer, now=NOW)
    letter.state = EmailState.ACCEPTED
    session.flush()
    commands.follow(session, now=NOW)

    commands.record_answer(session, delivery, answer, by=organizer, now=NOW)
    commands.record_answer(session, delivery, answer, by=organizer, now=NOW)

    assert delivery.state is DeliveryState.ANSWERED
    assert session.scalar(sa.select(sa.func.count()).where(AuditEntry.act == "delivery.answered")) == 1
    with pytest.raises(Conflict):
        commands.record_answer(
            session, delivery, commands.TargetAnswer.of({"kind": "acknowledged"}), by=organizer, now=NOW
        )


def test_two_workers_sending_the_same_document_queue_one_letter_for_each_target(database: Flask) -> None:
    given = committed()
    barrier, failures = threading.Barrier(3), []

    def send() -> None:
        barrier.wait()
        try:
            with transaction() as session:
                document = session.get_one(Document, given.document.id)
                commands.send_document(session, document, document.campaign.targets, by=SYSTEM, now=NOW)
        except Exception as error:  # noqa: BLE001 - whatever broke is shown by the assertion
            failures.append(error)

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    with reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Delivery)) == 2
        assert session.scalar(sa.select(sa.func.count()).where(Email.template == "deliveries/mail/to_target")) == 1
        assert session.scalar(sa.select(sa.func.count()).where(Email.template == "deliveries/mail/trouble")) == 1
