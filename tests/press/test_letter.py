"""The PDF of a letter."""

from __future__ import annotations

import io
import time
import zlib
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from app.core.text import canonical, digest
from app.press.letter import (
    LetterSheet,
    ReportSheet,
    RollEntry,
    RollGroup,
    Sheet,
    Voice,
    _shared,
    set_letter,
    set_report,
)
from app.press.printing import print_pdf
from app.press.reading import LARGEST_PDF, LARGEST_TEXT, LONGEST_SECONDS, attached, read_statement

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


UA = b"pdfuaid"


def of(words: str) -> Sheet:
    return replace(sheet(), markdown=words, digest=digest(words))


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
    pdf = set_letter(letter("A"))
    assert UA in pdf
    reader = PdfReader(io.BytesIO(pdf))
    assert reader.metadata is not None
    assert reader.metadata.title == "Stop"
    assert "/StructTreeRoot" in reader.root_object


HOSTILE = [
    '#import "x": *',
    "$x$ \\ ] [ *b*",
    "@ref <label>",
    "= Heading",
    "#sys.inputs",
    "\\u{41}",
    '"); evil',
    "// gone",
    "`",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_printed_and_never_obeyed(name: str) -> None:
    everywhere = replace(sheet(), author=name, title=name, dateline=name, language=name)
    group = RollGroup(name, (RollEntry(name, name, name),))
    pdf = set_letter(LetterSheet(everywhere, (name,), (group,)))
    assert words_of(pdf).count(name) >= 6
    assert UA in pdf


@pytest.mark.parametrize("words", [*HOSTILE, "`#import`", "[#x](https://x.example/#])", "\\#let x = 1"])
def test_a_text_is_printed_and_never_obeyed(words: str) -> None:
    assert UA in set_letter(LetterSheet(of(f"Before.\n\n{words}\n\nAfter."), (), ()))


AWKWARD = [
    "### three\n\nx\n\n###### six\n\n> ## four",
    "# \n\nx\n\n## ",
    "[x](https://) [y](mailto:) <https://a.example/%zz> [z](https://x.example/" + "z" * 9000 + ")",
    "a[^1]\n\n[^1]: x[^2]\n\n[^2]: y[^1]",
    ">" * 300 + " x",
    "- " * 300 + "x",
    "x" * 50_000,
    "```\n" + "x" * 300 + "\n```",
    "999999999. x",
    "a\\\nb **c\\\nd**\n\n***\n\n- \n- x\n\n> ",
    "",
]


@pytest.mark.parametrize("words", AWKWARD, ids=range(len(AWKWARD)))
def test_no_shape_of_text_stops_the_press(words: str) -> None:
    assert UA in set_letter(LetterSheet(of(words), ("A", "B", "C"), ()))


@pytest.mark.parametrize("language", ["en", "pt-BR", "zh-Hant-TW", "", "not a language", "de"])
def test_any_language_tag_is_printed(language: str) -> None:
    assert UA in set_letter(LetterSheet(replace(sheet(), language=language), (), ()))


def test_names_of_many_scripts_print_on_a_machine_without_fonts() -> None:
    names = ["Wei-Ling Chen 陳慧玲", "José Ñúñez", "Ingrid Sørensen", "Nguyễn Thị Hoa", "Софія", "김지우", "山田さくら"]
    pdf = print_pdf(_shared(sheet(), (*names, "عربي")), system_fonts=False)
    assert UA in pdf
    shown = "".join(words_of(pdf).split())
    assert all(name.replace(" ", "") in shown for name in names)


def test_a_character_no_font_has_does_not_stop_the_letter(caplog: pytest.LogCaptureFixture) -> None:
    pdf = print_pdf(_shared(sheet(), ("Friends of ไทย",)), system_fonts=False)
    assert UA not in pdf
    assert "/StructTreeRoot" in PdfReader(io.BytesIO(pdf)).root_object
    assert "no font has one of its characters" in caplog.text


def test_hidden_characters_are_not_printed() -> None:
    shown = words_of(set_letter(letter("Group\u202e\x00\ud800\u200b")))
    assert "Group" in shown


def test_no_name_of_a_long_roll_is_split_between_pages() -> None:
    entries = tuple(RollEntry(f"Number {number} of Many", f"Person {number}", "Director") for number in range(200))
    pdf = set_letter(LetterSheet(sheet(), (), (RollGroup("National", entries),)))
    for page in PdfReader(io.BytesIO(pdf)).pages:
        shown = page.extract_text()
        assert "verify" in shown
        assert digest(WORDS)[:8] in shown
        for number in range(200):
            assert (f"Number {number} of" in shown) == (f"Person {number}," in shown)


def test_a_digest_of_other_words_is_refused() -> None:
    with pytest.raises(ValueError, match="digest"):
        set_letter(LetterSheet(replace(sheet(), digest=digest("Other words.")), (), ()))


def test_a_draft_says_so_and_an_edition_is_named() -> None:
    shown = words_of(set_letter(LetterSheet(sheet(), (), (), edition=2, draft=True)))
    assert "Draft. These words may still change." in shown
    assert "Edition 2" in shown


def test_a_demonstration_says_so_on_the_page() -> None:
    assert "No organization has signed this letter" in words_of(set_letter(letter("A", demo=True)))


def test_a_report_shows_the_count_its_time_places_and_twenty_voices() -> None:
    voices = tuple(Voice(f"Street {number}.", "Ewa, 98003") for number in range(30))
    counted = "1,204 confirmed signatures as of June 1, 2021, 5:00 pm PDT."
    rows = (("981", "120"), ("#import", "$x$"))
    report = ReportSheet(sheet(demo=True), ("Amazon.com",), ("Postal code", "Signatures"), rows, voices, counted)
    pdf = set_report(report)
    shown = words_of(pdf)
    assert all(words in shown for words in ("120", "#import", "$x$", counted, "Street 19.", "Nobody has signed"))
    assert "Street 20." not in shown
    assert digest(WORDS)[:8] in shown
    assert read_statement(pdf) == canonical(WORDS)
    assert UA in pdf
    assert pdf == set_report(report)


@pytest.mark.parametrize("body", [b"", b"hello", b"%PDF-1.7 nonsense", b"%PDF-1.7\n" + b"\x00" * 1000])
def test_a_file_that_is_no_letter_of_ours_is_simply_none(body: bytes) -> None:
    assert read_statement(body) is None


def with_attachment(body: bytes) -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(72, 72)
    writer.add_attachment("statement.txt", body)
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


@pytest.mark.parametrize("body", [b"\xff\xfe", b"x" * (LARGEST_TEXT + 1), b""])
def test_an_attachment_that_is_no_text_of_ours_is_simply_none(body: bytes) -> None:
    assert read_statement(with_attachment(body)) is None


def test_a_file_that_unpacks_to_very_much_is_simply_none() -> None:
    packed = zlib.compress(b"a" * 200_000_000, 9)
    plain = with_attachment(b"MARK")
    assert b"MARK" in plain
    bomb = plain.replace(b"/Length 4", b"/Filter /FlateDecode /Length %d" % len(packed)).replace(b"MARK", packed)
    assert read_statement(bomb) is None
    assert read_statement(b"%PDF-" + b"x" * LARGEST_PDF) is None


LETTER = set_letter(letter("A"))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(LETTER) - 1), st.integers(0, 255)), min_size=1, max_size=30))
def test_a_damaged_letter_gives_a_text_or_none(damage: list[tuple[int, int]]) -> None:
    broken = bytearray(LETTER)
    for place, value in damage:
        broken[place] = value
    found = attached(bytes(broken))
    assert found is None or isinstance(found, str)


def test_a_small_file_that_takes_minutes_to_unpack_is_given_up() -> None:
    packed = zlib.compress(b"\x02" * 60_000_000, 9)
    slow = b"/Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 1 >> /Length %d" % len(packed)
    bomb = with_attachment(b"MARK").replace(b"/Length 4", slow).replace(b"MARK", packed)
    assert len(bomb) < 100_000
    begun = time.monotonic()
    assert read_statement(bomb) is None
    assert time.monotonic() - begun < LONGEST_SECONDS + 5


def test_a_letter_with_a_filter_nobody_knows_is_simply_none() -> None:
    long = set_letter(LetterSheet(of("word " * 2000), (), ()))
    assert read_statement(long) == canonical("word " * 2000)
    assert read_statement(long.replace(b"/FlateDecode", b"/FloteDecode")) is None
