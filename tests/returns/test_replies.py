"""Replies find their letter and go on to whom it concerns, once, and no machine's goes anywhere."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import db, tokens
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.mail import mime
from app.mail.models import Email, EmailState
from app.mailings.jobs import _form as mailing_form
from app.mailings.models import Mailing, MailingLetter, MailingReader
from app.returns import commands, jobs
from app.returns.models import InboundMail, InboundState, MailEvent, Reply, ReplyFile, ReplyKind
from tests.builders import NOW
from tests.returns.mails import (
    DOMAIN,
    QUOTATION,
    carried,
    come_in,
    handed_over,
    inbound,
    mail,
    replies,
    reply_address,
    sent,
    take_answers_in,
    text_of,
)


@pytest.fixture(autouse=True)
def _answers(database: Flask) -> None:
    take_answers_in()


def test_a_letter_asks_for_its_answers_at_an_address_of_its_own() -> None:
    ident = sent()
    with transaction() as session:
        session.get_one(Email, ident).state = EmailState.QUEUED
    (letter,) = handed_over()
    asked = letter.message["Reply-To"].addresses[0]
    assert asked.addr_spec == reply_address(ident)
    assert asked.display_name == "Fight for the Future"
    assert asked.domain == DOMAIN


def test_without_a_domain_for_answers_they_go_straight_on() -> None:
    take_answers_in("")
    assert mime.reply_address(mime.Thread(email_id=1)) == ""
    letter = Email(id=1, reply_to="hello@fftf.example", answers_directly=False)
    assert mime.answers_to(letter) == "hello@fftf.example"


def test_an_address_is_only_read_with_its_own_signature() -> None:
    own, reader = reply_address(7), mime.reply_address(mime.Thread(reader_id=7))
    mailing = mime.reply_address(mime.Thread(mailing_id=7))
    assert mime.read_reply_address(own) == mime.Thread(email_id=7)
    assert mime.read_reply_address(own.upper()) == mime.Thread(email_id=7), "some servers write capitals"
    assert mime.read_reply_address(reader) == mime.Thread(reader_id=7)
    assert mime.read_reply_address(mailing) == mime.Thread(mailing_id=7)
    for wrong in (
        own.replace("+7.", "+8."),
        reader.replace("+m", "+"),
        reader.replace("+m", "+u"),
        own.replace("+", "+m"),
        own + "x",
        "r+7@x",
        "",
    ):
        assert mime.read_reply_address(wrong) is None
    tokens.bind("another installation's secret")
    assert mime.read_reply_address(own) is None


def test_a_person_s_answer_is_carried_on_from_our_own_address() -> None:
    ident = sent(to="official@amazon.example", to_name="Amazon.com")
    come_in(mail(to=reply_address(ident), text="We stop." + QUOTATION, files=(("statement.pdf", b"%PDF"),)))

    (reply,) = replies()
    assert (reply.email_id, reply.kind, reply.words) == (ident, ReplyKind.HUMAN, "We stop.")
    assert reply.heard_at is None
    (letter,) = handed_over()
    message = letter.message
    assert str(message["From"]) == "Demo Official via Undersigned <letters@undersigned.example>"
    assert message["To"].addresses[0].addr_spec == "hello@fftf.example"
    assert message["Reply-To"].addresses[0].addr_spec == "official@amazon.example"
    assert str(message["Subject"]) == "Re: We ask"
    assert message["Auto-Submitted"] == "auto-generated"
    assert not list(message.iter_attachments())
    text = text_of(letter)
    for words in ("We stop.", "> We ask.", "statement.pdf", "http://undersigned.example/replies/"):
        assert words in text


@pytest.mark.parametrize("how", ["in_reply_to", "references"])
def test_an_answer_to_the_plain_address_is_found_by_the_letter_it_names(how: str) -> None:
    sent("letter:0")
    ident = sent()
    named: dict[str, Any] = {how: f"<other@x> <{ident:010d}.abc@undersigned.example>"}
    come_in(mail(**named))
    assert [reply.email_id for reply in replies()] == [ident]
    assert len(carried()) == 1


def test_a_guessed_address_finds_no_thread_and_goes_nowhere() -> None:
    ident = sent()
    come_in(mail(to=f"r+{ident}.0123456789abcdef@{DOMAIN}"))
    (reply,) = replies()
    assert reply.email_id is None
    assert carried() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"auto_submitted": "auto-replied"},
        {"return_path": "<>"},
        {"sender": "Undersigned <letters@undersigned.example>"},
        {"message_id": "<0000000001.abc@undersigned.example>"},
    ],
)
def test_nothing_automatic_is_carried_on_or_asks_for_anybody(headers: dict[str, Any]) -> None:
    ident = sent()
    come_in(mail(to=reply_address(ident), **headers))
    (reply,) = replies()
    assert (reply.email_id, reply.kind) == (ident, ReplyKind.AUTOMATIC)
    assert reply.why
    assert reply.heard_at is not None
    assert carried() == []


def test_an_answer_to_a_carried_answer_is_not_carried_round() -> None:
    come_in(mail(to=reply_address(sent())))
    (first,) = carried()
    handed_over()
    with transaction() as session:
        session.get_one(Email, first.id).message_id = "<carried@undersigned.example>"
    come_in(mail(sender="hello@fftf.example", text="Thanks.", in_reply_to="<carried@undersigned.example>"))
    assert len(carried()) == 1
    assert "carried an answer" in replies()[1].note


@pytest.mark.parametrize("concerned", ["", "letters@undersigned.example", f"r+1.0123456789abcdef@{DOMAIN}"])
def test_an_answer_is_not_sent_to_nobody_or_to_ourselves(concerned: str) -> None:
    come_in(mail(to=reply_address(sent(reply_to=concerned))))
    assert carried() == []
    assert replies()[0].note


def test_the_one_whom_it_concerns_does_not_get_their_own_words() -> None:
    come_in(mail(to=reply_address(sent()), sender="Hello <HELLO+x@fftf.example>"))
    assert carried() == []


def test_a_flood_of_answers_is_shown_and_not_sent_on() -> None:
    ident = sent()
    for number in range(13):
        come_in(mail(to=reply_address(ident), text=f"Answer {number}"))
    assert len(replies()) == 13
    assert len(carried()) == 10
    assert replies()[-1].note


def test_the_same_mail_by_two_ways_is_one_reply() -> None:
    raw = mail(to=reply_address(sent()))
    come_in(raw, "imap:box:1:1")
    come_in(raw, "post:1")
    assert len(replies()) == len(carried()) == 1
    assert [row.state for row in inbound()] == [InboundState.REPLY, InboundState.DUPLICATE]
    assert {row.body for row in inbound()} == {b""}, "bytes that were read are not kept"


def test_many_workers_at_once_read_each_mail_once() -> None:
    address = reply_address(sent())
    with transaction() as session:
        for number in range(12):
            raw = mail(to=address, text=f"Answer {number // 2}")
            commands.receive(session, raw, source=f"test:{number}", now=NOW)
    broken: list[Exception] = []

    def work() -> None:
        try:
            while jobs.replies.read_one():
                pass
        except Exception as error:  # noqa: BLE001 - a thread tells what broke it
            broken.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []
    assert len(replies()) == len(carried()) == 6
    assert sorted(row.state.value for row in inbound()) == ["duplicate"] * 6 + ["reply"] * 6


def test_a_mail_that_kills_its_readers_is_set_aside_and_the_next_is_read() -> None:
    with transaction() as session:
        commands.receive(session, mail(text="deadly"), source="1", now=NOW)
        commands.receive(session, mail(text="fine"), source="2", now=NOW)
    for turn in range(3):
        with transaction() as session:
            assert commands.take_mail(session, now=NOW + timedelta(hours=turn)) is not None
    assert jobs.replies.read_one() == 1
    first, second = inbound()
    assert first.state is InboundState.UNREADABLE
    assert "three times" in first.problem
    assert first.body
    assert second.state is InboundState.REPLY


def test_a_reader_that_was_too_slow_changes_nothing() -> None:
    raw = mail(to=reply_address(sent()))
    with transaction() as session:
        commands.receive(session, raw, source="1", now=NOW)
        slow = commands.take_mail(session, now=NOW)
    assert slow is not None
    assert jobs.replies.read_one() == 1, "the lease ran out long ago"
    from app.returns.rules.replies import Envelope, read

    with transaction() as session:
        assert commands.record(session, slow, read(raw, Envelope()), now=utc_now()) is None
    assert len(replies()) == 1


def test_a_bounce_by_mail_is_handed_to_those_who_read_bounces() -> None:
    ident = sent()
    report = (
        b"From: Mail Delivery System <MAILER-DAEMON@mx.example>\r\nReturn-Path: <>\r\n"
        b"To: " + mime.verp_address(ident).encode() + b"\r\nSubject: Undelivered\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        b"--b\r\n\r\nIt did not arrive.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        b"Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; mina@example.org\r\nAction: failed\r\n"
        b"Status: 5.1.1\r\n\r\n--b--\r\n"
    )
    come_in(report)
    with reading() as session:
        assert session.scalars(sa.select(MailEvent.email_id)).all() == [ident]
        assert session.get_one(Email, ident).state is EmailState.BOUNCED
    assert replies() == []
    assert [row.state for row in inbound()] == [InboundState.BOUNCE]


def test_a_report_about_nobody_s_letter_is_kept_as_automatic() -> None:
    come_in(
        b"From: MAILER-DAEMON@mx.example\r\nReturn-Path: <>\r\nMessage-ID: <a@mx.example>\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n'
    )
    assert [reply.kind for reply in replies()] == [ReplyKind.AUTOMATIC]


def test_quoting_a_letter_gives_nobody_its_reader_s_links() -> None:
    key = "eyJpZCI6MX0.aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789"
    text = f"Take me off: http://undersigned.example/preferences/{key} please"
    come_in(mail(to=reply_address(sent()), text=text))
    assert replies()[0].words == "Take me off: http://undersigned.example/… please"


def test_what_only_the_operator_could_use_is_deleted_after_90_days() -> None:
    come_in(mail(text="to nobody", files=(("x.pdf", b"x"),)))
    come_in(b"no mail")
    come_in(mail(to=reply_address(sent()), text="to somebody"))
    with transaction() as session:
        for row in session.scalars(sa.select(InboundMail)):
            row.received_at = utc_now() - timedelta(days=89)
    assert jobs.replies.clear() == 0
    with transaction() as session:
        for row in session.scalars(sa.select(InboundMail)):
            row.received_at = utc_now() - timedelta(days=91)
    with transaction() as session:
        for reply in session.scalars(sa.select(Reply)):
            reply.received_at = utc_now() - timedelta(days=91)
    while jobs.replies.clear():
        pass
    assert [reply.words for reply in replies()] == ["to somebody"]
    assert inbound() == []
    with reading() as session:
        assert session.scalars(sa.select(ReplyFile.id)).all() == []


def mailing() -> tuple[int, int]:
    """A mailing and one reader of it."""
    with transaction() as session:
        made = db.add(session, Mailing(stream="updates:1", template="x", created_at=NOW, next_at=NOW))
        words = {"subject": "News", "text": "x", "html": "", "from_name": "Fight", "reply_to": "hello@fftf.example"}
        session.add(MailingLetter(mailing_id=made.id, **words))
        address = {"address": "Ewa@people.example", "canonical": "ewa@people.example"}
        reader = db.add(session, MailingReader(mailing_id=made.id, reader_key=1, batch_number=1, **address))
        return made.id, reader.id


@pytest.mark.parametrize("by_reader", [True, False])
def test_an_answer_to_a_mailing_is_its_sender_s(by_reader: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    ident, reader = mailing()
    thread = mime.Thread(reader_id=reader) if by_reader else mime.Thread(mailing_id=ident)
    come_in(mail(to=mime.reply_address(thread), sender="ewa@people.example"))
    (reply,) = replies()
    assert (reply.mailing_id, reply.reader_id) == (ident, reader if by_reader else None)
    assert [letter.to_address for letter in carried()] == ["hello@fftf.example"]


def test_many_readers_may_answer_a_mailing_at_once_and_one_of_them_may_not_flood_it() -> None:
    ident, _ = mailing()
    address = mime.reply_address(mime.Thread(mailing_id=ident))
    for number in range(12):
        come_in(mail(to=address, sender=f"person{number}@people.example", text=f"{number}"))
        come_in(mail(to=address, sender="ewa@people.example", text=f"Ewa {number}"))
    assert len(carried()) == 12 + 10


def test_an_address_of_a_mailing_or_letter_that_is_gone_finds_nothing() -> None:
    for thread in (mime.Thread(email_id=99), mime.Thread(mailing_id=99), mime.Thread(reader_id=99)):
        come_in(mail(to=mime.reply_address(thread), text=str(thread)))
    assert {(reply.email_id, reply.mailing_id, reply.reader_id) for reply in replies()} == {(None, None, None)}


def test_a_request_for_many_readers_asks_for_answers_at_the_mailing_s_address() -> None:
    words = {"subject": "News", "text": "x", "html": "", "from_name": "F", "unsubscribe_url": "", "language": "en"}
    given = MailingLetter(mailing_id=7, variant=0, holes={}, reply_to="hello@fftf.example", **words)
    assert mime.read_reply_address(mailing_form(given).reply_to) == mime.Thread(mailing_id=7)
    given.reply_to = ""
    assert mailing_form(given).reply_to == "", "who wants no answers is not made to get some"
    take_answers_in("")
    given.reply_to = "hello@fftf.example"
    assert mailing_form(given).reply_to == "hello@fftf.example"


@pytest.mark.parametrize(
    "hostile",
    [
        b"To: " + b"(" * 3_000 + b"\r\n\r\nx",
        b"Content-Type: message/rfc822\r\n\r\n" * 5_000 + b"x",
        b"".join(
            b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (one, one) for one in range(3_000)
        ),
    ],
)
def test_a_mail_that_plays_a_bounce_breaks_no_reader(hostile: bytes) -> None:
    come_in(b"From: MAILER-DAEMON@mx.example\r\nReturn-Path: <>\r\nMessage-ID: <a@mx.example>\r\n" + hostile)
    assert [reply.kind for reply in replies()] == [ReplyKind.AUTOMATIC]
