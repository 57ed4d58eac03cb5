"""What may happen to a text: bringing two saves together, finding a passage, setting a deadline, checking words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum

from app.core.clock import local, spoken, zone
from app.core.diffs import MINE, THEIRS, Merge, Part, merge, word_diff
from app.core.errors import Conflict, Invalid
from app.core.markup import to_plain
from app.core.text import canonical, digest
from app.statements.models import Statement

LONGEST_SIGN_ON = timedelta(days=2 * 366)
MARKS = (MINE.strip(), THEIRS.strip())


class Overtaken(Conflict):
    """Somebody saved in the meantime and changed the same passage.

    Carries everything a page needs so that nothing typed is lost: ``mine`` as typed, ``theirs`` as saved under
    ``head_number``, and ``merge``, whose text holds both versions of each passage in conflict.
    """

    def __init__(self, *, mine: str, theirs: str, head_number: int, merge: Merge) -> None:
        """Keep both versions and the draft that joins them."""
        places = "one passage" if merge.conflicts == 1 else f"{merge.conflicts} passages"
        super().__init__(
            f"Somebody saved revision {head_number} while you were writing, and you both changed {places}. "
            "Nothing is lost: both versions are in the draft below. Keep the words you want, then save again."
        )
        self.mine = mine
        self.theirs = theirs
        self.head_number = head_number
        self.merge = merge


def checked_text(text: str) -> str:
    """The canonical text to keep. Invalid if nothing is left of it, or a merge was not finished."""
    kept = canonical(text)
    if not kept.strip():
        raise Invalid({"text": "Write the text."})
    if any(mark in kept for mark in MARKS):
        sentence = (
            f"Two versions of a passage still stand between “{MARKS[0]}” and “>>>”. Keep one, take the marks out."
        )
        raise Invalid({"text": sentence})
    return kept


def brought_together(*, base: str, mine: str, theirs: str, head_number: int) -> str:
    """The text that holds both changes of ``base``; Overtaken if both changed the same passage."""
    merged = merge(base, mine, theirs)
    if merged.conflicts:
        raise Overtaken(mine=mine, theirs=theirs, head_number=head_number, merge=merged)
    return canonical(merged.text)


def find_passage(text: str, passage: str, *, field: str = "passage") -> tuple[int, int]:
    """Where the one occurrence of a passage starts and ends. White space may differ; Invalid if none or several."""
    words = canonical(passage).split()
    if not words:
        raise Invalid({field: "Quote the passage you mean."})
    found = list(re.finditer(r"\s+".join(re.escape(word) for word in words), text))
    if not found:
        raise Invalid({field: "These words are not in the text as it stands now. Copy the passage from this page."})
    if len(found) > 1:
        raise Invalid(
            {field: f"These words stand {len(found)} times in the text. Quote more, so that one place is meant."}
        )
    return found[0].span()


def replaced(text: str, passage: str, replacement: str) -> str:
    """The text with its one occurrence of ``passage`` replaced."""
    start, end = find_passage(text, passage)
    return text[:start] + canonical(replacement).strip() + text[end:]


def deadline(day: date, clock: time, zone_name: str, *, now: datetime) -> datetime:
    """The moment a clock in that zone shows this day and time. Invalid if it never does, is past, or too far off.

    In the hour that comes twice in autumn the second one counts: a deadline never falls earlier than somebody
    could have read it.
    """
    today = local(now, zone_name).date()
    if not today <= day <= today + LONGEST_SIGN_ON:
        raise Invalid({"deadline_date": f"Choose a day from today ({today}) to two years from now."})
    there = zone(zone_name)
    wanted = datetime.combine(day, clock)
    moment = wanted.replace(tzinfo=there, fold=1).astimezone(UTC)
    if moment.astimezone(there).replace(tzinfo=None) != wanted:
        raise Invalid({"deadline_time": "The clocks go forward that night and never show this time. Choose another."})
    if moment <= now:
        raise Invalid({"deadline_time": f"This time is past: it is {spoken(now, zone_name)}. Choose a later one."})
    return moment


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether somebody's words are those of a letter.

    ``same``: the digests agree, so it is the text to the letter. ``same_words``: it reads the same word for word, as
    text copied from a page or a PDF does, which has lost its Markdown. ``parts`` is the way from the letter to the
    words given ("same", "add", "del"); empty when ``same``.
    """

    same: bool
    same_words: bool
    parts: list[Part]


def check_words(statement: Statement, pasted: str) -> Verdict:
    """Compare pasted words with the frozen words of a statement."""
    revision = statement.frozen_revision
    frozen = revision.text if revision is not None else ""
    if revision is not None and digest(pasted) == revision.digest:
        return Verdict(same=True, same_words=True, parts=[])
    plain, given = _reading(to_plain(frozen)), _reading(pasted)
    same_words = _spoken_words(plain) == _spoken_words(given)
    ways = (word_diff(frozen, canonical(pasted)), word_diff(plain, given))
    return Verdict(same=False, same_words=same_words, parts=min(ways, key=_changed))


def reads_the_same(statement: Statement, pasted: str) -> bool:
    """Whether words are those of a statement one by one, whatever became of their marks and spaces."""
    frozen = statement.frozen_revision
    return frozen is not None and _spoken_words(to_plain(frozen.text)) == _spoken_words(canonical(pasted))


def _reading(text: str) -> str:
    """Paragraphs on one line each, as a page shows them."""
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", canonical(text).strip()))


def _spoken_words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def _changed(parts: list[Part]) -> int:
    return sum(len(text) for kind, text in parts if kind != "same")


class Stage(Enum):
    """Where a statement stands, as its page draws it: the states, with the freezing between review and opening."""

    DRAFTING = "drafting"
    IN_REVIEW = "in review"
    FROZEN = "frozen"
    OPEN = "open"
    CLOSED = "closed"
    DELIVERED = "delivered"
    ARCHIVED = "archived"


def stage(statement: Statement) -> Stage:
    """The stage of a statement."""
    if statement.before_opening() and statement.frozen():
        return Stage.FROZEN
    return Stage(statement.state.value)


def without_title(title: str, markdown: str) -> str:
    """The letter's text without a first heading that only repeats its title; what shows it prints that above."""
    text = canonical(markdown).lstrip()
    first, _, rest = text.partition("\n")
    return rest.lstrip("\n") if first.lstrip("# ").strip() == title.strip() and first.startswith("# ") else text
