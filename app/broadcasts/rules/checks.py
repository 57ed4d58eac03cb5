"""Reading an update as a spam filter and a tired reader would: each finding is a sentence that says what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any
from urllib.parse import unquote, urlsplit

from app.broadcasts.rules.fields import BRACES, Field, fields_in, fields_used, placed
from app.core import markup

LONG_SUBJECT, LONGEST_SUBJECT = 60, 120  # a phone shows about 40 characters, a desk about 60
MOST_LINKS, FEWEST_WORDS, SIZE_LIMIT = 12, 20, 100_000
SHORTENERS = {
    *("bit.ly", "buff.ly", "cutt.ly", "goo.gl", "is.gd", "lnkd.in", "ow.ly", "rb.gy", "rebrand.ly", "shorturl.at"),
    *("t.co", "t.ly", "tiny.cc", "tinyurl.com", "trib.al", "v.gd"),
}
HOST = re.compile(r"(?:https?://)?((?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,})(?:[/:?#].*)?", re.IGNORECASE)
IMAGE = re.compile(r"!\[(?:[^\]!]|!(?!\[))*\][(\[]|<img\b", re.IGNORECASE)
ATTACHED = re.compile(r"\b(attached|attachment|enclosed)\b", re.IGNORECASE)
TOUCHING = re.compile(r"\{[^{}]+\}\s*\{[^{}]+\}")


class Level(Enum):
    """Whether a finding keeps an update from being approved."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at before approval. ``about`` is ``subject`` or ``body``."""

    level: Level
    about: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the words alone do not tell: our own address, which of our pages are missing, how large the letter is.

    ``missing`` holds paths, ``size`` is in bytes of HTML, ``has_districts`` whether some official can be known.
    """

    own_host: str = ""
    missing: frozenset[str] = frozenset()
    size: int = 0
    has_districts: bool = True


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the body: the words it stands under and where it leads."""

    words: str
    address: str

    @property
    def host(self) -> str:
        """The host it leads to, without ``www.``."""
        try:
            return (urlsplit(self.address).hostname or "").casefold().removeprefix("www.")
        except ValueError:
            return ""


def links_in(body: str) -> list[Link]:
    """Every link of the body, in its order."""
    runs = list(_runs(markup.to_blocks(body)))
    return [Link(run["text"].strip(), run["link"]) for run in runs if run.get("link")]


def own_paths(body: str, own_host: str) -> list[str]:
    """The paths of our own site that the body links to, each once."""
    found = []
    for link in links_in(body):
        if link.address.startswith(("http://", "https://")) and link.host == own_host.casefold().removeprefix("www."):
            parts = urlsplit(link.address)
            found.append(unquote(parts.path or "/"))
    return list(dict.fromkeys(found))


def findings(subject: str, body: str, around: Surroundings) -> list[Finding]:
    """Everything to look at before these words are approved; errors first."""
    said = [*_of_subject(subject), *_of_words(body), *_of_links(body, around), *_of_fields(subject, body, around)]
    if around.size >= SIZE_LIMIT:
        size = f"{around.size // 1000:,} kB"
        sentence = f"The letter is {size}; above 100 kB mail readers cut it off. Shorten it and link to the rest."
        said.append(Finding(Level.ERROR, "body", sentence))
    return sorted(said, key=lambda one: one.level is not Level.ERROR)


def errors(found: Iterable[Finding]) -> list[Finding]:
    """The findings that keep an update from being approved."""
    return [one for one in found if one.level is Level.ERROR]


def _of_subject(subject: str) -> Iterator[Finding]:
    if len(subject) > LONGEST_SUBJECT:
        yield _error("subject", f"The subject has {len(subject)} characters. Shorten it to {LONG_SUBJECT} or fewer.")
    elif len(subject) > LONG_SUBJECT:
        yield _warning(
            "subject", f"The subject has {len(subject)} characters; phones show about 40. Put what happened first."
        )
    if _shouts(subject):
        yield _warning("subject", "The subject is in capital letters, as in spam. Write it as a sentence.")
    if re.search(r"[!?]{2,}", subject) or subject.count("!") > 1:
        yield _warning("subject", "The subject has several marks in a row. One is enough; filters count them.")
    if HOST.search(subject):
        yield _warning("subject", "The subject holds a web address. Put it into the update instead.")


