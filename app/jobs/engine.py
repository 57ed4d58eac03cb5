"""Huey, bound to the queue the settings name. One task: "look for work called so"; nothing else is ever queued.

Its own worker only hears the bells and passes them on to the crew, so it is never busy when one rings.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import redis
from huey import MemoryHuey, PostgresHuey, RedisHuey, SqliteHuey
from huey.api import Huey

LISTEN_SECONDS = 0.05  # between two looks into a queue that cannot wake us, which is a file
QUEUE_ERRORS = (sqlite3.Error, psycopg.Error, redis.RedisError, OSError)


class _Engine:
    huey: Huey | None = None
    look: Callable[[str], Any] | None = None


def bind(url: str, *, run: Callable[[str], object]) -> Huey:
    """Open the queue and say what a ring does."""
    huey = _open(url)

    def look(name: str) -> None:
        run(name)

    _Engine.huey = huey
    _Engine.look = huey.task(name="look")(look)
    return huey


def _open(url: str) -> Huey:
    if url.startswith("memory:"):
        return MemoryHuey("undersigned", results=False)
    if url.startswith("postgresql"):
        return PostgresHuey("undersigned", results=False, dsn=url.replace("postgresql+psycopg", "postgresql"))
    if url.startswith("redis"):
        return RedisHuey("undersigned", results=False, url=url)
    filename = url.removeprefix("sqlite:///") or urlsplit(url).path
    Path(filename).parent.mkdir(parents=True, exist_ok=True)
    return SqliteHuey("undersigned", results=False, filename=filename)


def enqueue(name: str, after: timedelta = timedelta(0)) -> None:
    """Put a ring for ``name`` on the queue, to be heard now or later."""
    if _Engine.look is None:
        message = "No queue is bound: call app.jobs.engine.bind(url, …) first."
        raise RuntimeError(message)
    if after:
        _Engine.look.schedule((name,), delay=after)  # type: ignore[attr-defined]
    else:
        _Engine.look(name)


def consumer() -> Any:
    """One thread that hears the bells of this queue until SIGTERM."""
    if _Engine.huey is None:
        message = "No queue is bound: call app.jobs.engine.bind(url, …) first."
        raise RuntimeError(message)
    return _Engine.huey.create_consumer(
        workers=1,
        worker_type="thread",
        periodic=False,
        initial_delay=LISTEN_SECONDS,
        max_delay=LISTEN_SECONDS,
        graceful_signal="TERM",
        shutdown_timeout=20,
    )
