"""``python -m tests.bench.returns``: posts taken in and reports worked off, beside bare inserts in the same run.

``BENCH_DATABASE_URL`` names a database of its own (PostgreSQL); default is a fresh SQLite file. Ratios are what can be
compared between machines; the figures per second are this machine's. ``BENCH_REPORTS`` is how many reports there are.
"""

from __future__ import annotations

import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from app import create_app
from app.core import db
from app.core.clock import utc_now
from app.core.db import transaction
from app.mail.models import Email, EmailState
from app.mailings.models import BatchState, Mailing, MailingBatch, MailingReader
from app.returns import jobs
from app.returns.models import EventPost, Kind, MailEvent, PostState
from app.schema import Base
from config.settings import Settings
from tests.returns.builders import Provider, bounce, listen, read_row, row, written

REPORTS = int(os.environ.get("BENCH_REPORTS", "20000"))
TAKEN_GOAL, WORKED_GOAL, ANSWER_GOAL = 5_000, 2_000, 0.020
POST_SIZES = (1, 10, 100, 1_000)


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def say(what: str, figure: str) -> None:
    """One line of the report."""
    sys.stdout.write(f"  {what:<46}{figure}\n")


def letters(number: int) -> None:
    """Single letters that the provider took."""
    now = utc_now()
    rows = [
        {
            "once": f"bench:{one}",
            "state": EmailState.ACCEPTED,
            "rank": 3,
            "repeatable": False,
            "template": "none",
            "context": {},
            "to_address": f"reader{one}@example.org",
            "to_canonical": f"reader{one}@example.org",
            "stream": "updates:7",
            "attempt_token": f"token-{one}",
            "created_at": now,
            "accepted_at": now,
            "try_after": now,
        }
        for one in range(1, number + 1)
    ]
    with transaction() as session:
        for start in range(0, number, 5_000):
            session.execute(sa.insert(Email), rows[start : start + 5_000])


def readers(number: int, size: int = 1_000) -> None:
    """A mailing whose batches the provider took."""
    now = utc_now()
    with transaction() as session:
        mailing = db.add(session, Mailing(stream="updates:7", template="none", next_at=now, created_at=now))
        batches = [
            {
                "mailing_id": mailing.id,
                "number": batch,
                "size": size,
                "state": BatchState.ACCEPTED,
                "attempt_token": f"batch-{batch}",
                "try_after": now,
                "submitted_at": now,
            }
            for batch in range(number // size)
        ]
        session.execute(sa.insert(MailingBatch), batches)
        rows = [
            {
                "mailing_id": mailing.id,
                "reader_key": one,
                "batch_number": (one - 1) // size,
                "address": f"reader{one}@example.org",
                "canonical": f"reader{one}@example.org",
            }
            for one in range(1, number + 1)
        ]
        for start in range(0, number, 5_000):
            session.execute(sa.insert(MailingReader), rows[start : start + 5_000])


def story(number: int, of: Callable[[str, int], dict[str, object]]) -> list[dict[str, object]]:
    """What a mailing's reports are: taken, delivered, 2 % come back, 1 in 1000 complains; in no order."""
    chance, rows = random.Random(1), []
    for one in range(1, number + 1):
        fate = chance.random()
        last = "bounce" if fate < 0.02 else "spamreport" if fate < 0.021 else "delivered"
        rows += [of("processed", one), of(last, one)]
    chance.shuffle(rows)
    return rows


def intake(app: Flask) -> None:
    """Posts through the front door: signature, row, commit, bell."""
    provider = Provider()
    listen(app, provider)
    client = app.test_client()
    for size in POST_SIZES:
        body = written([row("delivered", one, "nobody's") for one in range(size)])
        headers = provider.headers(body)
        rounds = 60
        taken = []
        bare = []
        for _ in range(rounds):
            bare.append(seconds(lambda body=body: keep(body)))  # type: ignore[misc]
            taken.append(
                seconds(
                    lambda body=body, headers=headers: client.post(  # type: ignore[misc]
                        "/webhooks/sendgrid/events", data=body, headers=headers
                    )
                )
            )
        one, slow = statistics.median(taken), sorted(taken)[int(rounds * 0.95)]
        ratio = one / statistics.median(bare)
        verdict = "within" if slow < ANSWER_GOAL else "OVER"
        say(
            f"post of {size} ({len(body) // 1024} kB)",
            f"{one * 1000:.1f} ms, p95 {slow * 1000:.1f} ms ({verdict} 20 ms), {ratio:.1f} times a bare insert, "
            f"{size / one:,.0f} reports/s",
        )
    with transaction() as session:
        session.execute(sa.delete(EventPost))


def keep(body: bytes) -> None:
    """The least a post can cost: its row."""
    with transaction() as session:
        now = utc_now()
        session.execute(
            sa.insert(EventPost), [{"body": body, "received_at": now, "try_after": now, "state": PostState.DONE}]
        )


def worked_off(what: str, rows: list[dict[str, object]]) -> None:
    """Keep the reports as posts of 1,000 and have one worker work them off."""
    now = utc_now()
    with transaction() as session:
        for start in range(0, len(rows), 1_000):
            session.add(EventPost(body=written(rows[start : start + 1_000]), received_at=now, try_after=now))

    def work() -> None:
        while jobs.work_off():
            pass

    taken = seconds(work)
    with transaction() as session:
        known = session.scalar(sa.select(sa.func.count()).select_from(MailEvent)) or 0
        session.execute(sa.delete(MailEvent))
        session.execute(sa.delete(EventPost))
    if known != len(rows):
        raise RuntimeError(f"{known} reports are known, {len(rows)} were posted.")
    bare = seconds(lambda: inserts(len(rows)))
    rate = len(rows) / taken
    verdict = "reaches" if rate >= WORKED_GOAL else "MISSES"
    say(what, f"{rate:,.0f}/s ({verdict} {WORKED_GOAL:,}/s), {taken / bare:.1f} times bare inserts of as many reports")


def inserts(number: int) -> None:
    """As many bare rows, in transactions as large."""
    now = utc_now()
    rows = [
        {
            "event_id": f"bare-{one}",
            "kind": Kind.DELIVERED,
            "at": now,
            "heard_at": now,
            "reason": "",
            "suppressed": False,
        }
        for one in range(number)
    ]
    for start in range(0, number, 2_000):
        with transaction() as session:
            session.execute(sa.insert(MailEvent), rows[start : start + 2_000])
    with transaction() as session:
        session.execute(sa.delete(MailEvent))


def main() -> None:
    """Measure everything once."""
    folder = Path(tempfile.mkdtemp())
    url = os.environ.get("BENCH_DATABASE_URL", f"sqlite:///{folder}/bench.sqlite")
    sys.stdout.write(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    engine = db.connect(url)
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    app = create_app(Settings(database_url=url, queue_url="memory:", var_dir=folder, log_level="ERROR"))
    sys.stdout.write(f"{db.engine().dialect.name}, {REPORTS:,} reports, load {os.getloadavg()[0]:.1f}\n")
    number = REPORTS // 2
    letters(number)
    readers(number)
    intake(app)
    worked_off("reports of single letters, one worker", story(number, of_letter))
    worked_off("reports of mailings, one worker", story(number, of_reader))


def of_letter(event: str, one: int) -> dict[str, object]:
    """A report of a single letter."""
    return (bounce if event == "bounce" else lambda *marks: row(event, *marks))(one, f"token-{one}")


def of_reader(event: str, one: int) -> dict[str, object]:
    """A report of a mailing's letter to one reader."""
    return read_row(event, one, f"batch-{(one - 1) // 1_000}")


if __name__ == "__main__":
    main()
