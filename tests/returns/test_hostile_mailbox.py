"""A mailbox's server that lies, stalls, babbles or sends what is no IMAP takes neither the memory nor the worker."""

from __future__ import annotations

import threading
import time
import tracemalloc
from collections.abc import Iterator

import pytest
from flask import Flask

from app.returns.jobs import mailbox
from app.returns.jobs.mailbox import ONLY_A_NOTE, ONLY_HEADERS, Mailbox, fetch, use
from app.returns.models import InboundState
from tests.returns.imap import Box, Talk, serving
from tests.returns.mails import inbound, mail
from tests.returns.test_mailbox import address

MEGABYTE = 1024 * 1024
PATIENCE, LONGEST = 0.5, 2.0


class Hostile(Talk):
    """Honest until ``at`` is said, then plays ``trick``; for the mails in ``bad`` only, if there are any."""

    at = "BODY.PEEK[]"
    trick = ""
    bad: frozenset[int] = frozenset()
    over = threading.Event()

    def handle(self) -> None:
        """Answer, with a trick where it was told."""
        try:
            if self.at == "CONNECT":
                self.play("a1")
            super().handle()
        except OSError:  # the client had enough
            self.box.hung_up.set()

    def answer(self, tag: str, said: str) -> bool:
        """Play the trick instead of an answer."""
        uid = next((word for word in said.split() if word.isdecimal()), "0")
        if self.at not in said or (self.bad and int(uid) not in self.bad):
            return False
        self.play(tag)
        return True

    def play(self, tag: str) -> None:
        """The trick named."""
        getattr(self, f"play_{self.trick}")(tag)

    def _send(self, raw: bytes) -> None:
        self.wfile.write(raw)
        self.box.sent += len(raw)

    def play_endless_literal(self, _tag: str) -> None:
        """A mail of ten billion bytes."""
        self._send(b"* 1 FETCH (BODY[] {10000000000}\r\n")
        self._forever(b"x" * 65536)

    def play_endless_line(self, _tag: str) -> None:
        """A line without an end."""
        self._forever(b"* 1 FETCH " + b"x" * 65536)

    def play_endless_lines(self, _tag: str) -> None:
        """What nobody asked for, line after line."""
        self._forever(b"* 1 EXISTS\r\n* 2 ODD word\r\n" * 2000)

    def play_many_literals(self, _tag: str) -> None:
        """Mail after mail in one answer, each within what is allowed."""
        self._forever(b"* 1 FETCH (BODY[] {1000000}\r\n" + b"x" * 1_000_000 + b")\r\n")

    def _forever(self, raw: bytes) -> None:
        while not self.over.is_set():
            self._send(raw)

    def play_drop_by_drop(self, _tag: str) -> None:
        """A byte each time before the other side loses its patience."""
        self._send(b"* 1 FETCH (BODY[] {1000}\r\n")
        while not self.over.wait(PATIENCE / 10):
            self._send(b"x")

    def play_silence(self, _tag: str) -> None:
        """Nothing at all."""
        self.over.wait(30)

    def play_promise(self, tag: str) -> None:
        """More than the size that was told, announced and not sent."""
        self._send(b"* 1 FETCH (BODY[] {40000000}\r\n" + tag.encode() + b" OK done\r\n")


GARBAGE = [
    b"\xff\xfe\x00\x00\r\n",
    b"* SEARCH \xff \x80\r\n{tag} OK done\r\n",
    b"* SEARCH 1 -1 0x1 99999999999999999999 a\\b\r\n{tag} OK done\r\n",
    b"* 1 FETCH (BODY[] {" + b"9" * 5000 + b"}\r\n",
    b"* 1 FETCH (RFC822.SIZE " + b"9" * 5000 + b")\r\n{tag} OK done\r\n",
    b"* 1 FETCH (BODY[] {-5}\r\n{tag} OK done\r\n",
    b"+ go on\r\n" * 50 + b"{tag} NO\r\n",
    b"* BYE enough\r\n",
    b"{tag} BAD \xff\r\n",
    b"ZZZZ9 OK done\r\n",
    b"\r\n\r\n\r\n",
    b"no line ends here",
    b"* OK [UIDVALIDITY \xff\xff] odd\r\n{tag} OK done\r\n",
    b"* CAPABILITY \xff\r\n{tag} OK done\r\n",
    b"<html><body>This is a web server.</body></html>\r\n",
]


