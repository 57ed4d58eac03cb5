"""``python -m tests.bench.mailings [READERS] [WORKERS] [--kill]``: one update to very many, through SendGrid's way out.

The provider is a counting server on this machine. Told are readers a second, as a ratio to what one process reaches in
the same run that only posts ready requests; planning; the largest worker's memory. ``--kill`` kills a worker every two
seconds and proves at the end that nobody was written to twice and nobody is missing who is not called uncertain.
``BENCH_DATABASE_URL`` names a database of its own; default is a fresh SQLite file.
"""

from __future__ import annotations

import json
import os
import platform
import random
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app import create_app
from app.broadcasts import commands as broadcasts
from app.broadcasts import jobs as planning
from app.core import db
from app.core.clock import utc_now
from app.mailings import commands as mailings
from app.mailings import jobs, queries
from app.mailings.models import BatchState, MailingBatch, MailingReader
from app.schema import Base
from config.settings import MailTransport, Settings
from tests.broadcasts.builders import Stage, ready, stage

ROOT = Path(__file__).parent.parent.parent
WORKER = """
import resource, sys, time
from app import create_app
from app.jobs import worker
from config.settings import MailTransport, Settings
database, var, provider = sys.argv[1:]
create_app(Settings(
    database_url=database, queue_url="memory:", var_dir=var, base_url="http://undersigned.example",
    mail_transport=MailTransport.SENDGRID, sendgrid_api_key="a-key", sendgrid_host=provider, log_level="ERROR",
))
worker.run("mailings.send")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
PEOPLE = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {readers})
INSERT INTO supporters (id, email, email_canonical, given_name, family_name, postal_code, country, language, created_at)
SELECT i, 'reader' || i || '@people.example', 'reader' || i || '@people.example', 'Ewa' || i, 'Lind', '', '', 'en',
       '2026-01-01 00:00:00'
FROM n
"""
ANSWERS = """
INSERT INTO consent_standings (supporter_id, organization_id, purpose, yes, at)
SELECT id, {organization}, 'updates', true, created_at FROM supporters
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def told(provider: str) -> dict[str, Any]:
    """What the provider counted."""
    with urllib.request.urlopen(provider, timeout=60) as answer:
        return dict(json.loads(answer.read()))


def wait_for(provider: str) -> None:
    """Until the provider answers."""
    for _ in range(200):
        try:
            told(provider)
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(provider)


def crowd(readers: int, there: Stage | None = None) -> int:
    """That many supporters with a yes, and an update on its way to them; gives the update's id."""
    with db.transaction() as session:
        there = there or stage(session)
        session.execute(sa.text(PEOPLE.format(readers=readers)))
        session.execute(sa.text(ANSWERS.format(organization=there.lead.id)))
        update = ready(session, there)
        return broadcasts.send(session, update, by=there.robin, now=utc_now()).id


def planned() -> float:
    """Plan everybody; how long it took."""
    started = time.perf_counter()
    while planning.plan():
        pass
    return time.perf_counter() - started


def only_posting(provider: str, seconds: float = 6) -> float:
    """Readers a second of one process that posts ready requests: the limit of this machine and this way out."""
    from app.mail import mass
    from app.mail.transports import many
    from app.mail.transports.sendgrid import SendGridTransport

    with db.reading() as session:
        batch = session.scalars(sa.select(MailingBatch).order_by(MailingBatch.id)).first()
        if batch is None:
            raise RuntimeError("Nobody is planned.")
    written = jobs._written(mailings.Taken(batch.id, batch.mailing_id, batch.number, 0, "0" * 32))
    nobody = [many.Reader(one.id, "nobody@people.example", one.name, one.values) for one in written.readers]
    body = many.body(mass.lot(written.form, "0" * 32, nobody))
    client = SendGridTransport("a-key", host=provider, timeout=60)._client()
    sent, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        client.mail.send.post(request_body=body)
        sent += len(nobody)
    return sent / (time.perf_counter() - started)


