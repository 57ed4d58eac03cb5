"""``python -m tests.bench.meanwhile [READERS] [WORKERS]``: what an update to very many costs those who sign meanwhile.

A web server and workers as they run for real, a counting provider, and people who sign through the public form: as
fast as they can for a while without the update and for a while with it; and at a pace that the machine keeps by itself,
half as fast but at most a hundred a second, to see how long a confirmation waits from its commit to the provider,
again without the update and with it. ``BENCH_DATABASE_URL`` as for the other benchmarks.
"""

from __future__ import annotations

import http.client
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from app import create_app
from app.core import db
from app.core.clock import utc_now
from app.mail.models import Email
from app.mailings import queries
from app.petitions import commands as petitions
from app.schema import Base
from config.server import web_command, worker_command
from config.settings import MailTransport, Settings
from tests.bench.mailings import crowd, free_port, planned, wait_for
from tests.broadcasts.builders import Stage, stage

ROOT = Path(__file__).parent.parent.parent
SECONDS = float(os.environ.get("BENCH_SECONDS", "10"))
THREADS = 4
A_SECOND = 100
CONFIRMATION = "petitions/mail/confirm"


class Signers:
    """People who sign through the form, each from a network address of their own."""

    def __init__(self, port: int, slug: str) -> None:
        """Where they sign."""
        self.port, self.path = port, f"/petitions/{slug}/sign"
        self.number = 0
        self._lock = threading.Lock()

    def one(self, connection: http.client.HTTPConnection) -> None:
        """One signature."""
        with self._lock:
            self.number += 1
            number = self.number
        words = {
            "given_name": "Ewa",
            "family_name": f"Person {number}",
            "email": f"signer{number}@people.example",
            "postal_code": "98101",
            "country": "US",
        }
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": address}
        connection.request("POST", self.path, urllib.parse.urlencode(words), headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 303:
            raise RuntimeError(f"The form answered {answer.status}.")

    def busy(self, seconds: float, pause: float = 0) -> float:
        """Signatures a second that so many threads get through, each resting ``pause`` seconds between two."""
        before, end = self.number, time.monotonic() + seconds

        def sign() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            while time.monotonic() < end:
                started = time.monotonic()
                self.one(connection)
                time.sleep(max(0.0, pause - (time.monotonic() - started)))
            connection.close()

        threads = [threading.Thread(target=sign) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return (self.number - before) / seconds


def open_petition() -> tuple[Stage, str]:
    """A petition to sign; gives who is there and its name in the address."""
    with db.transaction() as session:
        there = stage(session)
        entry = petitions.NewPetition(title="Ban it", text="Ban it, for good.")
        asks = [(there.lead, "May we write to you?")]
        petition = petitions.start_petition(session, there.campaign, entry, asks, by=there.robin, now=utc_now())
        petitions.open_petition(session, petition, by=there.robin, now=utc_now())
        return there, petition.slug


def waits(since: datetime) -> list[float]:
    """How long each confirmation since then waited from its commit to the provider, in seconds."""
    with db.reading() as session:
        query = sa.select(Email.created_at, Email.accepted_at).where(
            Email.template == CONFIRMATION, Email.created_at >= since
        )
        rows = session.execute(query).all()
    now = utc_now()
    return sorted(((accepted or now) - created).total_seconds() for created, accepted in rows)


def handed_over() -> int:
    """Readers of the update that were handed over so far."""
    with db.reading() as session:
        return queries.progress(session, 1).handed_over


def say(words: str) -> None:
    """One line of the report."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def main() -> None:
    """One run, told in a few lines."""
    readers = int(sys.argv[1]) if len(sys.argv) > 1 else 300_000
    workers = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        url = os.environ.get("BENCH_DATABASE_URL") or f"sqlite:///{folder}/bench.sqlite"
        port, count = free_port(), free_port()
        given = {
            "DATABASE_URL": url,
            "QUEUE_URL": f"sqlite:///{folder}/queue.sqlite",
            "VAR_DIR": folder,
            "WEB_BIND": f"127.0.0.1:{port}",
            "TRUSTED_PROXIES": "1",
            "MAIL_TRANSPORT": MailTransport.SENDGRID.value,
            "SENDGRID_API_KEY": "a-key",
            "SENDGRID_HOST": f"http://127.0.0.1:{count}",
            "LOG_LEVEL": "ERROR",
        }
        settings = Settings.from_env(given)
        create_app(settings)
        Base.metadata.drop_all(db.engine())
        Base.metadata.create_all(db.engine())
        there, slug = open_petition()

        def start(command: list[str]) -> None:
            process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **given})
            stack.callback(process.wait)
            stack.callback(process.terminate)

        start([sys.executable, "-m", "tests.bench.counting", str(count)])
        start(web_command(settings))
        for _ in range(workers):
            start(worker_command(settings))
        wait_for(f"http://127.0.0.1:{count}")
        wait_for_web(port)
        measure(Signers(port, slug), there, readers, workers)
    Base.metadata.drop_all(db.engine())


def wait_for_web(port: int) -> None:
    """Until the web server answers."""
    for _ in range(400):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        except OSError:
            time.sleep(0.05)
        else:
            return
        finally:
            connection.close()
    raise TimeoutError("The web server does not answer.")


def measure(people: Signers, there: Stage, readers: int, workers: int) -> None:
    """Without the update and with it: as fast as people can sign, and at a pace that the machine keeps by itself."""
    people.busy(2)
    alone = people.busy(SECONDS)
    pace = min(A_SECOND, alone / 2)
    _, quiet = steadily(people, pace)
    crowd(readers, there)
    planning = planned()
    before, started = handed_over(), time.monotonic()
    meanwhile = people.busy(SECONDS)
    sent = (handed_over() - before) / (time.monotonic() - started)
    before, started = handed_over(), time.monotonic()
    steady, waited = steadily(people, pace)
    beside = (handed_over() - before) / (time.monotonic() - started)
    rest = "while the update went on" if handed_over() < readers else "though the update had ended by then"
    say(f"{platform.machine()}, {os.cpu_count()} cores, {db.engine().dialect.name}, {workers} workers")
    say(f"{readers:,} readers planned in {planning:.1f} s")
    say(f"signing keeps {meanwhile / alone:.2f} of its throughput meanwhile ({meanwhile:.0f} of {alone:.0f} a second)")
    say(f"the update goes on at {sent:,.0f} readers/s beside that, at {beside:,.0f} beside {steady:.0f} signatures/s")
    say(f"at {steady:.0f} signatures/s a confirmation waits {rest}: {told_waits(waited)}")
    say(f"without it: {told_waits(quiet)}")


def steadily(people: Signers, pace: float) -> tuple[float, list[float]]:
    """So many sign a second for a while: how many did, and how long each confirmation waited."""
    since = utc_now()
    rate = people.busy(SECONDS, pause=THREADS / pace)
    until = time.monotonic() + 10
    while still_waiting(since) and time.monotonic() < until:
        time.sleep(0.1)
    return rate, waits(since)


def still_waiting(since: datetime) -> bool:
    """Whether a confirmation of that time has not been handed over yet."""
    with db.reading() as session:
        query = sa.select(Email.id).where(
            Email.template == CONFIRMATION, Email.created_at >= since, Email.accepted_at.is_(None)
        )
        return session.scalar(query.limit(1)) is not None


def told_waits(waited: list[float]) -> str:
    """The middle, the slow ones and the slowest, in seconds."""
    late = waited[int(len(waited) * 0.95)]
    return f"median {statistics.median(waited):.2f} s, 95 of 100 within {late:.2f} s, all within {waited[-1]:.2f} s"


if __name__ == "__main__":
    main()