@pytest.fixture
def box(database: Flask) -> Iterator[Box]:
    """A mailbox with one mail; after the test nobody waits in it."""
    made = Box()
    made.put(mail(text="one"))
    Hostile.over.clear()
    mailbox._Bound.tries = {}
    yield made
    Hostile.over.set()
    mailbox._Bound.tries = {}
    use(None)


def hostile(at: str, trick: str, bad: frozenset[int] = frozenset()) -> type[Talk]:
    """A server that plays a trick."""
    return type("Chosen", (Hostile,), {"at": at, "trick": trick, "bad": bad})


def impatient(box: Box) -> Mailbox:
    """The mailbox, with less time than a real one is given."""
    return Mailbox(address(box), patience=PATIENCE, longest=LONGEST)


@pytest.mark.parametrize("trick", ["endless_literal", "endless_line", "endless_lines", "many_literals"])
def test_a_server_that_never_ends_takes_no_more_memory_than_one_mail(box: Box, trick: str) -> None:
    with serving(box, talk=hostile("BODY.PEEK[]", trick)):
        use(Mailbox(address(box)))
        tracemalloc.start()
        try:
            assert fetch() == 0
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            Hostile.over.set()
    assert most < 100 * MEGABYTE
    assert inbound() == []


@pytest.mark.parametrize("at", ["CONNECT", "LOGIN", "SEARCH", "RFC822.SIZE", "BODY.PEEK[]", "STORE", "LOGOUT"])
@pytest.mark.parametrize("trick", ["silence", "drop_by_drop"])
def test_a_server_that_stalls_does_not_hold_the_worker(box: Box, at: str, trick: str) -> None:
    with serving(box, talk=hostile(at, trick)):
        use(impatient(box))
        started = time.monotonic()
        fetch()
        took = time.monotonic() - started
        Hostile.over.set()
    # Generous for a busy machine, and far less than the thirty seconds for which the server would say nothing.
    assert took < 20


@pytest.mark.parametrize("at", ["CONNECT", "CAPABILITY", "LOGIN", "SELECT", "SEARCH", "RFC822.SIZE", "BODY.PEEK[]"])
def test_what_is_no_imap_ends_the_conversation_and_nothing_else(
    box: Box, at: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for garbage in GARBAGE:
        mailbox._Bound.tries = {}

        class Garbled(Hostile):
            said = garbage

            def play(self, tag: str) -> None:
                self._send(self.said.replace(b"{tag}", tag.encode()))
                raise ConnectionResetError

        Garbled.at = at
        with serving(box, talk=Garbled):
            use(impatient(box))
            fetch()
    assert "Traceback" not in capsys.readouterr().out

    with serving(box):
        use(impatient(box))
        fetch()
        fetch()
    assert [row.body for row in inbound() if row.state is InboundState.RECEIVED] == list(box.mails.values())


def test_a_mail_the_server_never_gives_keeps_none_behind_it_from_us(box: Box) -> None:
    box.put(mail(text="two"))
    with serving(box, talk=hostile("BODY.PEEK[]", "promise", bad=frozenset({1}))):
        use(impatient(box))
        fetch()
        fetch()
        assert [row.body for row in inbound()] == [box.mails[2]]
        for _ in range(ONLY_HEADERS):
            fetch()
    first, last = inbound()
    assert (first.state, last.state) == (InboundState.RECEIVED, InboundState.UNREADABLE)
    assert b"Subject: " in last.body
    assert "stays in the mailbox" in last.problem
    assert box.seen == {1, 2}


def test_a_mail_of_which_not_even_the_headers_come_leaves_a_note(box: Box) -> None:
    with serving(box, talk=hostile("BODY.PEEK", "promise")):
        use(impatient(box))
        for _ in range(ONLY_A_NOTE + 1):
            fetch()
    assert [(row.state, row.body) for row in inbound()] == [(InboundState.UNREADABLE, b"")]
    assert box.seen == {1}
