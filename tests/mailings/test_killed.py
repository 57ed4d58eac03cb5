"""Fifty thousand readers, and workers killed in the middle of requests: nobody twice, nobody missing, none guessed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

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

ROOT = Path(__file__).parent.parent.parent
READERS, BATCH, KILLS, WORKERS = 50_000, 1_000, 5, 2
AGES_AGO = NOW - timedelta(days=1)
WORKER = """
import sys
from app import create_app
from app.jobs import worker
from config.settings import MailTransport, Settings
database, var, provider = sys.argv[1:]
create_app(Settings(
    database_url=database, queue_url="memory:", var_dir=var, base_url="http://undersigned.example",
    mail_transport=MailTransport.SENDGRID, sendgrid_api_key="a-key", sendgrid_host=provider, log_level="ERROR",
))
worker.run("mailings.send")
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
        for _ in range(KILLS):
            lost |= killed_in_mid_request(provider, settings)
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


def killed_in_mid_request(provider: Provider, settings: Settings) -> set[str]:
    """Let workers send some batches, catch them all in mid-request, kill them; gives the attempts nobody answered."""
    before = set(provider.answered)
    held = Held()

    def answer(request: Request) -> Answer:
        if len(provider.answered - before) < WORKERS:
            return TAKEN
        return held(request)

    provider.answer = answer
    arguments = [settings.database_url, str(settings.var_dir), provider.url]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, *arguments], cwd=ROOT, env=environment) for _ in range(WORKERS)
    ]
    try:
        assert held.full.wait(240), "the workers never both waited for an answer"
        taken = provider.received - provider.answered
    finally:
        for one in workers:
            one.send_signal(signal.SIGKILL)
            one.wait()
        held.let_go.set()
    return taken
