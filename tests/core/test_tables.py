"""CSV files as people really have them."""

from __future__ import annotations

import csv
import io

import pytest

from app.core import tables
from app.core.errors import Invalid
from app.core.tables import read_csv, write_csv

GOOD = 'Name,E mail\n"Vale, Robin",robin@fftf.example\n\nDana,dana@aclu.example\n'


def _cells(body: bytes | str) -> list[tuple[int, str, str]]:
    table = read_csv(body, required=["name"], optional=["e_mail"])
    return [(row.line, row.cells["name"], row.cells["e_mail"]) for row in table.rows]


@pytest.mark.parametrize(
    "body",
    [
        GOOD,
        GOOD.encode(),
        GOOD.encode("utf-8-sig"),
        GOOD.replace("\n", "\r\n"),
        'Name;E mail\n"Vale, Robin";robin@fftf.example\n;;\nDana;dana@aclu.example\n'.replace(";;", ";"),
    ],
)
def test_a_table_reads_the_same_with_and_without_byte_order_mark_and_with_any_line_end(
    body: bytes | str,
) -> None:
    assert _cells(body) == [
        (2, "Vale, Robin", "robin@fftf.example"),
        (4, "Dana", "dana@aclu.example"),
    ]


def test_the_line_of_a_record_counts_the_lines_inside_quotation_marks() -> None:
    assert [line for line, *_ in _cells('name,e_mail\n"Robin\nVale",a\nDana,b\n')] == [
        2,
        4,
    ]


def test_a_bad_record_is_named_by_its_line_and_the_good_ones_are_read() -> None:
    table = read_csv('name,e_mail\nA,a,too many\n"B"b,b\nC,c\n"D,d\n', required=["name"])

    assert [row.cells["name"] for row in table.rows] == ["C"]
    assert [problem.line for problem in table.problems] == [2, 3, 5]
    assert "3 values for 2 columns" in table.problems[0].reason


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        ("name\nJosé\n".encode("latin-1"), "Line 2 is not in UTF-8"),
        ("name\nJosé\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04\x00\x00", "not a CSV"),
        (b"\x89PNG\r\n\x1a\n\x00", "not"),
        (b"<html><body>no</body></html>", "missing: name"),
        (b'"name\n', "missing: name"),
        (b"name,name\nA,B\n", "same name"),
        (b"name\n" + b"a\n" * 20_001, "more than 20,000"),
        (b"name\n" + b"a" * tables.LARGEST, "5 MB"),
    ],
)
def test_what_is_no_csv_is_refused_with_a_sentence(body: bytes, words: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read_csv(body, required=["name"])
    assert words in refusal.value.problems["file"]


def test_a_written_table_holds_no_cell_that_a_spreadsheet_would_run() -> None:
    body = write_csv(["name", "count"], [["=1+1", 3], [" @cmd", None], ["Zoë, O’Brien", -2]])

    assert body.startswith(b"\xef\xbb\xbf")
    assert list(csv.reader(io.StringIO(body.decode("utf-8-sig")))) == [
        ["name", "count"],
        ["'=1+1", "3"],
        ["' @cmd", ""],
        ["Zoë, O’Brien", "-2"],
    ]