def _of_words(body: str) -> Iterator[Finding]:
    words = re.findall(r"\w+", BRACES.sub(" ", _without_links(body)))
    if not words:
        yield _error("body", "There are no words beside links and fields. Say what happened and why you write.")
    elif len(words) < FEWEST_WORDS:
        yield _warning("body", f"There are only {len(words)} words. Say what happened, and what comes next.")
    capitals = re.search(r"\b(?:[A-Z]{4,}\W+){4,}[A-Z]{4,}\b", body)
    if capitals:
        yield _warning("body", f"“{capitals[0][:60]}” is in capital letters. Write it as a sentence.")
    if IMAGE.search(body):
        yield _error("body", "Images are not sent. Take the image out, or link to a page that shows it.")
    if ATTACHED.search(body):
        yield _warning("body", "The words speak of an attachment. Updates carry none: link to the document.")


def _of_links(body: str, around: Surroundings) -> Iterator[Finding]:
    links = links_in(body)
    if len(links) > MOST_LINKS:
        yield _warning("body", f"There are {len(links)} links. Keep the {MOST_LINKS} or fewer that matter.")
    for link in dict.fromkeys(links):
        shown = HOST.fullmatch(link.words)
        named = shown[1].casefold().removeprefix("www.") if shown else ""
        if named and link.host and named != link.host:
            yield _error("body", f"The words “{link.words}” lead to {link.host}. Let a link say where it goes.")
        if link.host in SHORTENERS:
            yield _error("body", f"{link.address} hides where it leads, and filters refuse it. Write the full address.")
        elif link.address.casefold().startswith("http://") and link.host != around.own_host:
            yield _warning("body", f"{link.address} is not encrypted. Write https:// if the page has it.")
    for path in own_paths(body, around.own_host):
        if path in around.missing:
            yield _error("body", f"There is no public page {path} here. Correct the link or take it out.")


def _of_fields(subject: str, body: str, around: Surroundings) -> Iterator[Finding]:
    for about, words in (("subject", subject), ("body", body)):
        bare = {one.field for one in fields_in(words) if not one.fallback}
        if Field.OFFICIAL in bare:
            fallback = "{official|your council member}"
            yield _error(about, f"Not every reader's official is known. Say what the others read: {fallback}.")
        if Field.GIVEN_NAME in bare:
            fallback = "{given_name|neighbor}"
            yield _warning(about, f"Readers without a name are called “friend”. Choose another word: {fallback}.")
        touching = TOUCHING.search(words)
        if touching and all(not isinstance(placed(match[1]), str) for match in BRACES.finditer(touching[0])):
            yield _warning(about, f"There are no words between {' '.join(touching[0].split())}. Write some.")
    if Field.OFFICIAL in fields_used(subject, body) and not around.has_districts:
        yield _warning(
            "body",
            "No body of this campaign has a table of postal codes, so nobody's official is known and everybody reads "
            "the words after the bar. Add the table on the body's page.",
        )


def _shouts(text: str) -> bool:
    letters = [one for one in BRACES.sub("", text) if one.isalpha()]
    return len(letters) >= 8 and sum(one.isupper() for one in letters) > len(letters) * 0.6


def _without_links(body: str) -> str:
    return " ".join(run["text"] for run in _runs(markup.to_blocks(body)) if not run.get("link"))


def _runs(blocks: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The runs of these blocks and of those within; the parts of one link joined."""
    for block in blocks:
        joined: list[dict[str, Any]] = []
        for run in block.get("runs", []):
            if joined and run.get("link") and run["link"] == joined[-1].get("link"):
                joined[-1] = {**joined[-1], "text": joined[-1]["text"] + run["text"]}
            else:
                joined.append(run)
        yield from joined
        yield from _runs(block.get("blocks", []))
        for item in block.get("items", []):
            yield from _runs(item)


def _error(about: str, sentence: str) -> Finding:
    return Finding(Level.ERROR, about, sentence)


def _warning(about: str, sentence: str) -> Finding:
    return Finding(Level.WARNING, about, sentence)
