"""CSV in and out: read with line numbers and sentences about bad lines, written so that no spreadsheet runs a cell."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from app.core.errors import Invalid
from app.core.inputs import FORMULA_STARTS

if TYPE_CHECKING:
    from _csv import Reader

LARGEST = 5 * 1024 * 1024
MOST_ROWS = 20_000
PART = 30_000
DELIMITERS = (",", ";", "\t")
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class TableRow:
    """One record. ``line`` is the line of the file where it begins; ``cells`` has a text for every column."""

    line: int
    cells: dict[str, str]


class Problem(NamedTuple):
    """A record that cannot be taken, and why, in a sentence."""

    line: int
    reason: str


@dataclass(slots=True)
class Table(Generic[Row]):
    """What a file holds: the records that can be read and the ones that cannot."""

    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class ImportResult:
    """What became of a file: how many things were added, updated or as they should be; which lines failed and why."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)

    def join(self, lot: ImportResult) -> None:
        """Count what became of one more lot of the same file."""
        self.added += lot.added
        self.updated += lot.updated
        self.unchanged += lot.unchanged
        self.problems = sorted([*self.problems, *lot.problems])


# A lot of an import is one transaction: SQLite has one writer, and others must get their turn between two lots.
IMPORT_LOT = 500


def lots(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The records of a file in lots, each to be taken in a transaction of its own."""
    for start in range(0, len(rows), IMPORT_LOT):
        yield rows[start : start + IMPORT_LOT]


def read_csv(body: bytes | str, *, required: Iterable[str], optional: Iterable[str] = ()) -> Table[TableRow]:
    """Read a table whose first line names its columns (any order, any case; other columns are left out).

    Raises Invalid with a sentence at ``file`` when it is no CSV in UTF-8, lacks a ``required`` column, or is larger
    than 5 MB or 20,000 records. A single bad record becomes a Problem. Columns a file lacks read as "".
    """
    needed = list(required)
    wanted = [*needed, *optional]
    lines = _decoded(body)
    reader = _reader(lines, needed)
    header = [_column(name) for name in next(reader, [])]
    places = {name: header.index(name) for name in wanted if name in header}
    table: Table[TableRow] = Table()
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader, None)
        except csv.Error:
            table.problems.append(Problem(line, "A quotation mark is missing or stands in the wrong place."))
            continue
        if record is None:
            return table
        _take(table, line, record, width=len(header), places=places, wanted=wanted)


def _take(
    table: Table[TableRow],
    line: int,
    record: list[str],
    *,
    width: int,
    places: dict[str, int],
    wanted: list[str],
) -> None:
    if not any(cell.strip() for cell in record):
        return
    if len(record) > width:
        reason = f"There are {len(record)} values for {width} columns. Put quotation marks around a value with a comma."
        table.problems.append(Problem(line, reason))
        return
    padded = record + [""] * (width - len(record))
    cells = {name: padded[places[name]].strip() if name in places else "" for name in wanted}
    table.rows.append(TableRow(line, cells))
    if len(table.rows) + len(table.problems) > MOST_ROWS:
        raise _refused(f"The file has more than {MOST_ROWS:,} lines. Split it and import the parts.")


def _refused(sentence: str) -> Invalid:
    return Invalid({"file": sentence})


def _decoded(body: bytes | str) -> str:
    raw = body.encode() if isinstance(body, str) else body
    if len(raw) > LARGEST:
        raise _refused("The file is larger than 5 MB. Split it and import the parts.")
    if not raw.strip():
        raise _refused("The file is empty. Choose a CSV file whose first line names the columns.")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _refused("The file is in UTF-16. Save it as “CSV UTF-8” and choose it again.")
    if b"\0" in raw:
        raise _refused(
            "This is not a CSV file. Open it in a spreadsheet, save it as “CSV UTF-8”, and choose that file."
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _refused(f"Line {line} is not in UTF-8. Save the file as “CSV UTF-8” and choose it again.") from error


def _reader(text: str, needed: list[str]) -> Reader:
    """A reader with the delimiter under which the first line names every needed column."""
    missing = needed
    for delimiter in DELIMITERS:
        try:
            header = [_column(name) for name in next(_rows(text, delimiter), [])]
        except csv.Error:
            continue
        lacking = [name for name in needed if name not in header]
        if not lacking:
            doubled = sorted({name for name in header if name and header.count(name) > 1})
            if doubled:
                raise _refused(f"Two columns have the same name: {', '.join(doubled)}. Rename or remove one.")
            return _rows(text, delimiter)
        missing = min(missing, lacking, key=len)
    names = ", ".join(missing)
    raise _refused(f"The first line must name the columns; missing: {names}. Save the table as “CSV UTF-8”.")


def _rows(text: str, delimiter: str) -> Reader:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)


def _column(name: str) -> str:
    return "_".join(name.strip().casefold().split())


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV in UTF-8 with BOM, so that spreadsheets keep accents; texts that they would run get a leading quote."""
    return b"".join(csv_parts(columns, rows))


def csv_parts(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """The same file in parts of some 30 kB, made while ``rows`` are read: a file of any length costs no memory."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    out.write("\ufeff")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_guarded(cell) for cell in row])
        if out.tell() > PART:
            yield _taken(out)
    yield _taken(out)


def _taken(out: io.StringIO) -> bytes:
    part = out.getvalue()
    out.seek(0)
    out.truncate()
    return part.encode()


def _guarded(cell: object) -> object:
    if isinstance(cell, str) and (cell.startswith(FORMULA_STARTS) or cell.lstrip().startswith(FORMULA_STARTS)):
        return f"'{cell}"
    return "" if cell is None else cell
