"""What may happen between a mailing, its batches and its readers; when the next batch may leave."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.core.errors import Conflict
from app.mailings.models import BatchState, Mailing, MailingBatch, MailingState, ReaderState

# States of a reader that are counted apart from the batch, in the order in which knowledge grows: a reader only moves
# to the right. A bounce after "delivered" is real (the mailbox's own server sent it back later); the reverse is not.
APART = (
    ReaderState.SUPPRESSED,
    ReaderState.FAILED,
    ReaderState.UNKNOWN,
    ReaderState.ACCEPTED,
    ReaderState.DROPPED,
    ReaderState.DELIVERED,
    ReaderState.BOUNCED,
    ReaderState.COMPLAINED,
)
RANK = {state: rank for rank, state in enumerate(APART)}
SEND = "mailings.send"
CALL_BACK = "mailings.call_back"
DECIDED = "A person decided not to send these again; nobody knows whether they arrived."
OVER = {MailingState.STOPPED, MailingState.DONE}
# SendGrid takes a cancellation until so long before the letters leave.
CALLED_BACK_BEFORE = timedelta(minutes=10)
# It throws a called-back letter away when the letter's hour comes, and remembers ten cancellations at a time. One that
# it forgot while it still held a letter of it would let that letter leave. So a day has to be over, which is longer
# than any delay of its own that we know of; or an hour, where a stop of today finds no place beside older ones.
RELEASED_AFTER = timedelta(days=1)
RELEASED_EARLY = timedelta(hours=1)
# Moments are drawn minute by minute for so many minutes.
KEPT_IN_FULL = 2 * 24 * 60
# So many readers refused one after the other, without a word why, are not the readers' fault.
MOST_REFUSED = 5
# The waits between attempts of a batch that was certainly not taken; then every hour, for a mailing never gives up.
WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 60, 120, 300, 600, 1200, 3600))


def moves_on(before: ReaderState | None, after: ReaderState) -> bool:
    """Whether a report says more than is known."""
    return before is None or RANK[after] > RANK[before]


def uncertain(batch: MailingBatch) -> int:
    """How many readers of a batch may have the letter or may not."""
    if batch.state is not BatchState.UNKNOWN:
        return batch.unknown
    known: list[int] = [getattr(batch, state.value) for state in APART if state is not ReaderState.UNKNOWN]
    return batch.size - sum(known)


def wait(attempts: int, at_least: timedelta) -> timedelta:
    """How long a batch waits after so many attempts."""
    return max(at_least, WAITS[min(attempts, len(WAITS)) - 1])


def after(mailing: Mailing, size: int, *, now: datetime) -> datetime:
    """When the next batch may leave at the mailing's speed, once one of ``size`` readers leaves now."""
    if mailing.per_hour is None:
        # Not ``now``: a worker that looked at the clock a moment earlier would find nothing to do.
        return mailing.next_at
    return max(now, mailing.next_at) + timedelta(hours=size / mailing.per_hour)


def lot_size(largest: int, per_hour: int | None) -> int:
    """How many readers one batch holds: as many as leave in a minute at the most, so that a slow mailing is even."""
    return largest if per_hour is None else max(1, min(largest, per_hour // 60))


def takes(readers: int, per_hour: int | None) -> timedelta:
    """How long so many readers take at a speed; nothing where it is as fast as it goes."""
    return timedelta(0) if per_hour is None else timedelta(hours=readers / per_hour)


def at_new_speed(mailing: Mailing, per_hour: int | None, *, now: datetime) -> datetime:
    """When the next batch may leave after a change of speed: readers that left ahead of time are made up for."""
    if mailing.next_at <= now:
        return mailing.next_at
    if mailing.per_hour is None or per_hour is None:
        return now
    return now + (mailing.next_at - now) * (mailing.per_hour / per_hour)


def last_called_back(mailing: Mailing) -> datetime:
    """What the provider would have sent from this moment on is called back."""
    if mailing.recalled_at is None:
        return datetime.max.replace(tzinfo=UTC)
    return mailing.recalled_at + CALLED_BACK_BEFORE


def must_be_stoppable(mailing: Mailing) -> None:
    """A mailing that ended stays as it ended."""
    if mailing.state in OVER:
        raise Conflict(f"This mailing is {mailing.state.value}; there is nothing to stop.")
