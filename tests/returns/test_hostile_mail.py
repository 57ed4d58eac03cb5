"""Mail made to hurt: reports that are long to read, links with keys, floods and files without end."""

from __future__ import annotations

import time

import pytest
from flask import Flask

from app.returns.models import InboundState
from app.returns.rules.bounces import read_bounce
from tests.returns.mails import come_in, inbound, mail, replies, take_answers_in

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
