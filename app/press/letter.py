"""A letter with its roll, or a report to a target, as a tagged PDF that carries its own canonical text."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import typst
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from app.core.markup import to_blocks
from app.core.text import canonical

TEMPLATE = Path(__file__).with_name("letter.typ")
ATTACHED = "statement.txt"
LARGEST_PDF = 20 * 1024 * 1024
LARGEST_TEXT = 1024 * 1024
DEMO_NOTICE = "Demonstration. No organization has signed this letter."


@dataclass(frozen=True, slots=True)
class RollEntry:
    """One name as it is printed, and who signed for it."""

    listed_as: str
    signatory: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class RollGroup:
    """Names under one heading; the heading may be empty."""

    heading: str
    entries: tuple[RollEntry, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What letters and reports share. ``author`` is the letterhead; ``digest`` is of ``markdown``'s canonical text."""

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


@dataclass(frozen=True, slots=True)
class Voice:
    """A public comment and who made it, as they agreed to be named."""

    words: str
    who: str


@dataclass(frozen=True, slots=True)
class ReportSheet:
    """A petition's report to a target. ``rows`` are (place, count) pairs as printed."""

    sheet: Sheet
    addressees: tuple[str, ...]
    rows_columns: tuple[str, str]
    rows: tuple[tuple[str, str], ...]
    voices: tuple[Voice, ...] = field(default=())


def set_letter(letter: LetterSheet) -> bytes:
    """The letter as PDF/UA-1; the same sheet always gives the same bytes. A typst.TypstError is our mistake."""
    names = sum(len(group.entries) for group in letter.roll)
    data = _shared(letter.sheet, letter.addressees)
    data["roll_heading"] = "Signed by one organization" if names == 1 else f"Signed by {names} organizations"
    data["roll"] = [
        {
            "heading": group.heading,
            "entries": [
                {"listed_as": entry.listed_as, "signatory": entry.signatory, "title": entry.title}
                for entry in group.entries
            ],
        }
        for group in letter.roll
        if group.entries
    ]
    return _compile(data)


def set_report(report: ReportSheet) -> bytes:
    """The report as PDF/UA-1; the same sheet always gives the same bytes."""
    data = _shared(report.sheet, report.addressees)
    data["rows_heading"] = "Where the signers live"
    data["rows_columns"] = list(report.rows_columns)
    data["rows"] = [list(row) for row in report.rows]
    data["voices_heading"] = "In their words"
    data["voices"] = [{"words": voice.words, "who": voice.who} for voice in report.voices]
    return _compile(data)


def _shared(sheet: Sheet, addressees: tuple[str, ...]) -> dict[str, Any]:
    blocks = to_blocks(sheet.markdown)
    if blocks and blocks[0]["kind"] == "heading" and _words(blocks[0]) == sheet.title.strip():
        blocks = blocks[1:]
    grouped = " ".join(sheet.digest[start : start + 8] for start in range(0, len(sheet.digest), 8))
    return {
        "author": sheet.author,
        "title": sheet.title,
        "description": f"{sheet.title}. {sheet.author}.",
        "blocks": blocks,
        "dateline": sheet.dateline,
        "date": [sheet.dated.year, sheet.dated.month, sheet.dated.day],
        "digest": sheet.digest,
        "digest_grouped": grouped,
        "verify_url": sheet.verify_url,
        "language": sheet.language,
        "notice": DEMO_NOTICE if sheet.demo else "",
        "paper": "us-letter" if sheet.language == "en" else "a4",
        "addressees": [] if _greets(blocks) else list(addressees),
        "attachment": canonical(sheet.markdown),
        "roll": [],
        "roll_heading": "",
        "rows": [],
        "rows_heading": "",
        "rows_columns": ["", ""],
        "voices": [],
        "voices_heading": "",
    }


def _greets(blocks: list[dict[str, Any]]) -> bool:
    """Whether the text itself begins by naming whom it is to, so that the press does not say it twice."""
    return bool(blocks) and blocks[0]["kind"] == "paragraph" and _words(blocks[0]).startswith(("To ", "Dear "))


def _words(block: dict[str, Any]) -> str:
    return "".join(run["text"] for run in block["runs"]).strip()


@cache
def _template() -> bytes:
    return TEMPLATE.read_bytes()


def _compile(data: dict[str, Any]) -> bytes:
    inputs = {"data": json.dumps(data, ensure_ascii=False)}
    try:
        made = typst.compile(_template(), format="pdf", sys_inputs=inputs, pdf_standards=["ua-1"], timestamp=0)
    except typst.TypstError:
        # PDF/UA refuses a letter for which no font of this machine has a glyph (Han names on a bare server).
        # The letter must still go out; docs/operating.md names the font package that mends it.
        made = typst.compile(_template(), format="pdf", sys_inputs=inputs, timestamp=0)
    if not isinstance(made, bytes):
        message = "The press gave several files where one was asked for."
        raise TypeError(message)
    return made


def read_statement(pdf: bytes) -> str | None:
    """The canonical text a PDF of ours carries, or None for any other file. Hostile files give None."""
    if len(pdf) > LARGEST_PDF or not pdf.startswith(b"%PDF-"):
        return None
    try:
        found = PdfReader(io.BytesIO(pdf)).attachments.get(ATTACHED, [])
        body = found[0] if found else None
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError, IndexError):
        return None
    if body is None or len(body) > LARGEST_TEXT:
        return None
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None
