"""``make bench``: how much each path costs beside the cheapest one of its kind, on this machine, in this run.

Every figure is a median over rounds that alternate the paths, and is printed as a ratio, because seconds of one
machine say nothing about another. ``BENCH_DATABASE_URL`` names a database of its own; default is a fresh SQLite file.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.coalitions.models import PartyRole
from app.core import db
from app.core.clock import utc_now
from app.core.text import digest
from app.jobs import worker
from app.petitions import commands as petitions
from app.petitions.models import Petition, PetitionState
from app.press.letter import LetterSheet, RollEntry, RollGroup, Sheet, set_letter
from app.schema import Base
from config.settings import Settings
from tests import builders

ROUNDS = 15
WORDS = "# Stop\n\n" + "\n\n".join(["We ask Amazon to stop selling face recognition to police, for good."] * 12)


def seconds(work: Callable[[], object]) -> float:
    """How long one round takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def medians(works: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The median of each path, measured in alternation so that a busy machine is busy for all."""
    for work in works.values():
        work()
    rounds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            rounds[name].append(seconds(work))
    return {name: statistics.median(values) for name, values in rounds.items()}


def stage() -> Petition:
    """A coalition with an open petition."""
    with db.transaction() as session:
        coalition = builders.coalition(session)
        lead = builders.organization(session, name="Lead", within=coalition, party=PartyRole.LEAD)
        robin = builders.actor(builders.member(session, lead))
        entry = petitions.NewPetition(title="Ban", text=WORDS)
        campaign = builders.campaign(session, coalition)
        asks = [(lead, "May Lead write to you?")]
        petition = petitions.start_petition(session, campaign, entry, asks, by=robin, now=utc_now())
        petitions.open_petition(session, petition, by=robin, now=utc_now())
    if petition.state is not PetitionState.OPEN:
        raise RuntimeError("The stage is not set.")
    return petition


class Signer:
    """Signs with a new address each time."""

    def __init__(self, client: FlaskClient, slug: str) -> None:
        """Keep where to post."""
        self.client, self.slug, self.number = client, slug, 0

    def several(self, number: int) -> None:
        """So many signatures, one after the other."""
        for _ in range(number):
            self.once()

    def once(self) -> None:
        """One signature through the public form."""
        self.number += 1
        form = {
            "given_name": "Ewa",
            "family_name": f"Person {self.number}",
            "email": f"person{self.number}-{time.monotonic_ns()}@people.example",
            "postal_code": "98101",
            "country": "US",
            "consent-lead": "yes",
        }
        answer = self.client.post(f"/petitions/{self.slug}/sign", data=form, environ_base={"REMOTE_ADDR": ""})
        if answer.status_code != 303:
            raise RuntimeError(f"The form answered {answer.status_code}.")


def sheet(names: int) -> LetterSheet:
    """A letter with so many names."""
    roll = tuple(RollEntry(f"Organization number {number}", "Ann Lee", "Director") for number in range(names))
    words = Sheet(
        "Coalition", "Stop", WORDS, "May 28, 2021", date(2021, 5, 28), digest(WORDS), "https://x.example/verify"
    )
    return LetterSheet(words, ("Amazon.com",), (RollGroup("", roll),))


def web(app: Flask) -> None:
    """Pages beside the cheapest answer the app can give."""
    client = app.test_client()
    petition = stage()
    signer = Signer(client, petition.slug)
    found = medians(
        {
            "healthz": lambda: [client.get("/healthz") for _ in range(20)],
            "petition page": lambda: [client.get(f"/petitions/{petition.slug}") for _ in range(20)],
            "a signature": lambda: signer.several(20),
        }
    )
    for name, value in found.items():
        say(f"{name}", value / found["healthz"], "times /healthz", value / 20)


def post_office() -> None:
    """Letters written as files, beside the disk's own writing of as many files."""
    folder = Path(tempfile.mkdtemp())
    waiting = ROUNDS * 20
    plain = seconds(lambda: [(folder / f"{number}").write_bytes(b"x" * 4_000) for number in range(waiting)])
    started = time.perf_counter()
    done = worker.until_idle()
    taken = time.perf_counter() - started
    say(
        f"{done} letters and jobs",
        (taken / max(done, 1)) / (plain / waiting),
        "times writing a file",
        taken / max(done, 1),
    )


def press() -> None:
    """A long roll beside a short one."""
    found = medians({"8 names": lambda: set_letter(sheet(8)), "200 names": lambda: set_letter(sheet(200))})
    for name, value in found.items():
        say(f"PDF with {name}", value / found["8 names"], "times 8 names", value)


def say(what: str, ratio: float, beside: str, each: float) -> None:
    """One line of the report."""
    sys.stdout.write(f"  {what:<28}{ratio:>8.1f} {beside:<24}({each * 1000:.2f} ms each here)\n")


def main() -> None:
    """Measure everything once."""
    folder = Path(tempfile.mkdtemp())
    url = os.environ.get("BENCH_DATABASE_URL", f"sqlite:///{folder}/bench.sqlite")
    sys.stdout.write(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    Base.metadata.create_all(db.connect(url))
    app = create_app(Settings(database_url=url, queue_url="memory:", var_dir=folder, log_level="ERROR"))
    sys.stdout.write(f"{db.engine().dialect.name}, medians of {ROUNDS} rounds\n")
    web(app)
    post_office()
    press()


if __name__ == "__main__":
    main()
