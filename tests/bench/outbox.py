"""``python -m tests.bench.outbox``: how fast letters leave, and how long one waits, by SMTP and by SendGrid.

Workers are the real ones, in processes of their own, and so is the other end. The figure beside each is what one
process reaches in the same run that only hands over letters which are ready: no database, no template.
``BENCH_DATABASE_URL`` names a database of its own; default is a fresh SQLite file.
"""

from __future__ import annotations

import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from app import create_app
from app.core import db
from app.core.clock import utc_now
from app.mail import mime, outbox, render, samples
from app.mail.message import Message, Priority
from app.mail.models import Email, EmailState
from app.mail.transports import Letter, SeveralTransport, Transport
from app.mail.transports.sendgrid import SendGridTransport
from app.mail.transports.smtp import SmtpTransport
from app.schema import Base
from config.settings import Settings
from tests.bench.sinks import sinks

LETTERS_SENT = int(os.environ.get("BENCH_LETTERS", "2000"))
READY = 500
A_SECOND = 100
SECONDS = 10
LONGEST = 300
LOT = 100  # as many as a worker takes at once from a server as quick as this one
TEMPLATE = "petitions/mail/confirm"


def confirmation(number: int) -> Message:
    """A confirmation, as a signature queues it."""
    words = {**samples.every()[TEMPLATE].messages[samples.ENGLISH].context, "confirm_path": f"/confirm/{number:032d}"}
    address = f"person{number}@people.example"
    return Message(address, "Ewa Person", TEMPLATE, words, Priority.CONFIRMATION)


def ready_letters(number: int) -> list[Letter]:
    """Letters that only need to be handed over."""
    with db.reading() as session:
        rows = list(session.scalars(sa.select(Email).order_by(Email.id).limit(number)))
        written = [(row, render.render(row), mime.new_message_id(row)) for row in rows]
        built = [(row, mime.written(words, row, ident, now=utc_now())) for row, words, ident in written]
        return [Letter(row.id, "a" * 32, message, raw, "confirmation") for row, (message, raw) in built]


def posting(transport: Transport, letters: Sequence[Letter]) -> float:
    """Letters a second of one process that only posts."""
    started = time.perf_counter()
    if isinstance(transport, SeveralTransport):
        for at in range(0, len(letters), LOT):
            transport.submit_all(letters[at : at + LOT])
    else:
        for letter in letters:
            transport.submit(letter)
    return len(letters) / (time.perf_counter() - started)


@contextmanager
def workers(number: int, environment: dict[str, str]) -> Iterator[list[int]]:
    """So many workers, ended at the end; their process numbers."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker", "--threads", "4"]
    running = [subprocess.Popen(command, env=environment, start_new_session=True) for _ in range(number)]
    try:
        yield [process.pid for process in running]
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            process.wait(30)


def cpu_seconds(pids: Sequence[int]) -> float:
    """What these processes have used of the cores; a busy machine does not change it. Linux tells."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def sent() -> int:
    """How many letters are on their way."""
    with db.reading() as session:
        accepted = sa.select(sa.func.count()).where(Email.state == EmailState.ACCEPTED)
        return session.scalar(accepted) or 0


def wait_until_sent(number: int) -> None:
    """Wait until so many letters are on their way."""
    until = time.monotonic() + LONGEST
    while sent() < number:
        if time.monotonic() > until:
            raise RuntimeError("The letters did not leave in time.")
        time.sleep(0.1)


def emptied() -> None:
    """No letters."""
    with db.transaction() as session:
        session.execute(sa.delete(Email))


def queue_all(number: int) -> None:
    """A spike: all at once."""
    with db.transaction() as session:
        for one in range(number):
            outbox.queue(session, confirmation(one), once=f"bench:{one}", now=utc_now())


def sending(number_of_workers: int, environment: dict[str, str]) -> tuple[float, float]:
    """Letters a second while the workers are warm, after the first fifth; and the seconds of a core that one takes."""
    emptied()
    queue_all(LETTERS_SENT)
    with workers(number_of_workers, environment) as pids:
        wait_until_sent(LETTERS_SENT // 5)
        before, warm_at = cpu_seconds(pids), sent()
        wait_until_sent(LETTERS_SENT)
        cost = (cpu_seconds(pids) - before) / (LETTERS_SENT - warm_at)
    with db.reading() as session:
        moments = list(session.scalars(sa.select(Email.accepted_at).order_by(Email.accepted_at)))
    warm = [moment for moment in moments[LETTERS_SENT // 5 :] if moment is not None]
    return (len(warm) - 1) / (warm[-1] - warm[0]).total_seconds(), cost


def waiting(environment: dict[str, str]) -> tuple[float, float]:
    """Median and 95th percentile of the seconds from commit to hand-over at a steady rate."""
    emptied()
    with workers(1, environment):
        with db.transaction() as session:
            outbox.queue(session, confirmation(0), once="warm", now=utc_now())
        wait_until_sent(1)
        started = time.perf_counter()
        for number in range(1, A_SECOND * SECONDS + 1):
            time.sleep(max(0.0, started + number / A_SECOND - time.perf_counter()))
            with db.transaction() as session:
                outbox.queue(session, confirmation(number), once=f"steady:{number}", now=utc_now())
        wait_until_sent(A_SECOND * SECONDS + 1)
    with db.reading() as session:
        rows = session.execute(sa.select(Email.created_at, Email.accepted_at).where(Email.once != "warm"))
        waits = sorted((accepted - created) / timedelta(seconds=1) for created, accepted in rows if accepted)
    return statistics.median(waits), waits[int(len(waits) * 0.95)]


def main() -> None:
    """Measure everything once."""
    folder = Path(tempfile.mkdtemp())
    url = os.environ.get("BENCH_DATABASE_URL", f"sqlite:///{folder}/bench.sqlite")
    queue = f"sqlite:///{folder}/queue.sqlite"
    Base.metadata.create_all(db.connect(url))
    create_app(Settings(database_url=url, queue_url=queue, var_dir=folder, log_level="ERROR"))
    say(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {db.engine().dialect.name}")
    emptied()
    queue_all(READY)
    letters = ready_letters(READY)
    with sinks() as (smtp, http):
        ways: dict[str, tuple[Transport, dict[str, str]]] = {
            "smtp": (SmtpTransport(smtp, own_host="undersigned.example"), {"SMTP_URL": smtp}),
            "sendgrid": (SendGridTransport("SG.key", host=http), {"SENDGRID_HOST": http, "SENDGRID_API_KEY": "SG.key"}),
        }
        for name, (transport, own) in ways.items():
            shared = {"DATABASE_URL": url, "QUEUE_URL": queue, "VAR_DIR": str(folder), "LOG_LEVEL": "ERROR"}
            report(name, transport, letters, {**os.environ, **shared, "MAIL_TRANSPORT": name, **own})
    emptied()


def report(name: str, transport: Transport, letters: Sequence[Letter], environment: dict[str, str]) -> None:
    """One way out: posting only, one worker, two workers, and the wait."""
    most = max(posting(transport, letters) for _ in range(2))
    say(f"{name}: one process that only posts {most:.0f} letters/s")
    for number in (1, 2):
        rate, cost = sending(number, environment)
        each = f"{cost * 1000:.1f} ms of a core each"
        say(f"  {number} worker{'s' if number > 1 else ''}: {rate:.0f} letters/s, {rate / most:.2f} of it; {each}")
    median, late = waiting(environment)
    say(f"  from commit to hand-over at {A_SECOND}/s: median {median:.3f} s, 95 of 100 within {late:.3f} s")


def say(words: str) -> None:
    """One line of the report."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
