"""Thousands of readers, and workers killed in the middle of requests: nobody twice, nobody missing, none guessed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from app.jobs import worker
from app.mail import jobs as post_office
from app.mail.transports.sendgrid import SendGridTransport
from app.mailings.models import BatchState
from app.mailings.rules import SEND
from config.settings import Settings
from tests.builders import NOW
from tests.mailings.builders import batches, changed, planned, readers, seen
from tests.mailings.provider import TAKEN, Answer, Provider, Request, running

pytestmark = pytest.mark.long
ROOT = Path(__file__).parent.parent.parent
READERS, BATCH, KILLS, WORKERS = 50_000, 1_000, 5, 2
AGES_AGO = NOW - timedelta(days=1)
# "begin" starts a worker and tells its number, "gone 7" tells when worker 7 has ended; a fork each, because starting
# Python takes longer than the work.
FORKS = """
import os, sys
from app import create_app
from app.core import db
from app.jobs import worker
from config.settings import MailTransport, Settings

database, var, provider = sys.argv[1:]
create_app(Settings(
    database_url=database, queue_url="memory:", var_dir=var, base_url="http://undersigned.example",
    mail_transport=MailTransport.SENDGRID, sendgrid_api_key="a-key", sendgrid_host=provider, log_level="ERROR",
))
db.dispose()
for line in sys.stdin:
    word, _, ident = line.strip().partition(" ")
    if word == "gone":
        os.waitpid(int(ident), 0)
        print(ident, flush=True)
        continue
    child = os.fork()
    if child == 0:
        db.connect(database)
        worker.run("mailings.send")
        os._exit(0)
    print(child, flush=True)
"""


class Held:
    """Keeps requests without an answer until every worker waits for one; then they can be killed in mid-request."""

    def __init__(self) -> None:
        self.waiting = 0
        self.full = threading.Event()
        self.let_go = threading.Event()
        self._lock = threading.Lock()

    def __call__(self, _request: Request) -> Answer:
        with self._lock:
            self.waiting += 1
            if self.waiting == WORKERS:
                self.full.set()
        self.let_go.wait(120)
        return Answer(0)


def test_killing_workers_in_mid_request_makes_exactly_those_batches_uncertain(
    database: Flask, settings: Settings
) -> None:
    ident = planned(READERS, size=BATCH)
    with running() as provider:
        lost: set[str] = set()
        with forks(provider, settings) as process:
            for _ in range(KILLS):
                lost |= killed_in_mid_request(provider, process)
                changed(ident, leased_until=AGES_AGO)
        post_office.use(SendGridTransport("a-key", host=provider.url, timeout=60))
        provider.answer = lambda _request: TAKEN
        worker.run(SEND)

        assert provider.problems == []
        uncertain = {str(one.attempt_token): one for one in batches(ident) if one.state is BatchState.UNKNOWN}
        assert set(uncertain) == lost
        assert len(lost) == KILLS * WORKERS
        numbers = {one.number for one in uncertain.values()}
        certain = {one.address.casefold() for one in readers(ident) if one.batch_number not in numbers}
        assert set(provider.written) == certain
        assert set(provider.written.values()) == {1}
    counts = seen(ident)
    assert (counts.accepted, counts.unknown) == (READERS - len(lost) * BATCH, len(lost) * BATCH)
    assert (counts.planned, counts.waiting, counts.submitting) == (READERS, 0, 0)


@contextmanager
def forks(provider: Provider, settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """A process that lets workers begin, each a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", FORKS, settings.database_url, str(settings.var_dir), provider.url],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        yield process


def told(process: subprocess.Popen[str], words: str) -> int:
    """The number that the process answers with."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{words}\n")
    process.stdin.flush()
    return int(process.stdout.readline())


def killed_in_mid_request(provider: Provider, process: subprocess.Popen[str]) -> set[str]:
    """Let workers send some batches, catch them all in mid-request, kill them; gives the attempts nobody answered."""
    before = set(provider.answered)
    held = Held()

    def answer(request: Request) -> Answer:
        if len(provider.answered - before) < WORKERS:
            return TAKEN
        return held(request)

    provider.answer = answer
    workers = [told(process, "begin") for _ in range(WORKERS)]
    try:
        assert held.full.wait(240), "the workers never both waited for an answer"
        taken = provider.received - provider.answered
    finally:
        for one in workers:
            os.kill(one, signal.SIGKILL)
            assert told(process, f"gone {one}") == one
        held.let_go.set()
    return taken
