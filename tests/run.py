"""Runs the whole suite: on SQLite, again on PostgreSQL, and in a browser; names at the end what could not be run.

``STRICT=1`` turns whatever could not be run, and every skipped test, into a failure.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import psycopg

ROOT = Path(__file__).parent.parent
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
HERE = ("postgresql://postgres@127.0.0.1/test", "postgresql://postgres@127.0.0.1/postgres")
# One browser is as fast as the machine lets it be; the rest of the suite uses every core.
LANES = ["-n", "auto", "--dist", "worksteal"]
BROWSER = "tests/browser"
NOTHING_COLLECTED = 5


@dataclass(frozen=True)
class Pass:
    """How one pass of pytest went."""

    status: int
    skipped: int

    @property
    def green(self) -> bool:
        """No test failed; whether there was any is another question."""
        return self.status in {0, NOTHING_COLLECTED}


def answers(url: str) -> bool:
    """Whether a PostgreSQL lets us in at this address."""
    try:
        psycopg.connect(url.replace("+psycopg", "", 1), connect_timeout=3).close()
    except psycopg.Error:
        return False
    return True


def chromium() -> str | None:
    """The Chromium named, or one on this machine."""
    named = os.environ.get("CHROMIUM")
    return named or next((found for name in CHROMIUMS if (found := shutil.which(name))), None)


def skips(report: Path) -> int:
    """How many tests a JUnit report calls skipped; an expected failure counts too, for it proves nothing."""
    return len(ET.parse(report).findall(".//skipped")) if report.exists() else 0


def cpu() -> float:
    """Seconds that processes of ours which have ended have computed: on a busy machine a better measure than time."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def run(title: str, arguments: list[str], **environment: str) -> Pass:
    """One pass of pytest over what these arguments choose."""
    sys.stdout.write(f"\n== {title}\n")
    sys.stdout.flush()
    started, worked = time.monotonic(), cpu()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        plain = ["-q", "-p", "no:cacheprovider", "--durations=12", f"--junitxml={report}"]
        command = [sys.executable, "-m", "pytest", *plain, *arguments]
        status = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=False).returncode
        done = Pass(status, skips(report))
    word = "nothing to run" if status == NOTHING_COLLECTED else "green" if done.green else "RED"
    took = f"{time.monotonic() - started:.0f} s ({cpu() - worked:.0f} s of processor time)"
    sys.stdout.write(f"== {title}: {word} after {took}\n")
    return done


def main() -> int:
    """Every pass that can be run here; the exit status says whether all is well."""
    strict = os.environ.get("STRICT") == "1"
    missing: list[str] = []
    named = os.environ.get("TEST_POSTGRES_URL")
    if named and not answers(named):
        sys.stdout.write("Nothing answers at the address in TEST_POSTGRES_URL: start the server, or unset it.\n")
        return 1
    passes = {"SQLite": run("SQLite", [*LANES, "-m", "not browser and not postgresql"], TEST_DATABASE="sqlite")}
    server = named or next(filter(answers, HERE), None)
    if server:
        chosen = [*LANES, "-m", "database and not browser and not sqlite"]
        passes["PostgreSQL"] = run("PostgreSQL", chosen, TEST_DATABASE=server)
    else:
        missing.append("PostgreSQL (start one on 127.0.0.1:5432, or name one in TEST_POSTGRES_URL)")
    browser = chromium()
    if browser:
        passes["browser"] = run("browser", [BROWSER, "-m", "browser"], TEST_DATABASE="sqlite", CHROMIUM=browser)
    else:
        missing.append("the browser tests (install Chromium, or name one in CHROMIUM)")
    missing += [
        f"{title} (no test is marked for it)" for title, one in passes.items() if one.status == NOTHING_COLLECTED
    ]
    skipped = sum(one.skipped for one in passes.values())
    if skipped:
        missing.append(f"{skipped} skipped tests (their reasons stand above)")
    sys.stdout.write("\nNot run: " + "; ".join(missing) + "\n" if missing else "\nEverything was run.\n")
    return 0 if all(one.green for one in passes.values()) and not (strict and missing) else 1


if __name__ == "__main__":
    sys.exit(main())
