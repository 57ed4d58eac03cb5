"""A provider whose answers never end: each call ends in time, and says no more than is known."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from app.mail import render
from app.mail.groups import NotTold, UpdatesGroup
from app.mail.lists import ListUnread, ProviderList, ProviderLists
from app.mail.transports import NotAccepted, OutcomeUnknown, TryAgain, calling, smtp_lines
from app.mail.transports.deadlines import LOOKUP_SECONDS, Deadline, dial
from app.mail.transports.many import Lot, Reader
from app.mail.transports.sendgrid import MANY_SECONDS, SendGridTransport
from app.mail.transports.smtp import SmtpTransport
from tests.mail.faults import DRIPS, PATIENCE, drip, sendgrid_stand_in, smtp_stand_in
from tests.mail.test_sendgrid_faults import HOUSE, LARGE, letter
from tests.mail.test_smtp_faults import _once
from tests.mail.ways import certificate

Error = TypeVar("Error", bound=Exception)
STEP = 0.3
IN_TIME = PATIENCE / 4  # the other end would go on for four times as long
NOW = datetime(2026, 7, 1, tzinfo=UTC)
LOT = Lot(
    attempt="attempt-1",
    from_name="A house",
    from_address="letters@undersigned.example",
    reply_to="",
    subject="News",
    text="Dear reader",
    html="",
    unsubscribe_url="",
    holes={},
    readers=[Reader(1, "mina@people.example", "Mina", {}), Reader(2, "ewa@people.example", "Ewa", {})],
)


@pytest.fixture(autouse=True)
def _bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render._Bound, "house", HOUSE)


def in_time(work: Callable[[], object], error: type[Error]) -> Error:
    """What a call raises, which it does long before its other end tires."""
    started = time.monotonic()
    with pytest.raises(error) as caught:
        work()
    assert time.monotonic() - started < IN_TIME
    return caught.value


@pytest.mark.parametrize("fault", DRIPS)
@pytest.mark.parametrize("calls", ["one letter", "several letters", "one letter to many"])
def test_an_answer_without_an_end_is_unknown_in_time(fault: str, calls: str) -> None:
    with sendgrid_stand_in() as (stand_in, host):
        stand_in.always = fault
        sender = SendGridTransport("SG.key", host=host, timeout=STEP)
        if calls == "several letters":
            started = time.monotonic()
            outcomes = sender.submit_all([letter(1), letter(2)])
            assert time.monotonic() - started < IN_TIME
            assert {type(one) for one in outcomes.values()} == {OutcomeUnknown}
            assert len(outcomes) == 2
        elif calls == "one letter":
            assert "TimeoutError" in in_time(lambda: sender.submit(letter()), OutcomeUnknown).reason
        else:
            assert "TimeoutError" in in_time(lambda: sender.submit_many(LOT), OutcomeUnknown).reason


@pytest.mark.parametrize("fault", ["sip", "stall while sending"])
def test_a_request_that_is_not_taken_in_time_certainly_did_not_arrive(fault: str) -> None:
    with sendgrid_stand_in() as (stand_in, host):
        stand_in.always = fault
        sender = SendGridTransport("SG.key", host=host, timeout=STEP)
        large = letter(text=LARGE)
        assert in_time(lambda: sender.submit(large), TryAgain).everyone
        assert stand_in.taken == []


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """A server's context that clients of this machine trust."""
    server, _client = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    calling._context.cache_clear()
    yield server
    calling._context.cache_clear()


@pytest.mark.parametrize("fault", DRIPS)
def test_an_encrypted_answer_ends_in_time_too(trusted: ssl.SSLContext, fault: str) -> None:
    with sendgrid_stand_in(trusted) as (stand_in, host):
        sender = SendGridTransport("SG.key", host=host, timeout=STEP)
        assert sender.submit(letter()).provider_id == "4XyZ1"
        stand_in.always = fault
        in_time(lambda: sender.submit(letter()), OutcomeUnknown)


@pytest.mark.parametrize("fault", ["sip", "stall while sending"])
def test_an_encrypted_request_that_is_not_taken_certainly_did_not_arrive(trusted: ssl.SSLContext, fault: str) -> None:
    with sendgrid_stand_in(trusted) as (stand_in, host):
        stand_in.always = fault
        sender = SendGridTransport("SG.key", host=host, timeout=STEP)
        large = letter(text=LARGE)
        assert in_time(lambda: sender.submit(large), TryAgain).everyone


