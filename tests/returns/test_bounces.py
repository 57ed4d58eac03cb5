"""Bounces that come by mail: which letter they name, and that nobody can make one up."""

from __future__ import annotations

import contextlib
from email.message import EmailMessage

import pytest
from flask import Flask

from app.core.clock import utc_now
from app.core.db import transaction
from app.mail import mime
from app.mail.models import EmailState
from app.mailings.models import ReaderState
from app.returns import commands
from app.returns.models import Cause, InboundState, Kind, MailEvent
from app.returns.rules.bounces import Odd, read_bounce
from tests.mail.builders import changed, email
from tests.returns.builders import count, left, mailed, reader_states, stopped
from tests.returns.mails import come_in, inbound, replies

LETTER_ID = "<0000000001.0123456789abcdef@undersigned.example>"


def report(
    *,
    to: str = "letters@undersigned.example",
    action: str = "failed",
    status: str = "5.1.1",
    diagnostic: str = "smtp; 550 5.1.1 <mina@example.org> user unknown",
    returned: str = LETTER_ID,
    whole: bool = False,
) -> bytes:
    """A delivery status notification (RFC 3464) as mail servers write it."""
    letter = (
        f"From: letters@undersigned.example\r\nTo: mina@example.org\r\nMessage-ID: {returned}\r\nSubject: Hello\r\n"
    )
    kind = "message/rfc822" if whole else "text/rfc822-headers"
    lines = [
        *("From: MAILER-DAEMON@mx.example", f"To: {to}", "Subject: Undelivered Mail Returned to Sender"),
        *("Message-ID: <report-1@mx.example>", "MIME-Version: 1.0", "Auto-Submitted: auto-replied"),
        *('Content-Type: multipart/report; report-type=delivery-status; boundary="b"', "", "--b"),
        *("Content-Type: text/plain", "", "I'm sorry to have to inform you that your message could not", "--b"),
        *("Content-Type: message/delivery-status", "", "Reporting-MTA: dns; mx.example", ""),
        *("Final-Recipient: rfc822; mina@example.org", f"Action: {action}", f"Status: {status}"),
        *(f"Diagnostic-Code: {diagnostic}", "", "--b", f"Content-Type: {kind}", "", letter, "--b--", ""),
    ]
    return "\r\n".join(lines).encode()


def qmail(to: str) -> bytes:
    """A bounce without the form of RFC 3464."""
    return (
        f"From: MAILER-DAEMON@mx.example\r\nTo: {to}\r\nSubject: failure notice\r\n\r\n"
        "Hi. This is the qmail-send program at mx.example.\r\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\r\n"
        "This is a permanent error; I've given up. Sorry it didn't work out.\r\n\r\n"
        "<mina@example.org>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n\r\n"
        f"--- Below this line is a copy of the message.\r\n\r\nMessage-ID: {LETTER_ID}\r\n\r\nHello\r\n"
    ).encode()


def complaint() -> bytes:
    """An abuse report (RFC 5965)."""
    return report().replace(b"message/delivery-status", b"message/feedback-report").replace(b"Action: failed\r\n", b"")


def reply() -> bytes:
    """A person's answer that talks of bounces."""
    message = EmailMessage()
    message["From"], message["To"] = "mina@example.org", "letters@undersigned.example"
    message["In-Reply-To"] = LETTER_ID
    message.set_content(f"The following addresses failed: <mina@example.org>\nMessage-ID: {LETTER_ID}\n")
    return message.as_bytes()


def take(raw: bytes) -> bool:
    with transaction() as session:
        said = read_bounce(raw)
        return said is not None and commands.take_bounce(session, said, now=utc_now())


def sent() -> int:
    ident, _ = left(state=EmailState.ACCEPTED)
    changed(ident, message_id=LETTER_ID)
    return ident


@pytest.mark.parametrize("whole", [True, False])
def test_a_report_that_returns_our_letter_bounces_it(database: Flask, whole: bool) -> None:  # noqa: FBT001
    ident = sent()

    assert take(report(whole=whole))

    row = email(ident)
    assert row.state is EmailState.BOUNCED
    assert row.last_error == "5.1.1 550 5.1.1 … user unknown"
    assert stopped() == {("", "bounce")}


def test_the_same_report_twice_is_one_report(database: Flask) -> None:
    sent()
    assert take(report())
    assert take(report())
    assert count(MailEvent) == 1


@pytest.mark.parametrize("raw", [report, qmail])
def test_a_report_to_the_bounce_address_names_its_letter(database: Flask, raw: object) -> None:
    ident = sent()
    address = mime.verp_address(ident).upper()
    body = report(to=address, returned="<unknown@elsewhere.example>") if raw is report else qmail(address)
    assert take(body)
    assert email(ident).state is EmailState.BOUNCED
    assert stopped() == {("", "bounce")}


def test_a_report_that_names_no_letter_of_ours_changes_nothing(database: Flask) -> None:
    ident = sent()
    forged = mime.verp_address(ident).replace("+1.", "+2.")
    for raw in (
        report(returned="<1@elsewhere.example>"),
        report(to=forged, returned="<1@elsewhere.example>"),
        report(to=mime.verp_address(ident + 5), returned=""),
        report(returned=LETTER_ID.replace("abcdef", "fedcba")),
        qmail("letters@undersigned.example"),
    ):
        assert not take(raw)
    assert email(ident).state is EmailState.ACCEPTED
    assert stopped() == set()


def a_reader() -> int:
    """A mailing's letter that one reader's mail server took; returns the reader's id."""
    return mailed(["mina@example.org"], message_id="<m0000000001.0123456789abcdef@undersigned.example>")[0][0]


