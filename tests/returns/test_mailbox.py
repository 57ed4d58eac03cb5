"""Mail is fetched from a mailbox whole and once, whatever breaks on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app.returns import jobs
from app.returns.jobs.mailbox import LOT, Mailbox, fetch, use
from app.returns.models import InboundState
from config.settings import Settings, SettingsError
from tests.mail.ways import certificate
from tests.returns.imap import Box, serving
from tests.returns.mails import inbound, mail, replies

ROOT = Path(__file__).parent.parent.parent
WORKER = """
import sys, time
from pathlib import Path
from app import create_app
from app.returns.jobs import mailbox
from config.settings import Settings

url, var, imap, where = sys.argv[1:]
create_app(Settings(database_url=url, queue_url="memory:", var_dir=Path(var), imap_url=imap))
keep = mailbox.commands.receive

def stall(*_arguments, **_named):
    Path(var, "stalled").touch()
    time.sleep(60)

def kept_then_stall(*arguments, **named):
    if where == "before it is kept":
        stall()
    return keep(*arguments, **named)

class Kept:
    receive = staticmethod(kept_then_stall)

mailbox.commands = Kept
if where == "before it is marked":
    real = mailbox.transaction
    import contextlib

    @contextlib.contextmanager
    def then_stall():
        with real() as session:
            yield session
        stall()

    mailbox.transaction = then_stall
mailbox.fetch()
"""


@pytest.fixture
def box(database: Flask) -> Iterator[Box]:
    """A mailbox that is fetched from."""
    with serving(Box()) as made:
        use(Mailbox(address(made)))
        yield made
    use(None)


def address(box: Box, scheme: str = "imap", host: str = "127.0.0.1") -> str:
    return f"{scheme}://robin%40box.example:secret%20word@{host}:{box.port}/{box.folder}"


def test_unseen_mail_is_kept_whole_and_marked_only_then(box: Box) -> None:
    raw = mail(text="We stop.\r\n.\r\nFor good.")
    box.put(mail(text="read by somebody already"))
    box.seen.add(1)
    box.put(raw)

    assert fetch() == 1
    assert fetch() == 0

    assert [row.body for row in inbound()] == [raw]
    assert box.seen == {1, 2}
    fetched = [said for said in box.said if "BODY.PEEK[]" in said]
    assert len(fetched) == 1
    jobs.replies.read_one()
    assert [reply.words for reply in replies()] == ["We stop.\n.\nFor good."]


def test_a_full_mailbox_is_fetched_in_lots(box: Box) -> None:
    for number in range(LOT + 3):
        box.put(mail(text=f"Answer {number}"))
    assert [fetch(), fetch(), fetch()] == [LOT, 3, 0]
    assert len(inbound()) == LOT + 3


@pytest.mark.parametrize("command", ["LOGIN", "SELECT", "SEARCH", "RFC822.SIZE", "BODY.PEEK", "STORE", "LOGOUT"])
def test_a_connection_that_breaks_anywhere_loses_and_doubles_nothing(box: Box, command: str) -> None:
    box.put(mail(text="one"))
    box.put(mail(text="two"))
    box.breaks_at = command
    fetch()
    box.breaks_at = ""
    fetch()
    fetch()
    assert len(inbound()) == 2
    assert box.seen == {1, 2}


@pytest.mark.parametrize("where", ["before it is kept", "before it is marked"])
def test_a_worker_killed_between_fetching_and_marking_loses_and_doubles_nothing(
    box: Box, settings: Settings, where: str
) -> None:
    box.put(mail(text="one"))
    command = [sys.executable, "-c", WORKER, settings.database_url, str(settings.var_dir), address(box), where]
    worker = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        for _ in range(1200):
            if (settings.var_dir / "stalled").exists():
                break
            assert worker.poll() is None, "the worker ended by itself"
            time.sleep(0.05)
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert box.seen == set()
    assert len(inbound()) == (1 if where == "before it is marked" else 0)

    fetch()

    assert len(inbound()) == 1
    assert box.seen == {1}


def test_two_workers_at_once_keep_each_mail_once(box: Box) -> None:
    for number in range(12):
        box.put(mail(text=f"Answer {number}"))
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(fetch())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(found) == len(inbound()) == 12


def test_the_same_number_in_a_mailbox_made_anew_is_another_mail(box: Box) -> None:
    box.put(mail(text="one"))
    fetch()
    box.validity, box.mails, box.seen = 8, {1: mail(text="two")}, set()
    assert fetch() == 1
    assert len(inbound()) == 2


def test_a_mail_that_is_too_large_stays_there_and_the_operator_learns_of_it(box: Box) -> None:
    box.sizes[box.put(mail(text="large"))] = 40_000_000
    box.put(mail(text="small"))
    assert fetch() == 2
    large, small = inbound()
    assert (large.state, small.state) == (InboundState.UNREADABLE, InboundState.RECEIVED)
    assert b"large" not in large.body
    assert b"Subject: " in large.body


@pytest.mark.parametrize("wrong", ["password", "folder", "port"])
def test_a_mailbox_that_cannot_be_read_stops_nothing_and_its_password_is_told_to_nobody(
    box: Box, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    box.put(mail())
    use(Mailbox(address(box).replace(f":{box.port}", ":1") if wrong == "port" else address(box)))
    if wrong != "port":
        setattr(box, wrong, "other")
    assert fetch() == 0
    said = capsys.readouterr().out
    assert "the mailbox cannot be read" in said
    assert "secret" not in said


def test_the_mailbox_s_certificate_is_looked_at(database: Flask, tmp_path: Path) -> None:
    theirs, trusting = certificate(tmp_path)
    with serving(Box(), theirs) as box:
        box.put(mail())
        use(Mailbox(address(box, "imaps", "localhost")))
        assert fetch() == 0, "nobody vouches for this certificate"
        assert box.said == []
        use(Mailbox(address(box, "imaps", "localhost"), trusting))
        assert fetch() == 1
    use(None)


@pytest.mark.parametrize("url", ["imap://a:b@mail.example/INBOX", "imaps://mail.example", "pop://a:b@x", "imaps://a@x"])
def test_a_password_is_never_sent_in_the_clear(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({"IMAP_URL": url})
    assert set(refused.value.problems) == {"IMAP_URL"}
    Settings.from_env({"IMAP_URL": "imap://a:b@127.0.0.1:1143/INBOX"})
