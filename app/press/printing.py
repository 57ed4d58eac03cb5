"""Running the compiler: the one place that knows Typst, its fonts and what it refuses."""

from __future__ import annotations

import json
import logging
from functools import cache
from pathlib import Path
from typing import Any

import typst

HERE = Path(__file__).parent
log = logging.getLogger(__name__)


@cache
def _template() -> bytes:
    return (HERE / "letter.typ").read_bytes()


@cache
def _fonts(*, of_the_system: bool) -> typst.Fonts:
    """Typst's own Libertinus Serif, ours for Han and Kana, then whatever the machine has."""
    return typst.Fonts(include_system_fonts=of_the_system, font_paths=[HERE / "fonts"])


def print_pdf(data: dict[str, Any], *, system_fonts: bool = True) -> bytes:
    """The template filled with ``data`` as a PDF/UA-1 file; the same data and fonts always give the same bytes.

    Where no font has a character (emoji or Thai on a bare server) PDF/UA refuses the letter. It must still go
    out, so it is then set as a tagged PDF without that claim, with boxes for the characters, and the log says so;
    docs/operating.md names the font package that mends it. Any other typst.TypstError is our mistake and is raised.
    """
    inputs = {"data": json.dumps(data, ensure_ascii=False)}
    fonts = _fonts(of_the_system=system_fonts)
    try:
        made = typst.compile(
            _template(), format="pdf", sys_inputs=inputs, font_paths=fonts, pdf_standards=["ua-1"], timestamp=0
        )
    except typst.TypstError as error:
        if "could not be displayed" not in error.message:
            raise
        log.warning("A letter is not PDF/UA: no font has one of its characters. Install the fonts of its script.")
        made = typst.compile(_template(), format="pdf", sys_inputs=inputs, font_paths=fonts, timestamp=0)
    if not isinstance(made, bytes):
        message = "The press gave several files where one was asked for."
        raise TypeError(message)
    return made