@contextmanager
def dripper(start: bytes, drop: bytes = b"x") -> Iterator[tuple[int, threading.Event]]:
    """A server of no kind: it answers every connection at once and without an end."""
    released, gone = threading.Event(), threading.Event()

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                drip(connection, released, start, drop)
                gone.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield listener.getsockname()[1], gone
        released.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def whole_of(port: int) -> dict[str, Callable[[], Any]]:
    """Every other call to the provider."""
    host = f"http://127.0.0.1:{port}"
    recalls = SendGridTransport("SG.key", host=host, timeout=STEP, recall_minutes=30)
    lists = ProviderLists("SG.key", host=host, timeout=STEP)
    group = UpdatesGroup("SG.key", 7, host=host, timeout=STEP)
    return {
        "a name for recalling": recalls.new_recall_id,
        "calling back": lambda: recalls.call_back("B1"),
        "a list": lambda: lists.page(ProviderList.BOUNCES, since=NOW, until=NOW, offset=0),
        "stopping updates": lambda: group.stop(["mina@people.example"]),
        "letting go": lambda: group.let_go("mina@people.example"),
    }


@pytest.mark.parametrize("call", whole_of(0))
def test_every_other_call_to_the_provider_ends_in_time(call: str) -> None:
    with dripper(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n") as (port, gone):
        in_time(whole_of(port)[call], (NotAccepted, ListUnread, NotTold))  # type: ignore[arg-type]
        assert gone.wait(IN_TIME), "the connection was left open"


@pytest.mark.parametrize("scheme", ["https", "smtps"])
def test_a_server_that_drips_instead_of_encrypting_is_left_in_time(trusted: ssl.SSLContext, scheme: str) -> None:
    assert trusted is not None
    # The head of a record of 16,384 bytes: the handshake waits for all of it.
    with dripper(b"\x16\x03\x03\x40\x00", b"\x02") as (port, gone):
        address = f"{scheme}://localhost:{port}"
        sender = (
            SendGridTransport("SG.key", host=address, timeout=STEP)
            if scheme == "https"
            else SmtpTransport(address, own_host="undersigned.example", timeout=STEP)
        )
        assert in_time(lambda: sender.submit(letter()), TryAgain).everyone
        assert gone.wait(IN_TIME), "the connection was left open"


@pytest.mark.parametrize("how", ["drip", "drip lines"])
@pytest.mark.parametrize("moment", ["banner", "EHLO", "MAIL", "RCPT", "DATA", "letter"])
def test_a_mail_server_that_drips_is_hung_up_on(moment: str, how: str) -> None:
    with smtp_stand_in(**{moment: how}) as (server, address):
        sender = SmtpTransport(address, own_host="undersigned.example", timeout=STEP)
        if moment == "letter":
            in_time(lambda: sender.submit(letter()), OutcomeUnknown)
            assert len(server.taken) == 1
        else:
            assert in_time(lambda: sender.submit(letter()), TryAgain).everyone
            assert server.taken == []


def test_a_mail_server_that_drips_after_encrypting_is_hung_up_on(
    trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp_lines, "on_this_machine", lambda _host: False)
    with smtp_stand_in() as (server, address):
        server.features, server.tls = ("STARTTLS",), trusted
        sender = SmtpTransport(address.replace("127.0.0.1", "localhost"), own_host="undersigned.example", timeout=STEP)
        assert sender.submit(letter(1)).provider_id == "4XyZ1"
        server.script["letter"] = "drip"
        in_time(lambda: sender.submit(letter(2)), OutcomeUnknown)
        server.script["MAIL"] = "drip"
        in_time(lambda: sender.submit(letter(3)), TryAgain)


def test_a_kept_connection_that_stalls_is_left_and_the_letter_goes_by_another() -> None:
    with smtp_stand_in() as (server, address):
        sender = SmtpTransport(address, own_host="undersigned.example", timeout=STEP)
        sender.submit(letter(1))
        server.script = _once("MAIL", "stall")
        sender.submit(letter(2))
        sender.close()
    assert len(server.taken) == 2


def test_a_letter_that_a_mail_server_never_reads_ends_in_time() -> None:
    with smtp_stand_in(letter="never read") as (server, address):
        server.features = ()
        sender = SmtpTransport(address, own_host="undersigned.example", timeout=STEP)
        large = letter(text=LARGE)
        in_time(lambda: sender.submit(large), OutcomeUnknown)


def test_a_claim_is_held_for_longer_than_its_call_can_take() -> None:
    sendgrid = SendGridTransport("SG.key", host="https://api.example.org", timeout=2)
    assert sendgrid.patience.total_seconds() >= 2 * calling.WHOLE + MANY_SECONDS + LOOKUP_SECONDS
    smtp = SmtpTransport("smtp://mail.example.org", own_host="x.example", timeout=2)
    assert smtp.patience.total_seconds() >= 2 * (3 + 1 + 4) + LOOKUP_SECONDS


def test_no_host_is_given_the_whole_time_for_each_of_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = [socket.socket() for _ in range(4)]
    address = full.getsockname()
    for one in waiting:  # a queue that is full leaves every further caller without an answer
        one.setblocking(False)
        one.connect_ex(address)
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address)] * 20
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_named: found)
    with full:
        in_time(lambda: dial("many.example.org", address[1], Deadline(STEP * 2, step=STEP)), TimeoutError)
        for one in waiting:
            one.close()
