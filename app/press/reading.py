"""Reading a PDF that a stranger uploads: only our own attachment is wanted, and nothing in the file is trusted."""

from __future__ import annotations

import io

from pypdf import PdfReader
from pypdf.errors import PyPdfError

ATTACHED = "statement.txt"
LARGEST_PDF = 20 * 1024 * 1024
LARGEST_TEXT = 1024 * 1024
# What pypdf raises over broken files beside its own errors, found by feeding it damaged letters. A RuntimeError is
# its answer to unknown filters and to nesting without end.
BROKEN = (PyPdfError, ValueError, LookupError, TypeError, AttributeError, RuntimeError)


def read_statement(pdf: bytes) -> str | None:
    """The text a PDF of ours carries, as attached; None for any other file, and for hostile or larger ones.

    It is what the file says, not what we once set: compare its digest with the one on record.
    """
    if len(pdf) > LARGEST_PDF or not pdf.startswith(b"%PDF-"):
        return None
    try:
        found = PdfReader(io.BytesIO(pdf)).attachments.get(ATTACHED, [])
        body = found[0] if found else b""
        return body.decode("utf-8") if 0 < len(body) <= LARGEST_TEXT else None
    except BROKEN:
        return None