def test_a_report_about_a_mailings_letter_names_its_reader_and_no_single_letter_of_that_number(
    database: Flask,
) -> None:
    ident, reader = sent(), a_reader()
    assert ident == reader

    assert take(report(returned="<m0000000001.0123456789abcdef@undersigned.example>"))

    assert email(ident).state is EmailState.ACCEPTED
    assert reader_states() == [ReaderState.BOUNCED]
    assert stopped() == {("", "bounce")}


def test_a_report_to_a_readers_bounce_address_names_the_reader(database: Flask) -> None:
    ident, reader = sent(), a_reader()
    assert take(qmail(mime.verp_address(reader, reader=True)))
    assert email(ident).state is EmailState.ACCEPTED
    assert reader_states() == [ReaderState.BOUNCED]


def test_a_returned_letter_says_more_than_the_address_its_report_was_sent_to(database: Flask) -> None:
    ident, _ = sent(), a_reader()
    address = mime.verp_address(ident)
    assert take(report(to=address, returned="<m0000000001.0123456789abcdef@undersigned.example>"))
    assert email(ident).state is EmailState.ACCEPTED
    assert reader_states() == [ReaderState.BOUNCED]


def test_a_persons_reply_is_no_bounce_even_if_it_sounds_like_one(database: Flask) -> None:
    ident = sent()
    assert not take(reply())
    assert email(ident).state is EmailState.ACCEPTED


def test_a_server_that_still_tries_bounces_nothing(database: Flask) -> None:
    ident = sent()
    assert take(report(action="delayed", status="4.4.1", diagnostic="smtp; 451 try later"))
    assert email(ident).state is EmailState.ACCEPTED
    assert stopped() == set()


def test_a_report_proves_that_an_uncertain_letter_left(database: Flask) -> None:
    ident = sent()
    changed(ident, state=EmailState.UNKNOWN, accepted_at=None)
    assert take(report(action="delayed", status="4.4.1"))
    assert email(ident).state is EmailState.ACCEPTED


def test_an_abuse_report_leaves_the_sender(database: Flask) -> None:
    ident, _ = left(stream="updates:7")
    changed(ident, message_id=LETTER_ID)
    assert take(complaint())
    assert stopped() == {("updates:7", "complaint")}


@pytest.mark.parametrize(
    ("action", "status", "diagnostic", "kind", "cause"),
    [
        ("failed", "5.1.1", "", Kind.BOUNCE, Cause.NO_MAILBOX),
        ("Failed (not deliverable)", "5.0.0", "smtp; 550 5.1.1 unknown", Kind.BOUNCE, Cause.NO_MAILBOX),
        ("failed", "5.2.2", "smtp; 552 full", Kind.BOUNCE, Cause.MAILBOX),
        ("failed", "5.7.1", "smtp; 550 spam", Kind.BOUNCE, Cause.SENDER),
        ("failed", "5.0.0", "x-unix; unknown", Kind.BOUNCE, Cause.UNCLEAR),
        ("delayed", "4.2.2", "", Kind.DEFERRED, None),
    ],
)
def test_what_a_report_says(
    database: Flask, action: str, status: str, diagnostic: str, kind: Kind, cause: Cause | None
) -> None:
    said = read_bounce(report(action=action, status=status, diagnostic=diagnostic))
    assert said is not None
    assert (said.kind, said.cause, said.message_id, said.email_id) == (kind, cause, LETTER_ID, None)
    assert said.permanent is (kind is Kind.BOUNCE)


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded", ""])
def test_a_report_of_success_is_no_bounce(database: Flask, action: str) -> None:
    assert read_bounce(report(action=action)) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00" * 5_000,
        b"\xff\xfe\r\n\r\n\xff",
        b"Content-Type: multipart/report; boundary=\r\n\r\n--\r\n",
        b"Content-Type: message/delivery-status\r\n\r\nAction: failed\r\nStatus: \xff\r\n",
        b"To: " + b"<" * 50_000 + b"\r\n\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n" * 20_000,
        b"To: bounce+1.0123456789abcdef@undersigned.example\r\n\r\n" + b"<" * 100_000 + b">:" * 100_000,
    ],
)
def test_nothing_that_arrives_breaks_the_reader(database: Flask, raw: bytes) -> None:
    with contextlib.suppress(Odd):
        assert read_bounce(raw) is None


def test_a_bounce_whose_headers_are_not_ascii_is_read_like_any_other(database: Flask) -> None:
    ident = sent()
    raw = qmail(to=mime.verp_address(ident)).replace(b"From: ", "From: Zustelldienst für Müller ".encode(), 1)
    assert b"\xc3" in raw

    assert take(raw)

    assert email(ident).state is EmailState.BOUNCED


def test_a_mail_the_detectors_break_at_is_kept_and_its_words_stay_out_of_the_log(
    database: Flask, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    ident = sent()
    raw = (
        b"Message-ID: <private@people.example>\r\nTo: " + mime.verp_address(ident).encode() + b"\r\n"
        b"Subject: Undelivered, says a server that does not say who it is\r\n\r\nprivate words"
    )

    come_in(raw)

    said = capsys.readouterr()
    assert "report was not made out" in said.out
    assert "IndexError" in said.out
    assert not [word for word in ("Traceback", "rivate") if word in said.out + said.err + caplog.text]
    assert [row.state for row in inbound()] == [InboundState.REPLY]
    assert [one.words for one in replies()] == ["private words"]
    assert email(ident).state is EmailState.ACCEPTED
