"""The provider's lists, read from a watermark on: each night what was entered since, so that a lost post costs a day.

Nothing is written to these lists: an address on the provider's global list would lose its sign-in letters too. What
is told to the group of updates is ``telling``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core import db
from app.jobs import leases
from app.mail import outbox
from app.mail.lists import Entry, ProviderList
from app.mail.models import Suppression
from app.returns.commands.hearing import hear
from app.returns.commands.heeding import withdraw
from app.returns.commands.naming import name_the_nameless
from app.returns.models import Kind, ListPull, MailEvent
from app.returns.rules import policy
from app.returns.rules.reading import Heard, address_of, made_key, without_addresses

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

LEASE = timedelta(minutes=14)  # what takes longer is begun anew by another; reading an entry twice changes nothing
OVERLAP = timedelta(hours=1)  # an entry may show up a little after the time it bears
HOUR = 3  # of the night, UTC
AGAIN = timedelta(hours=1)
SAME = timedelta(days=1)  # a report and an entry so close together are about one thing
FIRST = datetime.fromtimestamp(0, UTC)
KINDS = {
    ProviderList.BOUNCES: Kind.BOUNCE,
    ProviderList.BLOCKS: Kind.BOUNCE,
    ProviderList.INVALID: Kind.BOUNCE,
    ProviderList.COMPLAINTS: Kind.COMPLAINT,
    ProviderList.LEFT: Kind.LEFT,
}


@dataclass(frozen=True, slots=True)
class PullClaim:
    """A list that is ours to read until its lease runs out, and from when on."""

    pull_id: int
    token: str
    which: ProviderList
    since: datetime


def take_pull(session: Session, *, now: datetime) -> PullClaim | None:
    """Take a list that is due to be read, if nobody else reads it."""
    rows = [{"name": one.value, "until": FIRST, "entries": 0, "attempts": 0, "try_after": now} for one in ProviderList]
    db.insert_once(session, ListPull, rows, unique=["name"])
    for row in leases.claim(session, ListPull, order=(ListPull.id,), lot=1, lease=LEASE, now=now):
        since = max(row.until - OVERLAP, FIRST)
        return PullClaim(row.id, str(row.lease_token), ProviderList(row.name), since)
    return None


def take_entries(session: Session, which: ProviderList, entries: Sequence[Entry], *, now: datetime) -> None:
    """Act on a page of a list. Whoever the provider hands nothing to gets nothing from us; blocks stop nobody."""
    given = {address: entry for entry in entries if (address := address_of(entry.email))}
    reports = [_report(which, address, entry) for address, entry in sorted(given.items())]
    unheard = _unheard(session, KINDS[which], reports)
    named = name_the_nameless(session, unheard, now)
    hear(session, named, now=now)
    if which in {ProviderList.BOUNCES, ProviderList.INVALID}:
        for address in sorted(given.keys() - _stopped(session, list(given))):
            outbox.suppress(session, address, reason="bounce", now=now)
    if which in {ProviderList.COMPLAINTS, ProviderList.LEFT}:
        found = {one.key for one in named}
        strangers = {one.address: one for one in unheard if one.key not in found}
        for address in sorted(strangers.keys() - _stopped(session, list(strangers))):
            withdraw(session, address, "", complaint=which is ProviderList.COMPLAINTS, at=strangers[address].at)


def _report(which: ProviderList, address: str, entry: Entry) -> Heard:
    kind = KINDS[which]
    why = None
    if kind is Kind.BOUNCE:
        shape = "blocked" if which is ProviderList.BLOCKS else "bounce"
        sort = "invalid address" if which is ProviderList.INVALID else ""
        why = policy.cause(shape, sort, entry.status, entry.reason)
    key = made_key(f"{which.value} {entry.created.isoformat()} {address}")
    reason = without_addresses(entry.reason)
    written = entry.email.strip().lower()
    return Heard(key=key, kind=kind, at=entry.created, address=address, written=written, cause=why, reason=reason)


def _unheard(session: Session, kind: Kind, reports: Sequence[Heard]) -> list[Heard]:
    """Without entries that a report told of already."""
    known: dict[str, list[datetime]] = {}
    query = sa.select(MailEvent.address, MailEvent.at).where(
        MailEvent.address.in_([one.address for one in reports]), MailEvent.kind == kind
    )
    for address, at in session.execute(query):
        known.setdefault(str(address), []).append(at)
    return [one for one in reports if all(abs(at - one.at) > SAME for at in known.get(one.address, []))]


def _stopped(session: Session, addresses: Sequence[str]) -> set[str]:
    query = sa.select(Suppression.address).where(Suppression.stream == "", Suppression.address.in_(addresses))
    return set(session.scalars(query))


def settle_pull(session: Session, claim: PullClaim, *, until: datetime, entries: int, now: datetime) -> None:
    """The list was read up to a moment; the next reading is the coming night's."""
    row = leases.held(session, ListPull, claim.pull_id, claim.token)
    if row is not None:
        row.until, row.entries, row.pulled_at, row.last_error = until, entries, now, None
        row.attempts, row.try_after = 0, coming_night(now)
        leases.release(row)


def pull_failed(session: Session, claim: PullClaim, reason: str, *, now: datetime) -> None:
    """The provider did not give the list; it is asked again later, from the same moment on."""
    row = leases.held(session, ListPull, claim.pull_id, claim.token)
    if row is not None:
        row.last_error, row.try_after = reason[:500], now + AGAIN
        leases.release(row)


def coming_night(now: datetime) -> datetime:
    """The next three o'clock, UTC."""
    at = now.astimezone(UTC).replace(hour=HOUR, minute=0, second=0, microsecond=0)
    return at if at > now else at + timedelta(days=1)
