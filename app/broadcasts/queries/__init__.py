"""Every read of updates: which there are, whom they are for, what stands in them, and how far they have come."""

from app.broadcasts.queries.finding import awaiting_approval, broadcast_for, broadcasts_of, petitions_of
from app.broadcasts.queries.looking import Reader, may_see_addresses, reader, reader_after, readers_called
from app.broadcasts.queries.progress import next_lot, progress, unsettled
from app.broadcasts.queries.readers import Reach, audience, audience_size, newest_supporter, reach
from app.broadcasts.queries.values import (
    Countable,
    bodies,
    count_now,
    countables,
    counted,
    districts,
    values_for,
)
from app.broadcasts.queries.words import audience_in_words

__all__ = [
    "Countable",
    "Reach",
    "Reader",
    "audience",
    "audience_in_words",
    "audience_size",
    "awaiting_approval",
    "bodies",
    "broadcast_for",
    "broadcasts_of",
    "count_now",
    "countables",
    "counted",
    "districts",
    "may_see_addresses",
    "newest_supporter",
    "next_lot",
    "petitions_of",
    "progress",
    "reach",
    "reader",
    "reader_after",
    "readers_called",
    "unsettled",
    "values_for",
]
