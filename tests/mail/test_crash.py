"""A worker killed in the middle of a letter, as an operating system kills it: without a word."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from app.mail import jobs
from app.mail.models import EmailState
from app.mail.transports.dev import DevTransport
from config.settings import Settings
from tests.builders import NOW
from tests.mail.builders import Scripted, changed, email, queued

ROOT = Path(__file__).parent.parent.parent
LONG_AGO = NOW - timedelta(days=1)
WORKER = """
import sys, time
from datetime import timedelta
from pathlib import Path
from app import create_app
from app.mail import jobs, mime
from app.mail.transports import Accepted
from app.mail.transports.dev import DevTransport
from config.settings import Settings

url, var, where = sys.argv[1:]
create_app(Settings(database_url=url, queue_url="memory:", var_dir=Path(var), base_url="http://undersigned.example"))

def stall(*_arguments, **_named):
    Path(var, "stalled").touch()
    time.sleep(60)

class Stalling(DevTransport):
    def submit(self, letter):
        if where == "before it left":
            stall()
        accepted = super().submit(letter)
        stall()
        return accepted

jobs.use(Stalling(Path(var, "mail")))
if where == "while it was written":
    mime.written = stall
jobs.send()
"""


@contextmanager
def killed(settings: Settings, where: str) -> Iterator[None]:
    """A worker in a process of its own, killed where it stalls."""
    command = [sys.executable, "-c", WORKER, settings.database_url, str(settings.var_dir), where]
    worker = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        wait_for((settings.var_dir / "stalled").exists, worker)
        yield
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()


def wait_for(ready: Callable[[], bool], worker: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if ready():
            return
        assert worker.poll() is None, "the worker ended by itself"
        time.sleep(0.05)
    pytest.fail("the worker never stalled")


@pytest.mark.parametrize("where", ["before it left", "after it left"])
@pytest.mark.parametrize("repeatable", [True, False])
def test_a_letter_in_the_hands_of_a_killed_worker_repeats_only_if_it_may(
    database: Flask,
    settings: Settings,
    where: str,
    repeatable: bool,  # noqa: FBT001
) -> None:
    ident = queued(repeatable=repeatable)
    with killed(settings, where):
        assert email(ident).state is EmailState.SUBMITTING
    jobs.use(transport := Scripted())
    assert jobs.send() == 0, "a claim holds until its lease runs out"
    changed(ident, leased_until=LONG_AGO)

    assert jobs.send() == 1
    assert jobs.send() == 0

    assert email(ident).state is (EmailState.ACCEPTED if repeatable else EmailState.UNKNOWN)
    assert len(transport.letters) == (1 if repeatable else 0)


def test_a_letter_that_had_already_left_as_a_file_is_not_doubled(database: Flask, settings: Settings) -> None:
    ident = queued()
    with killed(settings, "after it left"):
        pass
    changed(ident, leased_until=LONG_AGO)
    jobs.use(DevTransport(settings.var_dir / "mail"))

    jobs.send()

    assert len(list((settings.var_dir / "mail").iterdir())) == 1
    assert email(ident).state is EmailState.ACCEPTED


def test_a_letter_that_never_reached_the_transport_is_sent_whatever_its_kind(
    database: Flask, settings: Settings
) -> None:
    ident = queued(repeatable=False)
    with killed(settings, "while it was written"):
        assert email(ident).state is EmailState.QUEUED
    changed(ident, leased_until=LONG_AGO)
    jobs.use(transport := Scripted())

    assert jobs.send() == 1

    assert email(ident).state is EmailState.ACCEPTED
    assert len(transport.letters) == 1
