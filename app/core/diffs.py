"""Comparing and merging texts word by word, so that two people's saves never lose a word."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rapidfuzz.distance import Indel

WORDS = re.compile(r"\n+|[^\S\n]+|[^\s]+")
MINE, THEIRS, END = "<<< yours: ", " ||| theirs: ", " >>>"
Part = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Merge:
    """Two changes of one text brought together.

    ``parts`` are (kind, text): "same", "mine" and "theirs" (taken from one side), "both" (the same change twice),
    "conflict-mine" and "conflict-theirs" (both changed the passage). ``text`` holds all of it; passages in conflict
    stand in it one after the other between marks.
    """

    text: str
    conflicts: int
    parts: list[Part]


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    words: tuple[str, ...]


def _split(text: str) -> list[str]:
    return WORDS.findall(text)


def word_diff(old: str, new: str) -> list[Part]:
    """The way from ``old`` to ``new`` as (kind, text) with kinds "same", "add", "del"; both texts are whole in it.

    A passage that was rewritten is one "del" and one "add": spaces between changed words belong to the change.
    """
    before, after = _split(old), _split(new)
    parts: list[Part] = []
    removed: list[str] = []
    added: list[str] = []
    operations = list(Indel.opcodes(before, after))
    for place, operation in enumerate(operations):
        kept = "".join(before[operation.src_start : operation.src_end])
        between = 0 < place < len(operations) - 1
        if operation.tag == "equal" and not (between and _is_gap(kept)):
            parts += [*_change(removed, added), ("same", kept)]
            removed, added = [], []
        else:
            removed.append(kept)
            added.append("".join(after[operation.dest_start : operation.dest_end]))
    return parts + _change(removed, added)


def _is_gap(text: str) -> bool:
    return text.isspace() and "\n" not in text


def _change(removed: list[str], added: list[str]) -> list[Part]:
    """One change as people read it: what went, then what came."""
    return [part for part in (("del", "".join(removed)), ("add", "".join(added))) if part[1]]


def _edits(base: list[str], changed: list[str]) -> list[_Edit]:
    edits: list[_Edit] = []
    for operation in Indel.opcodes(base, changed):
        if operation.tag == "equal":
            continue
        words = tuple(changed[operation.dest_start : operation.dest_end])
        if edits and edits[-1].end == operation.src_start:
            last = edits.pop()
            edits.append(_Edit(last.start, operation.src_end, last.words + words))
        else:
            edits.append(_Edit(operation.src_start, operation.src_end, words))
    return edits


def _meet(base: list[str], edit: _Edit, start: int, end: int) -> bool:
    """Whether an edit touches a passage. Neighboring words do: "shall not sell" must not become a third text."""
    gap = "".join(base[end : edit.start])
    return edit.start <= end or (start < end < edit.start and edit.start < edit.end and _is_gap(gap))


def _apply(base: list[str], edits: list[_Edit], start: int, end: int) -> str:
    words: list[str] = []
    at = start
    for edit in edits:
        words += [*base[at : edit.start], *edit.words]
        at = edit.end
    return "".join([*words, *base[at:end]])


def merge(base: str, mine: str, theirs: str) -> Merge:
    """Bring two changes of ``base`` together; where both changed a passage, both versions stay."""
    words = _split(base)
    sides = {"mine": _edits(words, _split(mine)), "theirs": _edits(words, _split(theirs))}
    parts: list[Part] = []
    at = 0
    while sides["mine"] or sides["theirs"]:
        start = min(edits[0].start for edits in sides.values() if edits)
        group, end = _group(words, sides, start)
        parts.append(("same", "".join(words[at:start])))
        parts += _settle(words, group, start, end)
        at = end
    parts.append(("same", "".join(words[at:])))
    parts = [part for part in parts if part[1] or part[0].startswith("conflict")]
    conflicts = sum(kind == "conflict-mine" for kind, _ in parts)
    return Merge(text=_joined(parts), conflicts=conflicts, parts=parts)


def _group(base: list[str], sides: dict[str, list[_Edit]], start: int) -> tuple[dict[str, list[_Edit]], int]:
    """Take the edits that touch each other, beginning at ``start``, off both sides."""
    group: dict[str, list[_Edit]] = {"mine": [], "theirs": []}
    end = start
    taken = True
    while taken:
        taken = False
        for side, edits in sides.items():
            while edits and _meet(base, edits[0], start, end):
                edit = edits.pop(0)
                group[side].append(edit)
                end = max(end, edit.end)
                taken = True
    return group, end


def _settle(words: list[str], group: dict[str, list[_Edit]], start: int, end: int) -> list[Part]:
    mine, theirs = (_apply(words, group[side], start, end) for side in ("mine", "theirs"))
    if not group["theirs"]:
        return [("mine", mine)]
    if not group["mine"]:
        return [("theirs", theirs)]
    if mine == theirs:
        return [("both", mine)]
    return [("conflict-mine", mine), ("conflict-theirs", theirs)]


def _joined(parts: list[Part]) -> str:
    pieces = []
    for kind, text in parts:
        if kind == "conflict-mine":
            pieces.append(f"{MINE}{text}")
        elif kind == "conflict-theirs":
            pieces.append(f"{THEIRS}{text}{END}")
        else:
            pieces.append(text)
    return "".join(pieces)
