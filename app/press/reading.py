"""Reading a PDF that a stranger uploads: only our own attachment is wanted, and nothing in the file is trusted.

A file of 60 kB can keep pypdf busy for minutes. So it is read in a process of its own, which is ended after a few
seconds; this file is that process's program as well, and imports nothing else of the house.
"""

from __future__ import annotations

import io
import subprocess
import sys

from pypdf import PdfReader
from pypdf.errors import PyPdfError

ATTACHED = "statement.txt"
LARGEST_PDF = 20 * 1024 * 1024
LARGEST_TEXT = 1024 * 1024
LONGEST_SECONDS = 5
# What pypdf raises over broken files beside its own errors, found by feeding it damaged letters. A RuntimeError is
# its answer to unknown filters and to nesting without end.
BROKEN = (PyPdfError, ValueError, LookupError, TypeError, AttributeError, RuntimeError)


def read_statement(pdf: bytes) -> str | None:
    """The text a PDF of ours carries, as attached; None for any other file, and for hostile or larger ones.

    It is what the file says, not what we once set: compare its digest with the one on record.
    """
    if len(pdf) > LARGEST_PDF or not pdf.startswith(b"%PDF-"):
        return None
    command = [sys.executable, "-I", __file__]
    try:
        read = subprocess.run(  # noqa: S603 - our own program; the file is only its input
            command, input=pdf, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=LONGEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return None
    return read.stdout.decode("utf-8") if read.returncode == 0 else None


def attached(pdf: bytes) -> str | None:
    """The same within this process, for as long as it takes."""
    try:
        found = PdfReader(io.BytesIO(pdf)).attachments.get(ATTACHED, [])
        body = found[0] if found else b""
        return body.decode("utf-8") if 0 < len(body) <= LARGEST_TEXT else None
    except BROKEN:
        return None


def _main() -> int:
    text = attached(sys.stdin.buffer.read())
    if text is None:
        return 1
    sys.stdout.buffer.write(text.encode())
    return 0


if __name__ == "__main__":
    sys.exit(_main())
