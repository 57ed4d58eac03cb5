"""Mail made to hurt: reports that are long to read, links with keys, floods and files without end."""

from __future__ import annotations

import time

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.db import reading
from app.mail import mime
from app.returns.commands.receiving import KEPT_TO_LOOK
from app.returns.commands.replies import MOST_SENT_ON
from app.returns.models import InboundState, ReplyFile
from app.returns.rules.bounces import read_bounce
from tests.returns.mails import carried, come_in, inbound, mail, replies, reply_address, sent, take_answers_in
from tests.returns.test_replies import mailing

ROOM = 1024 * 1024
LONGEST = 3  # seconds of work, on a busy machine
REPORT = (
    b"From: MAILER-DAEMON@mx.example\r\nMessage-ID: <report@mx.example>\r\n"
    b'Content-Type: multipart/report; report-type=delivery-status; boundary="q"\r\n\r\n--q\r\n'
)
LEVEL = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
DEEP = REPORT + b"Content-Type: message/rfc822\r\n\r\n" + b"".join(LEVEL % (one, one) for one in range(1_500))
HOSTILE = {
    "a megabyte of empty lines": REPORT + b"Content-Type: text/plain\r\n\r\n" + b"\r\n" * 500_000,
    "half a million line ends of an old kind": REPORT + b"Content-Type: text/plain\r\n\r\n" + b"\r" * 900_000,
    "levels below a mail in the mail": DEEP,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_report_takes_long_to_read(database: Flask, kind: str) -> None:
    start = time.process_time()
    assert read_bounce(HOSTILE[kind]) is None
    assert time.process_time() - start < LONGEST


def test_a_report_too_deep_for_the_parser_is_kept_as_an_automatic_reply(database: Flask) -> None:
    take_answers_in()

    come_in(DEEP)

    assert [one.state for one in inbound()] == [InboundState.REPLY]
    assert [one.why for one in replies()] == ["It is a report of a mail server."]


def test_links_with_keys_are_taken_out_in_bounded_time(database: Flask) -> None:
    take_answers_in()
    house = "http://undersigned.example"
    key = "x" * 30

    come_in(mail(text=f"{house}/unsubscribe/{key}.{key} and {house}/letters/ban"))
    start = time.process_time()
    come_in(mail(text="\n".join([f"{house}/" * 14] * 50)))

    assert replies()[0].words == f"{house}/… and {house}/letters/ban"
    assert time.process_time() - start < LONGEST


def test_the_character_that_no_database_keeps_is_left_out(database: Flask) -> None:
    take_answers_in()
    nothing = b"\x00"

    come_in(
        b"From: Ana" + nothing + b" <ana@people.example>\r\nSubject: a" + nothing + b"b\r\nAuto-Submitted: x" + nothing
        + b"\r\nMessage-ID: <a" + nothing + b"@b>\r\nReferences: <c" + nothing + b"@d>\r\n\r\nwe" + nothing + b" stop"
    )  # fmt: skip
    status = b"Content-Type: message/delivery-status\r\n\r\nAction: failed\r\nStatus: 5.1" + nothing
    returned = b"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <x" + nothing + b"@y>"
    come_in(REPORT + status + b"\r\n\r\n--q\r\n" + returned + b"\r\n--q--")

    assert [one.why for one in replies()] == ["Auto-Submitted: x", "It is a report of a mail server."]
    assert [one.state for one in inbound()] == [InboundState.REPLY] * 2


def test_one_reader_under_many_names_is_one_writer(database: Flask) -> None:
    take_answers_in()
    _, reader = mailing()
    to = mime.reply_address(mime.Thread(reader_id=reader))

    for number in range(MOST_SENT_ON + 3):
        come_in(mail(to=to, sender=f"name{number}@people.example", text=f"Flood {number}"))

    assert len(replies()) == MOST_SENT_ON + 3
    assert len(carried()) == MOST_SENT_ON


def test_files_are_kept_of_a_thread_until_it_has_no_room(database: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    # A hundred megabytes in base64 take most of a minute to write and read, and show no more.
    monkeypatch.setattr("app.returns.commands.replies.MOST_KEPT", ROOM)
    take_answers_in()
    ident = sent()
    _, reader = mailing()
    letter, other = reply_address(ident), mime.reply_address(mime.Thread(reader_id=reader))
    big = b"x" * (ROOM // 4 + 1)

    for number in range(4):
        come_in(mail(to=letter, text=f"To the letter, {number}", files=(("scan.pdf", big),)))
    come_in(mail(to=other, text="To the mailing", files=(("scan.pdf", b"small"),)))
    come_in(mail(to="x@replies.undersigned.example", text="To nobody", files=(("scan.pdf", b"small"),)))

    with reading() as session:
        kept = set(session.scalars(sa.select(ReplyFile.reply_id)))
    assert [one.id in kept for one in replies()] == [True, True, True, False, True, True]
    assert [one.is_cut for one in replies()] == [False, False, False, True, False, False]


def test_of_what_is_no_mail_only_the_beginning_stays(database: Flask) -> None:
    come_in(b"\xff" * 1_000_000)

    assert [len(one.body) for one in inbound()] == [KEPT_TO_LOOK]
    assert [one.size for one in inbound()] == [1_000_000]
