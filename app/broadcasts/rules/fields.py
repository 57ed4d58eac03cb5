"""Merge fields: the places in an update that each reader's own words stand in. One definition for every part.

A field is ``{given_name}`` or ``{given_name|friend}``: after the bar stands what a reader gets of whom it is not known.
Values are put in in one pass, so that braces in somebody's name are never read as a field.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from app.broadcasts import models
from app.core.errors import Invalid
from app.core.text import plain
from app.targets.rules import named_together


class Field(Enum):
    """What may stand in an update for each reader."""

    GIVEN_NAME = "given_name"
    COUNT = "count"
    OFFICIAL = "official"


Values = Mapping[Field, str]
OTHERWISE = {Field(name): words for name, words in models.OTHERWISE.items()}
FIELD_HINTS = (
    ("{given_name|neighbor}", "the reader's given name, or the word after the bar"),
    ("{count}", "the number chosen in the form, the same for every reader"),
    ("{official|your council member}", "the member of the campaign's body for the reader's postal code"),
)
LONGEST_FALLBACK = 60
BRACES = re.compile(r"\{([^{}]*)\}")
UNCLOSED = re.compile(r"\{\s*(?:given_name|count|official)\b(?![^{}]*\})", re.IGNORECASE)
# The text part of a letter is wrapped, perhaps within a fallback and behind the marks of a quotation.
# The part before the line end begins where no space stands, or the pattern takes the square of many spaces.
WRAPPED = re.compile(r"(?<!\s)\s*\n[>\s]*")
# Characters that neither Markdown nor HTML changes: a fallback looks the same in every part of the letter.
FALLBACK = re.compile(r"[^\W_](?:[\w .,’'-]*[^\W_]|)\.?")
# Each looks no further than to where it would begin anew, or a text made of beginnings takes its square.
LINK_WITH_FIELD = re.compile(
    r"\]\(\s{0,9}<?(?:[^)\s{}\]]|\](?!\())*[{}]"
    r"|https?://(?:[^\s)>\]{}h]|h(?!ttps?://))*[{}]"
    r"|^ {0,3}\[[^\]\n]+\]:[^\n{}]*[{}]",
    re.MULTILINE,
)
MARKUP = re.compile(r"([!-/:-@\[-`{-~])")


@dataclass(frozen=True, slots=True)
class Placed:
    """A field where it stands, and what its author wrote for readers of whom it is not known."""

    field: Field
    fallback: str

    def value(self, values: Values) -> str:
        """What this reader gets."""
        return values.get(self.field) or self.fallback or OTHERWISE[self.field]


def known_fields() -> str:
    """The fields there are, in one phrase."""
    return named_together([f"{{{field.value}}}" for field in Field])


def placed(inside: str) -> Placed | str:
    """The field that stands between braces, or a sentence on why there is none."""
    name, bar, fallback = WRAPPED.sub(" ", inside).partition("|")
    fallback = " ".join(fallback.split())
    if name not in {field.value for field in Field}:
        return f"{{{inside}}} would be sent as it stands. The fields are {known_fields()}, written exactly so."
    if not bar:
        return Placed(Field(name), "")
    if not fallback:
        return f"{{{inside}}}: write after the bar what readers get of whom it is not known, like {{{name}|friend}}."
    if len(fallback) > LONGEST_FALLBACK or not FALLBACK.fullmatch(fallback):
        return f"{{{inside}}}: after the bar write at most {LONGEST_FALLBACK} letters, digits and spaces."
    return Placed(Field(name), fallback)


def fields_in(text: str) -> Iterator[Placed]:
    """Every field of a text, in its order."""
    found = (placed(match[1]) for match in BRACES.finditer(text))
    return (one for one in found if isinstance(one, Placed))


def fields_used(subject: str, body: str) -> set[Field]:
    """What must be known of each reader to fill these words."""
    return {one.field for text in (subject, body) for one in fields_in(text)}


def check_words(subject: str, body: str) -> None:
    """Refuse what would be sent as it stands, with a sentence at the field of the form."""
    problems: dict[str, str] = {}
    for name, words in (("subject", subject), ("body", body)):
        found = (placed(match[1]) for match in BRACES.finditer(words) if _meant(match[1]))
        fault = next((one for one in found if isinstance(one, str)), "")
        if not fault and UNCLOSED.search(words):
            fault = "A field is not closed. Write } at its end, like {given_name|friend}."
        if not fault and LINK_WITH_FIELD.search(words):
            fault = "A field cannot stand in the address of a link. Put it into the words instead."
        if fault:
            problems[name] = fault
    if problems:
        raise Invalid(problems)


def _meant(inside: str) -> bool:
    """Whether somebody meant a field by these braces, and not a passage that happens to stand in some."""
    name = inside.strip().partition("|")[0].strip().casefold()
    return name in {field.value for field in Field} or (len(inside) <= 40 and "\n" not in inside)


def fill(text: str, values: Values) -> str:
    """Plain text with this reader's values. What is no field stays as it is."""
    return _filled(text, values, lambda value: value)


def fill_subject(subject: str, values: Values) -> str:
    """A subject with this reader's values: one line, whatever a value holds."""
    return plain(_filled(subject, values, lambda value: plain(value, 200)), 250)


def fill_markdown(text: str, values: Values) -> str:
    """Markdown with this reader's values: a name like ``_Ana_`` is a name and no markup."""
    return _filled(text, values, lambda value: MARKUP.sub(r"\\\1", " ".join(value.split())))


def fill_html(text: str, values: Values) -> str:
    """Rendered HTML with this reader's values, which are text and no elements."""
    return _filled(text, values, lambda value: html.escape(" ".join(value.split())))


def replaced(text: str, written: Callable[[Placed], str]) -> str:
    """The text with something in place of every field; what is no field stays as it is. In one pass."""

    def one(match: re.Match[str]) -> str:
        found = placed(html.unescape(match[1]))
        return written(found) if isinstance(found, Placed) else match[0]

    return BRACES.sub(one, text)


def _filled(text: str, values: Values, written: Callable[[str], str]) -> str:
    return replaced(text, lambda one: written(one.value(values)))
