"""A letter with its roll, or a report to a target, as a tagged PDF that carries its own canonical text."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from app.core.markup import to_blocks
from app.core.text import canonical, plain
from app.core.text import digest as digest_of
from app.press.printing import print_pdf
from app.press.reading import read_statement
from app.press.words import LONGEST_LINK, fitting, place_of, settable, spoken

__all__ = [
    "LetterSheet",
    "ReportSheet",
    "RollEntry",
    "RollGroup",
    "Sheet",
    "Voice",
    "read_statement",
    "set_letter",
    "set_report",
]

DRAFT_NOTICE = "Draft. These words may still change."
DEMO_LETTER = "Demonstration. No organization has signed this letter."
DEMO_REPORT = "Demonstration. Nobody has signed this petition."
MOST_VOICES = 20


@dataclass(frozen=True, slots=True)
class RollEntry:
    """One name as it is printed, and who signed for it."""

    listed_as: str
    signatory: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class RollGroup:
    """Names under one heading, in the order they are printed; the heading may be empty. Initiators are a group."""

    heading: str
    entries: tuple[RollEntry, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What letters and reports share.

    ``author`` is the letterhead. ``digest`` is of ``markdown``'s canonical text, or empty while there is none.
    ``language`` is a tag such as ``en`` or ``pt-BR``; it also chooses the paper. ``dated`` is the PDF's date.
    """

    author: str
    title: str
    markdown: str
    dateline: str
    dated: date
    digest: str
    verify_url: str
    language: str = "en"
    demo: bool = False


@dataclass(frozen=True, slots=True)
class LetterSheet:
    """A joint letter. ``addressees`` are names as they are spoken (``the members of the King County Council``)."""

    sheet: Sheet
    addressees: tuple[str, ...]
    roll: tuple[RollGroup, ...]
    edition: int = 0
    draft: bool = False


@dataclass(frozen=True, slots=True)
class Voice:
    """A public comment and who made it, as they agreed to be named."""

    words: str
    who: str


@dataclass(frozen=True, slots=True)
class ReportSheet:
    """A petition's report to a target.

    ``rows`` are (place, count) pairs as printed; the first 20 ``voices`` are. ``summary`` is the sentence printed
    large: the count and the time it was taken ("1,204 confirmed signatures as of June 1, 2021, 5:00 pm PDT").
    """

    sheet: Sheet
    addressees: tuple[str, ...]
    rows_columns: tuple[str, str]
    rows: tuple[tuple[str, str], ...]
    voices: tuple[Voice, ...] = field(default=())
    summary: str = ""


def set_letter(letter: LetterSheet) -> bytes:
    """The letter as PDF/UA-1; the same sheet gives the same bytes. ValueError if the digest is of other words."""
    names = sum(len(group.entries) for group in letter.roll)
    data = _shared(letter.sheet, letter.addressees)
    data["edition"] = f"Edition {letter.edition}" if letter.edition else ""
    notices = [(letter.draft, DRAFT_NOTICE), (letter.sheet.demo, DEMO_LETTER)]
    data["notice"] = " ".join(words for holds, words in notices if holds)
    data["roll_heading"] = "Signed by one organization" if names == 1 else f"Signed by {names:,} organizations"
    data["roll"] = [
        {"heading": plain(group.heading), "entries": [_printed(entry) for entry in group.entries]}
        for group in letter.roll
        if group.entries
    ]
    return print_pdf(data)


def set_report(report: ReportSheet) -> bytes:
    """The report as PDF/UA-1; the same sheet gives the same bytes. ValueError if the digest is of other words."""
    data = _shared(report.sheet, report.addressees)
    data["notice"] = DEMO_REPORT if report.sheet.demo else ""
    data["summary"] = plain(report.summary)
    data["rows_heading"] = "Where the signers live"
    data["rows_columns"] = list(report.rows_columns)
    data["rows"] = [[fitting(plain(cell)) for cell in row] for row in report.rows]
    data["voices_heading"] = "In their words"
    data["voices"] = [
        {"words": fitting(canonical(one.words).strip()), "who": fitting(plain(one.who))}
        for one in report.voices[:MOST_VOICES]
    ]
    return print_pdf(data)


def _printed(entry: RollEntry) -> dict[str, str]:
    who = ", ".join(part for part in (plain(entry.signatory), plain(entry.title)) if part)
    return {"name": fitting(plain(entry.listed_as)), "who": fitting(who)}


def _shared(sheet: Sheet, addressees: tuple[str, ...]) -> dict[str, Any]:
    """What the template needs of every document; it finds each key, empty or not."""
    words = canonical(sheet.markdown)
    if sheet.digest and sheet.digest != digest_of(words):
        message = "The digest on the sheet is not that of its text."
        raise ValueError(message)
    author, title = plain(sheet.author), plain(sheet.title) or "Untitled"
    blocks = settable(to_blocks(words), title)
    address = plain(sheet.verify_url, LONGEST_LINK)
    data: dict[str, Any] = dict.fromkeys(
        ("edition", "notice", "summary", "roll_heading", "rows_heading", "voices_heading"), ""
    )
    data |= {"roll": [], "rows": [], "rows_columns": ["", ""], "voices": []}
    data |= dict(zip(("language", "region", "paper"), place_of(sheet.language), strict=True))
    return data | {
        "author": author,
        "title": title,
        "running": title if len(title) <= 90 else title[:89].rsplit(" ", 1)[0] + "…",
        "description": f"{title}. {author}.",
        "blocks": blocks,
        "dateline": plain(sheet.dateline),
        "date": [sheet.dated.year, sheet.dated.month, sheet.dated.day],
        "digest": sheet.digest,
        "digest_grouped": " ".join(sheet.digest[start : start + 8] for start in range(0, len(sheet.digest), 8)),
        "verify_url": address,
        "addressees": [] if _greets(blocks) else [plain(name) for name in addressees],
        "attachment": words,
    }


def _greets(blocks: list[dict[str, Any]]) -> bool:
    """Whether the text itself begins by naming whom it is to, so that the press does not say it twice."""
    return bool(blocks) and blocks[0]["kind"] == "paragraph" and spoken(blocks[0]).startswith(("To ", "Dear "))
