"""What a mail says, and that no mail takes long to read."""

from __future__ import annotations

import time
from typing import Any

import pytest

from app.returns.rules.replies import Envelope, Incoming, Unreadable, read
from app.returns.rules.words import from_html, new_part
from tests.returns.mails import QUOTATION, mail

HEAD = b"From: a@b.example\r\nSubject: x\r\n"
LONGEST = 5.0  # seconds on a slow and busy machine; a parser without bounds takes minutes or never ends


def said(raw: bytes, envelope: Envelope = Envelope()) -> Incoming:  # noqa: B008 - frozen
    return read(raw, envelope)


def nested(depth: int, filling: bytes) -> bytes:
    levels = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level) for level in range(depth)
    )
    return HEAD + levels + b"\r\n\r\n" + filling


HOSTILE = {
    "ten megabytes three thousand levels deep": nested(3_000, b"x\r\n" * 3_300_000),
    "a million parts": HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\nx\r\n" * 1_000_000,
    "one line of five megabytes": HEAD + b"\r\n" + b"Op a heeft b " * 400_000,
    "lines made for a pattern that takes their cube": HEAD + b"\r\n" + (b"Op a" + b" heeft b" * 45 + b"\r\n") * 20_000,
    "ten thousand levels of quotation": HEAD + b"\r\n" + b"".join(b">" * level + b" x\r\n" for level in range(10_000)),
    "one line quoted ten thousand times": HEAD + b"\r\n" + b">" * 10_000 + b" x\r\n",
    "lines that all look like headers": HEAD + b"\r\n" + b"a: b\r\n" * 100_000,
    "a parameter that is never closed": HEAD + b'Content-Type: text/plain; charset="' + b";" * 60_000 + b"\r\n\r\nx",
    "a hundred thousand headers": HEAD + b"X: y\r\n" * 100_000 + b"\r\nx",
    "comments in comments": b"From: " + b'"(' * 30_000 + b" a@b.example\r\nMessage-ID: <a@b>\r\n\r\nx",
    "a hundred thousand encoded words": HEAD + b"Subject: " + b"=?utf-8?q?=41?= " * 100_000 + b"\r\n\r\nx",
    "a page of elements that are never closed": HEAD
    + b"Content-Type: text/html\r\n\r\n"
    + b"<blockquote><div><p>" * 60_000,
    "a page of paragraphs": HEAD + b"Content-Type: text/html\r\n\r\n" + b"<p>x" * 200_000,
    "folds without end": HEAD + b"X: " + b"\n \t" * 500_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_mail_takes_long_to_read(kind: str) -> None:
    start = time.process_time()
    found = said(HOSTILE[kind])
    assert time.process_time() - start < LONGEST
    assert len(found.words) <= 20_000
    assert len(found.quoted) <= 10_000


@pytest.mark.parametrize("raw", [b"", b"\r\n\r\n", b"\x00\xff\xfe" * 1000, b"hello", b"\r\n" * 100_000])
def test_what_is_no_mail_is_said_to_be_none(raw: bytes) -> None:
    with pytest.raises(Unreadable, match="no sender"):
        said(raw)


def test_only_the_new_words_of_an_answer_are_its_words() -> None:
    found = said(mail(text="We stop.\r\nFor good." + QUOTATION))
    assert found.words == "We stop.\nFor good."
    assert found.quoted == "We ask.\nPlease.\nNow."


def test_an_answer_below_or_between_the_quotation_is_kept() -> None:
    below = said(mail(text=QUOTATION + "\r\nWe stop.\r\n"))
    assert below.words == "We stop."
    assert new_part("> We ask.\n> Please.\n> Now.\nNo.\n")[0] == "No."


def test_where_all_is_quoted_nothing_is_hidden() -> None:
    assert new_part("> one\n> two\n> three\n")[0] == "> one\n> two\n> three"
    memo = "TO: The coalition\nFROM: The council\nDATE: May 20\n\nWe stop."
    assert "We stop." in new_part(memo)[0]


def test_a_page_is_shown_as_its_words_and_runs_nothing() -> None:
    page = (
        "<html><head><title>t</title><style>p{}</style></head><body><p>We <b>stop</b> &amp; regret.</p>"
        '<script>alert(1)</script><img src="https://spy.example/x.gif" onerror="x()">'
        '<div class="gmail_quote">On Thu, May 20, Open Faces wrote:<br><blockquote>We ask.<br>Now.</blockquote></div>'
    )
    found = said(HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n" + page.encode())
    assert found.words == "We stop & regret."
    assert found.quoted == "We ask.\nNow."
    assert from_html('<?xml version="1.0" encoding="utf-16"?><p>a</p>').strip() == "a"
    assert from_html("") == from_html("<!--") == ""


def test_text_comes_before_html_and_neither_is_a_file() -> None:
    raw = (
        HEAD + b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/html\r\n\r\n<p>page</p>\r\n--b\r\n\r\ntext\r\n--b--\r\nafter\r\n"
    )
    found = said(raw)
    assert (found.words, found.files) == ("text", ())


@pytest.mark.parametrize(
    ("charset", "body", "words"),
    [
        (b"utf-8", "Grüße".encode(), "Grüße"),
        (b"iso-8859-1", "Grüße".encode("latin-1"), "Grüße"),
        (b"nonsense", "Grüße".encode(), "Grüße"),
        (b"punycode", b"Gre-2na", "Gre-2na"),
        (b"zlib", b"x\x9c", "x�"),
        (b"utf-7", b"+ADw-script+AD4-", "+ADw-script+AD4-"),
        (b"utf-8", b"abc\xff\xfe\x00def\xed\xa0\x80", "abc��def���"),
        (b"ascii", "safe\u202egnp.exe\u200b".encode(), "safe" + "�" * 3 + "gnp.exe" + "�" * 3),
        (b"utf-8", "safe\u202egnp.exe\u200b\u2067".encode(), "safegnp.exe"),
    ],
)
def test_odd_character_sets_and_hidden_marks_do_no_harm(charset: bytes, body: bytes, words: str) -> None:
    assert said(HEAD + b"Content-Type: text/plain; charset=" + charset + b"\r\n\r\n" + body).words == words


def test_headers_are_one_line_whatever_they_hide() -> None:
    found = said(
        b"From: =?utf-8?q?Mina=0D=0ABcc=3A_all=E2=80=AE?= <mina@x.example>\r\n"
        b"Subject: =?utf-8?b?UmU6DQpCY2M6IGE=?=\r\n folded\r\n\r\nx"
    )
    assert found.sender_name == "Mina Bcc: all"
    assert found.subject == "Re: Bcc: a folded"
    assert said(b"From: ceo@bank.example <mina@x.example>\r\n\r\nx").sender_name == ""


def test_files_are_named_safely_and_carried_whole() -> None:
    body = bytes(range(256)) * 40
    found = said(mail(files=(("../../etc/pass wd\u202e.pdf", body), ("C:\\x.exe", b"MZ"))))
    assert [file.filename for file in found.files] == ["etc-pass-wd.pdf", "C-x.exe"]
    assert found.files[0].body == body
    assert found.words == "We stop."


@pytest.mark.parametrize(
    "headers",
    [
        {"auto_submitted": "auto-replied"},
        {"auto_submitted": "auto-generated; x=y"},
        {"precedence": "bulk"},
        {"precedence": "auto_reply"},
        {"x_auto_response_suppress": "All"},
        {"x_autoreply": "yes"},
        {"list_id": "<l.example>"},
        {"return_path": "<>"},
        {"sender": "x", "subject": "Automatic reply: We ask"},
        {"subject": "Out of office: back in June"},
    ],
)
def test_what_a_machine_wrote_is_known_for_it(headers: dict[str, Any]) -> None:
    wanted = {name: value for name, value in headers.items() if name != "sender"}
    assert said(mail(**wanted)).automatic
    assert said(mail()).automatic == ""


def test_what_a_person_wrote_is_not_taken_for_a_machine_s() -> None:
    assert said(mail(auto_submitted="no", return_path="<official@amazon.example>")).automatic == ""
    assert said(mail(), Envelope("official@amazon.example", ())).automatic == ""
    assert said(mail(), Envelope("", ())).automatic == "Its envelope names no sender."
    assert said(mail(sender="Mail Delivery <MAILER-DAEMON@mx.example>")).automatic


def test_a_report_of_a_mail_server_is_a_bounce() -> None:
    report = HEAD + b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n--b--\r\n'
    assert said(report).is_bounce
    receipt = report.replace(b"delivery-status", b"disposition-notification")
    assert not said(receipt).is_bounce
    assert said(receipt).automatic
