"""What became of each reader of an update, as a table that is written while it is read."""

from __future__ import annotations

from collections.abc import Iterator

from app.core.db import reading
from app.core.tables import write_csv
from app.mailings import queries
from app.mailings.models import BatchState, MailingBatch, MailingReader, ReaderState

COLUMNS = ("address", "name", "outcome", "reason", "subject", "handed_over", "changed", "left")
LOT = 2_000


def readers(mailing_id: int, subjects: dict[int, str]) -> Iterator[bytes]:
    """CSV in lots, each read in a transaction of its own, so that a million readers fit and hold nothing up.

    No cell that a spreadsheet would run. ``subjects`` names the subject of each variant.
    """
    yield write_csv(COLUMNS, [])
    after = 0
    while True:
        with reading() as session:
            lot = queries.export(session, mailing_id, after=after, limit=LOT)
            rows = [_row(one[0], one[1], subjects) for one in lot]
        if not rows:
            return
        # The mark at the beginning of a file belongs there only.
        yield write_csv(COLUMNS, rows).removeprefix(write_csv(COLUMNS, []))
        after = lot[-1][0].id


def _row(reader: MailingReader, batch: MailingBatch, subjects: dict[int, str]) -> tuple[object, ...]:
    known = WORDS[reader.state or batch.state]
    return (
        reader.address,
        reader.name,
        known,
        reader.reason,
        subjects.get(batch.variant, ""),
        batch.submitted_at.isoformat() if batch.submitted_at else "",
        reader.changed_at.isoformat() if reader.changed_at else "",
        reader.left_at.isoformat() if reader.left_at else "",
    )


WORDS: dict[BatchState | ReaderState, str] = {
    BatchState.QUEUED: "waiting",
    BatchState.SUBMITTING: "on its way",
    BatchState.ACCEPTED: "handed over",
    BatchState.UNKNOWN: "uncertain",
    BatchState.DROPPED: "not sent: stopped or left out",
    BatchState.RECALLED: "called back",
    ReaderState.SUPPRESSED: "not sent",
    ReaderState.FAILED: "refused",
    ReaderState.UNKNOWN: "uncertain",
    ReaderState.ACCEPTED: "handed over",
    ReaderState.DROPPED: "dropped by the provider",
    ReaderState.DELIVERED: "delivered",
    ReaderState.BOUNCED: "bounced",
    ReaderState.COMPLAINED: "called spam",
}
