"""Earlier attempts of a batch: kept when a newer one begins, passed on when readers move, and proven by a late report.

What stands here of a batch is true of all its readers of whom nothing is known apart: batches only ever lose readers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core import db
from app.jobs import leases
from app.mailings.models import BatchState, MailingAttempt, MailingBatch, MailingReader

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# What a proof changes. A batch that waits for another try, or was dropped by a stop, had been taken after all.
UNPROVEN = (BatchState.QUEUED, BatchState.SUBMITTING, BatchState.UNKNOWN, BatchState.DROPPED)


def keep(session: Session, row: MailingBatch, *, next_token: str) -> None:
    """Keep the attempt that a newer one is about to take the place of."""
    if row.attempt_token and row.attempt_token != next_token:
        _write(session, row.mailing_id, row.number, {row.attempt_token})


def pass_on(session: Session, row: MailingBatch, twin: MailingBatch) -> None:
    """Readers move from one batch to another: the attempts that all of them were in are theirs there too.

    Where they went one by one, an attempt speaks of some of them only, and nothing is passed on.
    """
    if not _ever_went_singly(session, row):
        known = {row.attempt_token} if row.attempt_token else set()
        _write(session, twin.mailing_id, twin.number, known | _earlier(session, row.mailing_id, row.number))


def _write(session: Session, mailing_id: int, number: int, tokens: Collection[str]) -> None:
    rows = [{"mailing_id": mailing_id, "batch_number": number, "token": token} for token in sorted(tokens)]
    if rows:
        db.insert_once(session, MailingAttempt, rows, unique=["mailing_id", "batch_number", "token"])


def _earlier(session: Session, mailing_id: int, number: int) -> set[str]:
    query = sa.select(MailingAttempt.token)
    return set(
        session.scalars(query.where(MailingAttempt.mailing_id == mailing_id, MailingAttempt.batch_number == number))
    )


def _ever_went_singly(session: Session, row: MailingBatch) -> bool:
    """Whether readers of the batch were handed over one by one: only those are marked, and have an id of their own."""
    query = sa.select(MailingReader.id).where(
        MailingReader.mailing_id == row.mailing_id,
        MailingReader.batch_number == row.number,
        sa.or_(MailingReader.message_id.is_not(None), MailingReader.submitting.is_(True)),
    )
    return session.scalar(query.limit(1)) is not None


class Proof:
    """What the tokens of some reports prove. Made before anything is locked, used once the batches are."""

    def __init__(self, session: Session, tokens: Collection[str]) -> None:
        """Look up whose the tokens are."""
        self._mailings: dict[str, set[int]] = defaultdict(set)
        self._of_batch: dict[int, set[str]] = defaultdict(set)
        newest = (MailingBatch.id, MailingBatch.mailing_id, MailingBatch.attempt_token, MailingBatch.state)
        same = sa.and_(
            MailingBatch.mailing_id == MailingAttempt.mailing_id, MailingBatch.number == MailingAttempt.batch_number
        )
        earlier = (MailingBatch.id, MailingBatch.mailing_id, MailingAttempt.token, MailingBatch.state)
        which = sorted(set(tokens) - {""})
        for query in (
            sa.select(*newest).where(MailingBatch.attempt_token.in_(which)),
            sa.select(*earlier).join(MailingAttempt, same).where(MailingAttempt.token.in_(which)),
        ):
            for ident, mailing_id, token, state in session.execute(query) if which else ():
                self._mailings[str(token)].add(mailing_id)
                if state in UNPROVEN:
                    self._of_batch[ident].add(str(token))

    @property
    def batches(self) -> list[int]:
        """The batches that may be settled by it, to be locked with the others."""
        return sorted(self._of_batch)

    def names(self, token: str, mailing_id: int) -> bool:
        """Whether a token is of an attempt of this mailing."""
        return mailing_id in self._mailings.get(token, ())

    def settle(self, session: Session, rows: Sequence[MailingBatch], *, now: datetime) -> None:
        """Batches, held by this transaction, that a token proves to have been taken whole.

        Where readers go one by one, a report speaks of its own reader only.
        """
        for row in rows:
            if row.id not in self._of_batch or row.state not in UNPROVEN or _ever_went_singly(session, row):
                continue
            if row.state is BatchState.QUEUED:
                leases.release(row)  # whoever took it for another try has nothing left to do
            row.state, row.accepted_at, row.last_error = BatchState.ACCEPTED, now, None
        session.flush()