def work(arguments: list[str], workers: int, *, kill: bool) -> tuple[float, int, int]:
    """Have workers send everything; how long it took, the largest one's memory in MB, how many were killed."""
    started = time.perf_counter()
    running: list[subprocess.Popen[str]] = []
    largest, killed, next_kill = 0, 0, started + 2
    while True:
        done = [one for one in running if one.poll() is not None]
        for one in done:
            running.remove(one)
            assert one.stdout is not None
            largest = max(largest, int(one.stdout.read().strip() or 0))
        if not waiting():
            break
        while len(running) < workers:
            command = [sys.executable, "-c", WORKER, *arguments]
            running.append(subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE))
        if kill and time.perf_counter() > next_kill:
            random.choice(running).send_signal(signal.SIGKILL)
            killed, next_kill = killed + 1, time.perf_counter() + 2
        time.sleep(0.05)
    seconds = time.perf_counter() - started
    for one in running:
        one.wait()
        assert one.stdout is not None
        largest = max(largest, int(one.stdout.read().strip() or 0))
    return seconds, largest, killed


def waiting() -> bool:
    """Whether a batch waits that nobody has hold of; the leases of the dead run out at once here."""
    with db.reading() as session:
        left = session.scalar(
            sa.select(sa.func.count()).where(
                MailingBatch.state == BatchState.QUEUED, MailingBatch.lease_token.is_(None)
            )
        )
    return bool(left)


def prove(provider: str, readers: int) -> str:
    """Nobody twice; nobody missing who is not called uncertain."""
    with urllib.request.urlopen(f"{provider}/who", timeout=60) as answer:
        times = answer.read()
    with db.reading() as session:
        uncertain = set(
            session.scalars(
                sa.select(MailingReader.reader_key)
                .join(
                    MailingBatch,
                    sa.and_(
                        MailingBatch.mailing_id == MailingReader.mailing_id,
                        MailingBatch.number == MailingReader.batch_number,
                    ),
                )
                .where(MailingBatch.state == BatchState.UNKNOWN)
            )
        )
    twice = sum(1 for number in range(1, readers + 1) if times[number] > 1)
    missing = sum(1 for number in range(1, readers + 1) if not times[number] and number not in uncertain)
    arrived = sum(1 for number in uncertain if times[number])
    return f"twice {twice}, missing {missing}, uncertain {len(uncertain):,} (of them arrived {arrived:,})"


def give_up_the_dead() -> None:
    """The leases of killed workers run out; then the rest is sent."""
    long_ago = utc_now() - timedelta(days=1)
    with db.transaction() as session:
        session.execute(
            sa.update(MailingBatch).where(MailingBatch.lease_token.is_not(None)).values(leased_until=long_ago)
        )
        mailings.give_up_the_lost(session, now=utc_now())
        free = sa.update(MailingBatch).where(MailingBatch.state == BatchState.QUEUED)
        session.execute(free.values(lease_token=None, leased_until=None))


def main() -> None:
    """One run, told in a few lines."""
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    readers, workers = int(words[0]) if words else 100_000, int(words[1]) if len(words) > 1 else 2
    kill = "--kill" in sys.argv
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        url = os.environ.get("BENCH_DATABASE_URL") or f"sqlite:///{folder}/bench.sqlite"
        port = free_port()
        provider = f"http://127.0.0.1:{port}"
        counting = subprocess.Popen([sys.executable, "-m", "tests.bench.counting", str(port)], cwd=ROOT)
        stack.callback(counting.wait)
        stack.callback(counting.kill)
        wait_for(provider)
        create_app(
            Settings(
                database_url=url,
                queue_url="memory:",
                var_dir=Path(folder),
                mail_transport=MailTransport.SENDGRID,
                sendgrid_api_key="a-key",
                sendgrid_host=provider,
                log_level="ERROR",
            )
        )
        Base.metadata.drop_all(db.engine())
        Base.metadata.create_all(db.engine())
        crowd(readers)
        planning_seconds = planned()
        limit = only_posting(provider)
        seconds, largest, killed = work([url, folder, provider], workers, kill=kill)
        if kill:
            give_up_the_dead()
            work([url, folder, provider], 1, kill=False)
        say(
            f"{platform.machine()}, {os.cpu_count()} cores, {db.engine().dialect.name}, {workers} workers, "
            f"{readers:,} readers, {killed} workers killed"
        )
        say(f"planned in {planning_seconds:.1f} s by one process of {own_memory()} MB")
        say(f"{readers / seconds:,.0f} readers/s, {readers / seconds / limit:.2f} of posting ready requests")
        say(f"the largest worker took {largest} MB")
        say(prove(provider, readers))
        with db.reading() as session:
            say(queries.progress(session, 1))
        Base.metadata.drop_all(db.engine())


def say(words: object) -> None:
    """One line of the report."""
    sys.stdout.write(f"{words}\n")


def own_memory() -> int:
    """The most this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
