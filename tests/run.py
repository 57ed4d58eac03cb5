"""Runs the whole suite: on SQLite, again on PostgreSQL, and in a browser; names at the end what could not be run.

``STRICT=1`` turns whatever could not be run, and every skipped test, into a failure.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psycopg

ROOT = Path(__file__).parent.parent
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
STRICT = os.environ.get("STRICT") == "1"
# One browser is as fast as the machine lets it be; the rest of the suite uses every core.
LANES = ["-n", "auto", "--dist", "worksteal"]


def postgres() -> str | None:
    """The PostgreSQL to test on: the one named, or one that answers on this machine."""
    named = os.environ.get("TEST_POSTGRES_URL")
    for url in (
        [named] if named else ["postgresql://postgres@127.0.0.1/test", "postgresql://postgres@127.0.0.1/postgres"]
    ):
        try:
            psycopg.connect(url, connect_timeout=3).close()
        except psycopg.OperationalError:
            continue
        return url
    return None


def chromium() -> str | None:
    """A Chromium on this machine."""
    named = os.environ.get("CHROMIUM")
    return named or next((found for name in CHROMIUMS if (found := shutil.which(name))), None)


def run(title: str, arguments: list[str], **environment: str) -> tuple[bool, int]:
    """One pass of pytest; gives whether it was green and how many tests it skipped."""
    sys.stdout.write(f"\n== {title}\n")
    sys.stdout.flush()
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    last = ""
    for line in process.stdout or ():
        sys.stdout.write(line)
        last = line if " in " in line else last
    green = process.wait() == 0
    skipped = re.search(r"(\d+) skipped", last)
    sys.stdout.write(f"== {title}: {'green' if green else 'RED'} after {time.monotonic() - started:.0f} s\n")
    return green, int(skipped.group(1)) if skipped else 0


def main() -> int:
    """Every pass that can be run here; the exit status says whether all is well."""
    missing: list[str] = []
    passes = [run("SQLite", [*LANES, "-m", "not browser"], TEST_DATABASE="sqlite")]
    server = postgres()
    if server:
        passes.append(run("PostgreSQL", [*LANES, "-m", "database and not browser"], TEST_DATABASE=server))
    else:
        missing.append("PostgreSQL (start one on 127.0.0.1:5432, or name one in TEST_POSTGRES_URL)")
    browser = chromium()
    if browser:
        passes.append(run("browser", ["-m", "browser"], TEST_DATABASE="sqlite", CHROMIUM=browser))
    else:
        missing.append("the browser tests (install Chromium, or name one in CHROMIUM)")
    skipped = sum(count for _, count in passes)
    if skipped:
        missing.append(f"{skipped} skipped tests (the reasons stand above)")
    sys.stdout.write("\nNot run: " + "; ".join(missing) + "\n" if missing else "\nEverything was run.\n")
    green = all(good for good, _ in passes)
    return 0 if green and not (STRICT and missing) else 1


if __name__ == "__main__":
    sys.exit(main())
