"""The PDF of a letter."""

from __future__ import annotations

import io
from datetime import date

import pytest
from pypdf import PdfReader

from app.core.text import canonical, digest
from app.press.letter import LetterSheet, ReportSheet, RollEntry, RollGroup, Sheet, Voice, read_statement, set_letter
from app.press.letter import set_report as make_report

WORDS = "# Stop\n\nWe ask[^n] **Amazon** to stop.\n\n1. now\n2. for good\n\n[^n]: politely"


def sheet(*, demo: bool = False) -> Sheet:
    return Sheet(
        author="Coalition for Open Faces",
        title="Stop",
        markdown=WORDS,
        dateline="May 28, 2021",
        dated=date(2021, 5, 28),
        digest=digest(WORDS),
        verify_url="https://undersigned.example/statements/stop/verify",
        demo=demo,
    )


def letter(*names: str, demo: bool = False) -> LetterSheet:
    entries = tuple(RollEntry(name, "Ann Lee", "Director") for name in names)
    return LetterSheet(sheet(demo=demo), ("Amazon.com",), (RollGroup("", entries),))


def words_of(pdf: bytes) -> str:
    return " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def test_the_letter_shows_words_names_and_digest() -> None:
    names = [f"Organization {number}" for number in range(70)]
    shown = words_of(set_letter(letter(*names)))
    assert all(name in shown for name in names)
    assert "Signed by 70 organizations" in shown
    assert digest(WORDS)[:8] in shown
    assert "statements/stop/verify" in shown


def test_the_same_letter_gives_the_same_bytes() -> None:
    assert set_letter(letter("A", "B")) == set_letter(letter("A", "B"))


def test_the_letter_carries_its_canonical_text() -> None:
    assert read_statement(set_letter(letter("A"))) == canonical(WORDS)


def test_the_letter_is_tagged_and_titled() -> None:
    reader = PdfReader(io.BytesIO(set_letter(letter("A"))))
    assert reader.metadata is not None
    assert reader.metadata.title == "Stop"
    assert "/StructTreeRoot" in reader.root_object


@pytest.mark.parametrize("name", ['#import "x": *', "$x$ \\ ] [ *b*", "@ref <label>", "= Heading", "陳慧玲", "عربي"])
def test_a_name_is_printed_and_never_obeyed(name: str) -> None:
    shown = words_of(set_letter(letter(name)))
    if name.isascii():
        assert name in shown


def test_a_demonstration_says_so_on_the_page() -> None:
    assert "No organization has signed this letter" in words_of(set_letter(letter("A", demo=True)))


def test_a_report_shows_counts_and_voices() -> None:
    report = ReportSheet(
        sheet(), ("Amazon.com",), ("Postal code", "Signatures"), (("981", "120"),), (Voice("My street.", "Ewa, 98003"),)
    )
    shown = words_of(make_report(report))
    assert "120" in shown
    assert "My street." in shown


@pytest.mark.parametrize("body", [b"", b"hello", b"%PDF-1.7 nonsense", b"%PDF-1.7\n" + b"\x00" * 1000])
def test_a_file_that_is_no_letter_of_ours_is_simply_none(body: bytes) -> None:
    assert read_statement(body) is None
