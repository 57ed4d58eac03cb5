"""Every read of updates: which there are, whom they are for, what stands in them, and how far they have come."""

from app.broadcasts.queries.answers import answered_broadcast, answers_to
from app.broadcasts.queries.comparing import compared, is_compared, sample_is_leaving, sizes
from app.broadcasts.queries.finding import (
    approval_key,
    awaiting_approval,
    broadcast_for,
    broadcasts_of,
    of_mailing,
    petitions_of,
    unwanted,
)
from app.broadcasts.queries.looking import Reader, may_see_addresses, reader, reader_after, readers_called, sent_by
from app.broadcasts.queries.progress import being_sent, held_in, progress, undecided, waits_for
from app.broadcasts.queries.readers import Reach, audience, audience_size, last_in_lot, newest_supporter, reach
from app.broadcasts.queries.slicing import (
    comparison_of,
    countries,
    departure_of,
    due,
    further_subjects,
    lives_in,
    mornings,
    on_wheel,
    slices,
    unplanned,
)
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
    "answered_broadcast",
    "answers_to",
    "approval_key",
    "audience",
    "audience_in_words",
    "audience_size",
    "awaiting_approval",
    "being_sent",
    "bodies",
    "broadcast_for",
    "broadcasts_of",
    "compared",
    "comparison_of",
    "count_now",
    "countables",
    "counted",
    "countries",
    "departure_of",
    "districts",
    "due",
    "further_subjects",
    "held_in",
    "is_compared",
    "last_in_lot",
    "lives_in",
    "may_see_addresses",
    "mornings",
    "newest_supporter",
    "of_mailing",
    "on_wheel",
    "petitions_of",
    "progress",
    "reach",
    "reader",
    "reader_after",
    "readers_called",
    "sample_is_leaving",
    "sent_by",
    "sizes",
    "slices",
    "undecided",
    "unplanned",
    "unwanted",
    "values_for",
    "waits_for",
]
