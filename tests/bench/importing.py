"""``python -m tests.bench.importing [LINES]``: a long file of organizations and of targets, twice, beside bare inserts.

CPU time of this process, because a busy machine stretches the clock; the longest single transaction on its own, because
SQLite has one writer. ``BENCH_DATABASE_URL`` names a database of its own; default is a fresh SQLite file.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from app.coalitions import commands as coalitions
from app.coalitions.models import Coalition, LegalStatus, Organization, PartyRole, Scope, Verification
from app.core import db
from app.core.actor import Actor
from app.core.clock import utc_now
from app.core.tables import ImportResult, Table, lots
from app.schema import Base
from app.targets import commands as targets
from tests import builders

OPERATOR = Actor(label="The operator", operator=True)
Taking = Callable[..., ImportResult]


def organizations(lines: int) -> bytes:
    """A file of organizations with every column that costs something."""
    head = "organization,short_name,aliases,legal_status,scope,public_email,signatory_name,signatory_email"
    names = '"Neighbors for Open Streets {0}",NOS{0},"Open Streets {0}"'
    one = f"{names},c3,local,office{{0}}@g.example,Ann Lee,ann{{0}}@g.example"
    return "\n".join([head, *(one.format(number) for number in range(lines))]).encode()


def officials(lines: int) -> bytes:
    """A file of officials in a hundred councils."""
    councils = [f"Council {number},legislative body,,clerk{number}@c.example" for number in range(100)]
    people = [f"Member {n},official,Council {n % 100},m{n}@c.example" for n in range(lines - 100)]
    return "\n".join(["name,kind,parent,email", *people, *councils]).encode()


def bare(lines: int) -> float:
    """As many organizations inserted with nothing asked and nothing checked."""
    started = time.process_time()
    for start in range(0, lines, 500):
        same = {"legal_status": LegalStatus.C3, "scope": Scope.LOCAL, "verification": Verification.UNVERIFIED}
        rows = [
            {**same, "slug": f"b-{n}", "name": f"B {n}", "name_normal": f"b {n}", "created_at": utc_now()}
            for n in range(start, min(lines, start + 500))
        ]
        with db.transaction() as session:
            session.execute(sa.insert(Organization), rows)
    taken = time.process_time() - started
    with db.transaction() as session:
        session.execute(sa.delete(Organization).where(Organization.slug.startswith("b-")))
    return taken


def imported(read: Callable[[], Table[Any]], take: Taking) -> tuple[ImportResult, float, float, float]:
    """What became of a file, and the seconds: for reading it, in all, and in the longest transaction."""
    started = time.process_time()
    table: Table[Any] = read()
    reading = time.process_time() - started
    result, longest = ImportResult(problems=table.problems), 0.0
    for lot in lots(table.rows):
        began = time.process_time()
        _take(result, lot, take)
        longest = max(longest, time.process_time() - began)
    return result, reading, time.process_time() - started, longest


def _take(result: ImportResult, lot: Sequence[Any], take: Taking) -> None:
    with db.transaction() as session:
        coalition = session.scalars(sa.select(Coalition)).one()
        result.join(take(session, coalition, lot, by=OPERATOR, now=utc_now()))


def main() -> None:
    """Measure both files twice."""
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    url = os.environ.get("BENCH_DATABASE_URL", f"sqlite:///{tempfile.mkdtemp()}/bench.sqlite")
    Base.metadata.create_all(db.connect(url))
    with db.transaction() as session:
        coalition = builders.coalition(session)
        builders.organization(session, name="Lead", within=coalition, party=PartyRole.LEAD)
    least = bare(lines)
    sys.stdout.write(f"{db.engine().dialect.name}, {lines:,} lines, bare inserts {least:.2f} s of CPU\n")
    groups, people = organizations(lines), officials(lines)
    works: dict[str, tuple[Callable[[], Table[Any]], Taking]] = {
        "organizations": (lambda: coalitions.read_organizations(groups), coalitions.take_organizations),
        "targets": (lambda: targets.read_targets(people), targets.take_targets),
    }
    for name, (read, take) in works.items():
        for run in ("first", "again"):
            result, reading, taken, longest = imported(read, take)
            sys.stdout.write(
                f"  {name + ', ' + run:<24}{taken / least:>7.1f} times bare inserts ({taken:.2f} s of CPU, of it "
                f"{reading:.2f} reading; longest transaction {longest:.2f}): {result.added:,} added, "
                f"{result.unchanged:,} unchanged, {len(result.problems):,} problems\n"
            )


if __name__ == "__main__":
    main()
