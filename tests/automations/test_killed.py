"""Workers killed at every step, as an operating system kills them: everybody is written to once, nobody skipped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from flask import Flask

from app.automations import commands
from app.automations.models import Kind
from app.core.db import reading
from app.jobs import worker
from config.settings import Settings
from tests.automations.builders import reminders, rows, welcomes
from tests.automations.test_races import waiting, welcoming

pytestmark = pytest.mark.long
ROOT = Path(__file__).parent.parent.parent
PEOPLE = 3
# Reads after how many statements and commits to die; a fork each, because starting Python takes longer than the work.
WORKERS = """
import os, signal, sys
import sqlalchemy as sa
from app import create_app
from app.automations import jobs
from app.core import db
from config.settings import Settings

database, var, work = sys.argv[1:]
create_app(Settings(database_url=database, queue_url="memory:", var_dir=var, log_level="ERROR",
                    base_url="http://undersigned.example"))
db.dispose()
for line in sys.stdin:
    left = int(line)
    child = os.fork()
    if child == 0:
        def step(*_):
            global left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
        engine = db.connect(database)
        sa.event.listen(engine, "before_cursor_execute", step)
        sa.event.listen(engine, "commit", step)
        getattr(jobs, work)()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@contextmanager
def workers(settings: Settings, work: str) -> Iterator[subprocess.Popen[str]]:
    """A process that lets one worker after the other begin."""
    arguments = [settings.database_url, str(settings.var_dir), work]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", WORKERS, *arguments],
        cwd=ROOT,
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        yield process


def end_of_worker(given: IO[str] | None, told: IO[str] | None, after: int) -> int:
    """How a worker ended that may take so many steps; the one before is gone by then."""
    assert given
    assert told
    given.write(f"{after}\n")
    given.flush()
    return int(told.readline())


@pytest.mark.parametrize("kind", list(Kind))
def test_a_worker_killed_at_any_step_repeats_nobody_and_skips_nobody(
    database: Flask, settings: Settings, kind: Kind
) -> None:
    waiting(PEOPLE) if kind is Kind.REMINDER else welcoming(PEOPLE)
    work, found = ("remind", reminders) if kind is Kind.REMINDER else ("welcome", welcomes)
    killed = 0
    with workers(settings, work) as process:
        while (end := end_of_worker(process.stdin, process.stdout, killed)) != 0:
            assert end == -signal.SIGKILL
            killed += 1
            with reading() as session:
                assert len(rows(session)) == len(found(session)) in {0, PEOPLE}
    assert killed > 10
    worker.run(commands.REMIND)
    worker.run(commands.WELCOME)
    with reading() as session:
        assert len(rows(session)) == len(found(session)) == PEOPLE
        assert len({one.to_address for one in found(session)}) == PEOPLE
