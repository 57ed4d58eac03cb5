"""A sample of every letter, beside its template: ``templates/<room>/mail/<letter>.toml``.

Apart from the rooms' ``messages`` because a sample needs no database; the house's tests hold both together.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass

from app.mail.message import Message, Priority
from app.mail.render import TEMPLATES

ENGLISH, ARABIC = "en", "ar"
LANGUAGES = {ENGLISH: "English", ARABIC: "Arabic, right to left"}
READER = "reader@people.example"


@dataclass(frozen=True, slots=True)
class Sample:
    """What a letter is for, and the letter as it might be written to somebody in each language."""

    template: str
    about: str
    messages: dict[str, Message]


@functools.cache
def every() -> dict[str, Sample]:
    """The sample of each letter, by its template's name."""
    paths = sorted(TEMPLATES.glob("*/mail/*.toml"))
    names = (path.relative_to(TEMPLATES).with_suffix("").as_posix() for path in paths)
    return {name: _read(name, path.read_text(encoding="utf-8")) for name, path in zip(names, paths, strict=True)}


def about(template: str) -> str:
    """What a letter is for, in a sentence; the template's name where nobody wrote one."""
    found = every().get(template)
    return found.about if found is not None else template


def _read(template: str, text: str) -> Sample:
    given = tomllib.loads(text)
    messages = {
        language: Message(
            to=READER,
            to_name=given[language]["to_name"],
            template=template,
            context=given[language]["words"],
            priority=Priority(given["priority"]),
            from_name=given[language]["from_name"],
            unsubscribe_path=given[language].get("unsubscribe_path", ""),
            language=language,
        )
        for language in LANGUAGES
    }
    return Sample(template, given["about"], messages)
