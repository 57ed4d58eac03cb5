"""``flask serve`` as it runs for real: it stops cleanly, and ``kill -9`` loses and doubles nothing."""

from __future__ import annotations

import email
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.policy import default
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs.models import WorkerBeat
from app.mail.models import Email, EmailState
from app.mail.queries import Workers, workers
from app.petitions import commands as petitions
from app.petitions.models import Signature
from tests.broadcasts.builders import stage

pytestmark = pytest.mark.long
ROOT = Path(__file__).parent.parent.parent
SERVE = [sys.executable, "-m", "flask", "--app", "wsgi", "serve"]
PATIENCE = 150
# As many as one network address may sign with in a minute; more would be held back in silence.
SIGNERS = 20


def wait_until(true: Callable[[], bool], what: str) -> None:
    """Look again and again until it is true; fail with its name when patience ends."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"waited {PATIENCE} s for {what}"
        time.sleep(0.1)


class Installation:
    """A running installation on a port of its own."""

    def __init__(self, environment: dict[str, str], url: str) -> None:
        self.environment, self.url = environment, url
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(SERVE, cwd=ROOT, env=self.environment)
        wait_until(self.answers, "the web server")

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                return int(answer.status) == 200
        except OSError:
            return False

    def sign(self, slug: str, number: int) -> bool:
        """Whether the form took the signature."""
        form = {
            "given_name": "Ewa",
            "family_name": f"Person {chr(65 + number % 26)}{chr(65 + number // 26)}",
            "email": f"person{number}@people.example",
            "postal_code": "98101",
            "country": "US",
        }
        body = urllib.parse.urlencode(form).encode()
        try:
            with urllib.request.urlopen(f"{self.url}/petitions/{slug}/sign", data=body, timeout=20) as answer:
                return str(answer.url).endswith("/thanks")
        except (OSError, urllib.error.URLError):
            return False

    def kill(self) -> None:
        """``kill -9`` of the supervisor, the web server and the worker, wherever they stand."""
        assert self.process is not None
        for ident in [*children(self.process.pid), self.process.pid]:
            os.kill(ident, signal.SIGKILL)
        self.process.wait()
        wait_until(lambda: not self.answers(), "the port to be free")

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def children(parent: int) -> list[int]:
    """Every process below one, the deepest first."""
    found: list[int] = []
    for task in Path(f"/proc/{parent}/task").glob("*/children"):
        for ident in map(int, task.read_text().split()):
            found += [*children(ident), ident]
    return found


@pytest.fixture
def installation(database: Flask, database_url: str, tmp_path: Path) -> Iterator[Installation]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    made = Installation(
        {
            **os.environ,
            "DATABASE_URL": database_url,
            "QUEUE_URL": f"sqlite:///{tmp_path}/queue.sqlite",
            "VAR_DIR": str(tmp_path),
            "BASE_URL": url,
            "WEB_BIND": f"127.0.0.1:{port}",
        },
        url,
    )
    yield made
    if made.process is not None and made.process.poll() is None:
        made.kill()


def open_petition() -> str:
    with transaction() as session:
        there = stage(session)
        entry = petitions.NewPetition(title="Ban", text="We ask.")
        petition = petitions.start_petition(session, there.campaign, entry, [], by=there.robin, now=utc_now())
        return petitions.open_petition(session, petition, by=there.robin, now=utc_now()).slug


def unsettled() -> int:
    with reading() as session:
        waiting = Email.state.in_([EmailState.QUEUED, EmailState.SUBMITTING])
        return session.scalar(sa.select(sa.func.count()).select_from(Email).where(waiting)) or 0


def time_passes() -> None:
    """Whatever a killed worker held is over, as it is a minute later."""
    with transaction() as session:
        held = sa.update(Email).where(Email.leased_until.is_not(None))
        session.execute(held.values(leased_until=utc_now() - timedelta(seconds=1)))


def working() -> Workers:
    with reading() as session:
        return workers(session, now=utc_now())


def written(folder: Path) -> Counter[str]:
    """How many confirmation letters each mailbox got."""
    letters = [email.message_from_bytes(path.read_bytes(), policy=default) for path in folder.glob("*.eml")]
    return Counter(str(letter["To"].addresses[0].addr_spec) for letter in letters)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes in /proc, which only Linux has")
def test_killed_in_the_middle_and_started_again_nothing_is_lost_and_nothing_comes_twice(
    installation: Installation, tmp_path: Path
) -> None:
    slug = open_petition()
    installation.start()
    taken = {number for number in range(SIGNERS // 2) if installation.sign(slug, number)}
    installation.kill()
    installation.start()
    taken |= {number for number in range(SIGNERS // 2, SIGNERS) if installation.sign(slug, number)}
    installation.kill()
    time_passes()
    installation.start()
    assert taken == set(range(SIGNERS))
    wait_until(lambda: unsettled() == 0, "every letter to be settled")
    assert installation.stop() == 0
    with reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Signature)) == SIGNERS
    assert written(tmp_path / "mail") == Counter({f"person{number}@people.example": 1 for number in range(SIGNERS)})


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes in /proc, which only Linux has")
def test_a_worker_that_is_stopped_says_farewell_and_a_killed_one_is_only_not_heard_of(
    installation: Installation,
) -> None:
    installation.start()
    wait_until(lambda: len(working().names) == 1, "the worker's first word")
    installation.kill()
    assert (len(working().names), working().stopped_at) == (1, None)

    installation.start()
    wait_until(lambda: len(working().names) == 2, "the second worker's first word")
    assert installation.stop() == 0
    with reading() as session:
        beats = session.scalars(sa.select(WorkerBeat.stopped_at).order_by(WorkerBeat.started_at)).all()
    assert [stopped is not None for stopped in beats] == [False, True]


@pytest.mark.parametrize("part", [b"flask", b"granian"])
def test_a_part_that_dies_stops_the_rest_and_leaves_nobody_behind(installation: Installation, part: bytes) -> None:
    installation.start()
    assert installation.process is not None
    everybody = children(installation.process.pid)
    parts = [ident for ident in everybody if part in command_of(ident)]
    os.kill(parts[-1], signal.SIGKILL)
    assert installation.process.wait(60) != 0
    assert not installation.answers()
    wait_until(
        lambda: not any(Path(f"/proc/{ident}/cmdline").exists() and command_of(ident) for ident in everybody), "all"
    )


def command_of(ident: int) -> bytes:
    return Path(f"/proc/{ident}/cmdline").read_bytes()
