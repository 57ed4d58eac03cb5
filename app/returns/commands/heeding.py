"""The bounce policy applied: who gets no letters any more, whose sender is left, and what is only counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.mail import outbox
from app.returns.models import Cause, Kind, MailEvent, Withdrawal
from app.returns.rules import policy
from app.returns.rules.policy import Action

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

LOT = 2_000


@dataclass(frozen=True, slots=True)
class Acting:
    """A report that may ask for something: about a letter of ``stream`` to ``address`` (canonical)."""

    key: str
    kind: Kind
    cause: Cause | None
    at: datetime
    address: str
    stream: str


def act_on(session: Session, reports: Sequence[Acting], *, now: datetime) -> None:
    """Do what the policy says. Addresses are taken in one order, because each is held until the end."""
    counting = {one.address for one in reports if policy.action(one.kind, one.cause) is Action.COUNT}
    worn_out = _worn_out(session, sorted(counting), now)
    stopped: list[str] = []
    for one in sorted(reports, key=lambda one: (one.address, one.key)):
        asked = policy.action(one.kind, one.cause)
        if asked is Action.LEAVE:
            withdraw(session, one.address, one.stream, complaint=one.kind is Kind.COMPLAINT, at=one.at)
            stopped.append(one.key)
        elif asked is Action.STOP_ALL or (asked is Action.COUNT and one.address in worn_out):
            outbox.suppress(session, one.address, reason="bounce", now=now)
            stopped.append(one.key)
    for start in range(0, len(stopped), LOT):
        mark = sa.update(MailEvent).where(MailEvent.event_id.in_(stopped[start : start + LOT]))
        session.execute(mark.values(suppressed=True).execution_options(synchronize_session=False))


def withdraw(session: Session, address: str, stream: str, *, complaint: bool, at: datetime) -> None:
    """Stop a stream to somebody who said so at the mail provider, and leave a note for the ledger of consents."""
    outbox.suppress(session, address, stream=stream, reason="complaint" if complaint else "left", now=at)
    session.add(Withdrawal(address=address, stream=stream, complaint=complaint, at=at))


def _worn_out(session: Session, addresses: Sequence[str], now: datetime) -> set[str]:
    """Mailboxes that were unavailable to too many letters. A report repeated under another key counts once."""
    letters = sa.func.count(MailEvent.email_id.distinct()) + sa.func.count(MailEvent.reader_id.distinct())
    found: set[str] = set()
    for start in range(0, len(addresses), LOT):
        query = sa.select(MailEvent.address).where(
            MailEvent.address.in_(addresses[start : start + LOT]),
            MailEvent.kind == Kind.BOUNCE,
            MailEvent.cause.in_([Cause.MAILBOX, Cause.UNCLEAR]),
            MailEvent.at > now - policy.SPAN,
        )
        worn = query.group_by(MailEvent.address).having(letters >= policy.LETTERS)
        found.update(str(address) for address in session.scalars(worn))
    return found
