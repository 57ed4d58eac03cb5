"""What a mail server's bad days mean for a letter, step by step of the conversation."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable

import pytest

from app.core import tokens
from app.mail import mime, render
from app.mail.transports import AccountRefused, GiveUp, Letter, NotAccepted, OutcomeUnknown, TryAgain, smtp_lines
from app.mail.transports.smtp import SmtpTransport
from tests.mail.faults import PATIENCE, smtp_stand_in
from tests.mail.test_sendgrid_faults import HOUSE, letter


@pytest.fixture(autouse=True)
def _bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render._Bound, "house", HOUSE)
    monkeypatch.setattr(mime._Bounces, "host", "")
    monkeypatch.setattr(tokens._Key, "secret", "a secret of this test")


def transport(address: str, timeout: float = 1.0) -> SmtpTransport:
    return SmtpTransport(address, own_host="undersigned.example", timeout=timeout)


BAD_DAYS: list[tuple[str, str, type[NotAccepted], bool]] = [
    ("banner", "drop", TryAgain, True),
    ("banner", "stall", TryAgain, True),
    ("banner", "421 too busy", TryAgain, True),
    ("banner", "554 not you", TryAgain, True),
    ("banner", "HTTP/1.1 400 Bad Request", TryAgain, True),
    ("MAIL", "421 closing", TryAgain, True),
    ("MAIL", "drop", TryAgain, True),
    ("MAIL", "452 full", TryAgain, False),
    ("MAIL", "530 sign in first", AccountRefused, False),
    ("RCPT", "450 greylisted <person1@people.example>", TryAgain, False),
    ("RCPT", "550 no such user <person1@people.example>", GiveUp, False),
    ("RCPT", "421 too many", TryAgain, True),
    ("RCPT", "stall", TryAgain, True),
    ("DATA", "drop", TryAgain, True),
    ("DATA", "stall", TryAgain, True),
    ("DATA", "554 no valid recipients", GiveUp, False),
    ("letter", "break in the middle", OutcomeUnknown, True),
    ("letter", "drop", OutcomeUnknown, True),
    ("letter", "stall", OutcomeUnknown, True),
    ("letter", "what?", OutcomeUnknown, True),
    ("letter", "452 disk full", TryAgain, False),
    ("letter", "554 spam", GiveUp, False),
]


@pytest.mark.parametrize(("moment", "how", "outcome", "everyone"), BAD_DAYS)
def test_the_step_that_failed_tells_what_is_known(
    moment: str,
    how: str,
    outcome: type[NotAccepted],
    everyone: bool,  # noqa: FBT001
) -> None:
    with smtp_stand_in(**{moment: how}) as (_server, address), pytest.raises(NotAccepted) as caught:
        transport(address, timeout=0.2).submit(letter())

    assert type(caught.value) is outcome
    assert "@" not in caught.value.reason
    if outcome is TryAgain:
        assert caught.value.everyone is everyone  # type: ignore[attr-defined]


def test_a_slow_greeting_is_waited_for() -> None:
    with smtp_stand_in(banner="slow") as (server, address):
        transport(address).submit(letter())
    assert len(server.taken) == 1


def test_a_server_that_looks_through_a_letter_for_long_is_not_hung_up_on() -> None:
    with smtp_stand_in(letter="slow") as (server, address):
        assert transport(address, timeout=0.2).submit(letter()).provider_id == "4XyZ1"
    assert len(server.taken) == 1


@pytest.mark.parametrize("answer", ["454 TLS not available", "500 what"])
def test_a_server_that_offers_encryption_and_refuses_it_hears_nothing_of_the_letter(
    monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setattr(smtp_lines, "on_this_machine", lambda _host: False)
    with smtp_stand_in(STARTTLS=answer) as (server, address):
        server.features = ("STARTTLS",)
        with pytest.raises(TryAgain) as caught:
            transport(address).submit(letter())
    assert caught.value.everyone
    assert "MAIL" not in server.verbs()


@pytest.mark.parametrize("how", ["421 idle too long", "drop"])
def test_a_kept_connection_that_is_over_costs_no_letter_its_try(how: str) -> None:
    with smtp_stand_in() as (server, address):
        sender = transport(address)
        sender.submit(letter(1))
        original = server.script
        server.script = _once("MAIL", how)
        sender.submit(letter(2))
        assert server.script is not original
        sender.close()
    assert len(server.taken) == 2
    assert server.verbs().count("EHLO") == 2


class _once(dict[str, str]):  # noqa: N801 - reads like a word at its one use
    """A script whose one entry is played once."""

    def __init__(self, verb: str, how: str) -> None:
        super().__init__({verb: how})

    def get(self, key: str, default: str = "") -> str:  # type: ignore[override]
        return self.pop(key, default)


def test_a_refused_letter_does_not_end_the_connection() -> None:
    with smtp_stand_in(RCPT="550 no such user") as (server, address):
        sender = transport(address)
        with pytest.raises(GiveUp):
            sender.submit(letter(1))
        server.script.clear()
        sender.submit(letter(2))
        sender.close()
    assert server.verbs().count("EHLO") == 1
    assert "RSET" in server.verbs()


def test_an_idle_connection_is_left_with_quit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_lines, "IDLE_SECONDS", 0.1)
    with smtp_stand_in() as (server, address):
        sender = transport(address)
        sender.submit(letter(1))
        assert server.ended.wait(PATIENCE)
        sender.submit(letter(2))
        sender.close()
    assert server.verbs().count("EHLO") == 2


def test_threads_that_come_and_go_share_the_connections() -> None:
    with smtp_stand_in() as (server, address):
        sender = transport(address)
        for number in range(5):
            thread = threading.Thread(target=sender.submit, args=(letter(number),))
            thread.start()
            thread.join()
        sender.close()
    assert server.verbs().count("EHLO") == 1


def test_each_letter_names_itself_to_whom_it_bounces_where_bounces_are_read() -> None:
    plain = letter(7)
    mime.bind_bounces("Bounces.Undersigned.Example")
    named = dataclasses.replace(plain, envelope_sender=mime.envelope_sender(7))
    with smtp_stand_in() as (server, address):
        sender = transport(address)
        for one in (plain, named):
            sender.submit(one)
        sender.close()

    froms = [line for line in server.said if line.upper().startswith("MAIL")]
    assert "<letters@undersigned.example>" in froms[0].lower()
    back = froms[1].partition("<")[2].partition(">")[0]
    assert back.startswith("bounce+7.")
    assert back.endswith("@bounces.undersigned.example")
    assert mime.read_verp(back) == 7


def _elapsed(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def test_a_server_that_says_nothing_is_given_up_after_the_timeout() -> None:
    def attempt(address: str, one: Letter) -> None:
        with pytest.raises(TryAgain):
            transport(address, timeout=0.2).submit(one)

    one = letter()
    with smtp_stand_in(banner="stall") as (_server, address):
        assert _elapsed(lambda: attempt(address, one)) < PATIENCE / 2
