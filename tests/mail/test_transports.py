"""What every way out owes the post office, and what is particular to one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from app.mail import mime, render
from app.mail.message import Priority
from app.mail.models import EmailAttachment
from app.mail.transports import AccountRefused, GiveUp, Letter, NotAccepted, OutcomeUnknown, TryAgain, smtp_lines
from app.mail.transports.dev import DevTransport
from app.mail.transports.sendgrid import SendGridTransport
from app.mail.transports.sendgrid_requests import body
from app.mail.transports.smtp import SmtpTransport
from tests.builders import NOW
from tests.mail import contract
from tests.mail.test_mime import letter as row
from tests.mail.ways import (
    Mailbox,
    Way,
    broken_server,
    certificate,
    dev_way,
    free_port,
    sendgrid_way,
    smtp_server,
    smtp_way,
)

PDF = b"%PDF-1.7\x00\xff" * 9


@pytest.fixture(autouse=True)
def _bound(monkeypatch: pytest.MonkeyPatch) -> None:
    house = render.House("https://undersigned.example", "Undersigned <letters@undersigned.example>", "")
    monkeypatch.setattr(render._Bound, "house", house)


@pytest.fixture(params=["dev", "smtp", "sendgrid"])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Way]:
    """Each way out in turn."""
    if request.param == "dev":
        yield dev_way(tmp_path / "mail")
    elif request.param == "smtp":
        with smtp_way() as found:
            yield found
    else:
        yield sendgrid_way(request.getfixturevalue("httpserver"))


def letter(number: int = 1, **wanted: Any) -> Letter:
    """A letter with everything a letter may have."""
    files = [EmailAttachment(filename="Brief 名.pdf", mimetype="application/pdf", body=PDF)]
    email = row(
        *files,
        **{
            "from_name": "Fight for the Future",
            "reply_to": "hello@fftf.example",
            "priority": Priority.UPDATE,
            "unsubscribe_path": "/unsubscribe/abc",
        }
        | wanted,
    )
    email.id = number
    words = render.Rendered("Ünser letter, signed", "Dear 名前,\n.\n..dots\n", "<p>Dear 名前</p>\n")
    message: EmailMessage = mime.build(words, email, f"<{number:04d}.abc@undersigned.example>", now=NOW)
    return Letter(number, "attempt-1", message, message.as_bytes())


def test_a_letter_arrives_whole(way: Way) -> None:
    way.transport.submit(letter())

    (found,) = way.arrived()
    assert found.sender == "Fight for the Future <letters@undersigned.example>"
    assert found.to == "mina@example.org"
    assert found.subject == "Ünser letter, signed"
    assert found.text == "Dear 名前,\n.\n..dots\n"
    assert found.html.strip() == "<p>Dear 名前</p>"
    assert found.files == {"Brief 名.pdf": PDF}
    assert found.headers["List-Unsubscribe"] == "<https://undersigned.example/unsubscribe/abc>"
    assert found.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert found.headers["Message-ID"] == "<0001.abc@undersigned.example>"


def test_a_confirmation_says_that_it_is_automatic_and_carries_no_way_to_unsubscribe(way: Way) -> None:
    way.transport.submit(letter(priority=Priority.CONFIRMATION, unsubscribe_path=""))

    (found,) = way.arrived()
    assert found.headers["Auto-Submitted"] == "auto-generated"
    assert "List-Unsubscribe" not in found.headers


def test_letters_of_many_threads_all_arrive(way: Way) -> None:
    broken: list[Exception] = []

    def hand_over(number: int) -> None:
        try:
            for offset in range(3):
                way.transport.submit(letter(number * 10 + offset))
        except NotAccepted as error:
            broken.append(error)

    threads = [threading.Thread(target=hand_over, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert broken == []
    ids = {found.headers["Message-ID"] for found in way.arrived()}
    assert len(ids) == 12


OUTCOMES = [
    *[("smtp", "now", TryAgain), ("smtp", "ever", GiveUp), ("smtp", "account", AccountRefused)],
    *[("smtp", "everyone", TryAgain), ("smtp", "breaks", TryAgain), ("smtp", "lost", OutcomeUnknown)],
    *[("sendgrid", "ever", GiveUp), ("sendgrid", "account", AccountRefused), ("sendgrid", "everyone", TryAgain)],
    *[("sendgrid", "lost", OutcomeUnknown), ("dev", "now", TryAgain)],
]


@pytest.mark.parametrize(("way", "how", "outcome"), OUTCOMES, indirect=["way"])
def test_every_failure_has_its_type_and_names_no_address(way: Way, how: str, outcome: type[NotAccepted]) -> None:
    way.misbehave(how)

    with pytest.raises(outcome) as caught:
        way.transport.submit(letter())

    assert type(caught.value) is outcome
    assert caught.value.reason
    assert "@" not in caught.value.reason
    if isinstance(caught.value, TryAgain) and how in {"everyone", "breaks"}:
        assert caught.value.everyone


@pytest.mark.parametrize("way", ["smtp", "sendgrid"], indirect=True)
@pytest.mark.parametrize("how", ["ever", "everyone", "lost"])
def test_the_next_letter_after_a_failure_arrives(way: Way, how: str) -> None:
    way.misbehave(how)
    with pytest.raises(NotAccepted):
        way.transport.submit(letter(1))
    before = len(way.arrived())
    way.misbehave("")

    accepted = way.transport.submit(letter(2))

    assert accepted.provider_id == "4XyZ1"
    assert way.arrived()[before:][0].headers["Message-ID"] == "<0002.abc@undersigned.example>"


def test_a_repeated_letter_is_one_file_and_nothing_half_written_stays(tmp_path: Path) -> None:
    transport = DevTransport(tmp_path)
    transport.submit(letter())
    transport.submit(letter())
    assert [path.name for path in tmp_path.iterdir()] == ["0001.abc.eml"]


@pytest.mark.parametrize("scheme", ["smtp", "http"])
def test_a_server_that_is_not_there_was_certainly_handed_nothing(scheme: str) -> None:
    address = f"{scheme}://127.0.0.1:{free_port()}"
    smtp, grid = SmtpTransport(address, own_host="x.example", timeout=2), SendGridTransport("k", host=address)
    with pytest.raises(TryAgain) as caught:
        (smtp if scheme == "smtp" else grid).submit(letter())
    assert caught.value.everyone


def test_smtp_keeps_its_connection_and_opens_another_when_the_server_closed_it() -> None:
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        transport = SmtpTransport(f"smtp://127.0.0.1:{port}", own_host="x.example", timeout=2)
        transport.submit(letter(1))
        transport.submit(letter(2))
        assert mailbox.greetings == 1
        kept = transport.lines._idle[0][0].sock
        assert kept is not None
        kept.shutdown(socket.SHUT_RDWR)
        transport.submit(letter(3))
    assert mailbox.greetings == 2
    assert len(mailbox.taken) == 3


def test_smtp_refuses_to_speak_in_the_clear_to_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_lines, "on_this_machine", lambda _host: False)
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        transport = SmtpTransport(f"smtp://user:secret@127.0.0.1:{port}", own_host="x.example", timeout=2)
        with pytest.raises(AccountRefused, match="STARTTLS"):
            transport.submit(letter())
    assert mailbox.taken == []


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_smtp_speaks_encrypted_and_only_to_whom_the_certificate_names(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp_lines, "on_this_machine", lambda _host: False)
    theirs, ours = certificate(tmp_path)
    mailbox = Mailbox()
    wanted = {"ssl_context": theirs} if scheme == "smtps" else {"tls_context": theirs, "require_starttls": True}
    with smtp_server(mailbox, **wanted) as port:
        stranger = SmtpTransport(f"{scheme}://localhost:{port}", own_host="x.example", timeout=2)
        with pytest.raises(TryAgain, match="SSL"):
            stranger.submit(letter())
        friend = SmtpTransport(f"{scheme}://localhost:{port}", own_host="x.example", timeout=2, context=ours)
        friend.submit(letter())
        friend.close()
    assert len(mailbox.taken) == 1


def test_only_this_machine_may_be_spoken_to_in_the_clear() -> None:
    on_this = smtp_lines.on_this_machine
    assert [on_this(host) for host in ("localhost", "127.0.0.1", "::1")] == [True] * 3
    assert [on_this(host) for host in ("mail.example.org", "10.0.0.1", "localhost.example.org")] == [False] * 3


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_wrong_password_pauses_and_a_right_one_sends() -> None:
    mailbox = Mailbox(how="password")
    with smtp_server(mailbox, auth_required=True) as port:
        address = f"smtp://us%40er:s%3Acret@127.0.0.1:{port}"
        transport = SmtpTransport(address, own_host="x.example", timeout=2)
        with pytest.raises(AccountRefused, match="password"):
            transport.submit(letter())
        mailbox.how = ""
        transport.submit(letter())
    assert (transport.lines.user, transport.lines.password) == ("us@er", "s:cret")
    assert len(mailbox.taken) == 1


def test_smtp_does_not_hand_over_what_the_server_called_too_large() -> None:
    mailbox = Mailbox()
    with smtp_server(mailbox, data_size_limit=500) as port:
        transport = SmtpTransport(f"smtp://127.0.0.1:{port}", own_host="x.example", timeout=2)
        with pytest.raises(GiveUp, match="larger"):
            transport.submit(letter())


@pytest.mark.parametrize("how", ["hangs", "resets", "closes", "stops"])
def test_a_request_whose_answer_never_came_is_unknown(how: str) -> None:
    with broken_server(how) as host:
        transport = SendGridTransport("SG.key", host=host, timeout=0.5)
        with pytest.raises(OutcomeUnknown):
            transport.submit(letter())


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *[(403, AccountRefused), (404, AccountRefused), (200, AccountRefused), (302, AccountRefused)],
        *[(413, GiveUp), (415, GiveUp), (408, TryAgain), (503, OutcomeUnknown)],
    ],
)
def test_sendgrids_other_answers(httpserver: HTTPServer, status: int, outcome: type[NotAccepted]) -> None:
    httpserver.expect_request("/v3/mail/send").respond_with_response(Response("<html>not JSON", status=status))
    with pytest.raises(outcome):
        SendGridTransport("k", host=httpserver.url_for("")).submit(letter())


@pytest.mark.parametrize(
    ("reset", "least", "most"), [("in a while", 60, 60), ("0", 1, 1), ("+120", 110, 121), ("+99999", 3600, 3600)]
)
def test_a_full_account_is_asked_again_when_sendgrid_says(
    httpserver: HTTPServer, reset: str, least: int, most: int
) -> None:
    import time

    value = str(int(time.time()) + int(reset[1:])) if reset.startswith("+") else reset
    answer = Response(status=429, headers={"X-RateLimit-Reset": value})
    httpserver.expect_request("/v3/mail/send").respond_with_response(answer)
    with pytest.raises(TryAgain) as caught:
        SendGridTransport("k", host=httpserver.url_for("")).submit(letter())
    assert timedelta(seconds=least) <= caught.value.after <= timedelta(seconds=most)


def test_sendgrid_learns_nothing_of_the_person_but_the_address_and_tracks_nothing() -> None:
    request = body(letter(to_name="Okafor, Mina; “M”"))
    (person,) = request["personalizations"]
    assert person["custom_args"] == {"undersigned_email": "1", "undersigned_attempt": "attempt-1"}
    assert person["to"] == [{"email": "mina@example.org", "name": "Okafor Mina “M”"}]
    assert all(setting["enable"] is False for setting in request["tracking_settings"].values())
    assert contract.problems(request) == []


def test_sendgrid_is_not_handed_more_than_it_takes() -> None:
    large = letter()
    large.message.add_attachment(b"x" * 23_000_000, maintype="application", subtype="pdf", filename="large.pdf")
    with pytest.raises(GiveUp, match="30 MB"):
        SendGridTransport("k", host="http://127.0.0.1:9").submit(large)


def test_the_contract_finds_what_sendgrid_would_refuse() -> None:
    request = body(letter())
    request["personalizations"][0]["to"][0] = {"email": "no address", "name": "a;b"}
    request["content"].reverse()
    request["content"][0]["value"] = ""
    request["headers"]["Reply-To"] = "x@y.example"
    request["surprise"] = 1
    del request["from"]["email"]
    assert len(contract.problems(request)) == 7
