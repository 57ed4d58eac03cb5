"""What somebody wrote, without what they quoted: plain text from a text or HTML part, in bounded time.

Quotations are found by quotequail, which goes through the lines once; but a few of its patterns take the cube of a
line's length, so it is never shown a long line.
"""

from __future__ import annotations

import re

import quotequail
from lxml import etree

from app.core.text import canonical
from app.returns.rules.languages import as_written, in_english, without_separator

SEEN = 60_000  # characters that are looked at for a quotation
LONGEST_LINE, MOST_LINES = 400, 1_000  # quotequail takes the square of lines that look like headers
WORDS_LIMIT, QUOTED_LIMIT = 20_000, 10_000
STAND_IN = "\ue000"  # of a private area: no mail means anything by it
SKIPPED = ("head", "script", "style", "title", "template", "noscript", "iframe", "object", "svg", "math")
BLOCKS = {
    *("address", "article", "aside", "blockquote", "body", "center", "dd", "div", "dl", "dt", "footer", "form", "h1"),
    *("h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tr", "ul"),
}


def from_html(html: str) -> str:
    """The words of a page as lines; what stands in a block quotation begins with ``>``. Nothing is loaded or run.

    The parser stops 256 levels deep, so that a hostile page ends early instead of taking the machine with it.
    """
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        tree = etree.fromstring(html.encode(errors="replace"), parser)
    except (etree.LxmlError, ValueError):
        return ""
    if tree is None:
        return ""
    etree.strip_elements(tree, *SKIPPED, with_tail=False)
    lines = _Lines()
    for event, node in etree.iterwalk(tree, events=("start", "end")):
        tag = str(node.tag)
        if event == "start":
            lines.open(tag)
            lines.add(node.text)
        else:
            lines.close(tag)
            if node is not tree:
                lines.add(node.tail)
    lines.end()
    return "\n".join(lines.done)


class _Lines:
    """Lines as they fill up while a page is walked through."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.now: list[str] = []
        self.depth = 0

    def add(self, text: str | None) -> None:
        self.now.append(text or "")

    def open(self, tag: str) -> None:
        if tag in BLOCKS or tag == "br":
            self.end()
        self.depth += tag == "blockquote"

    def close(self, tag: str) -> None:
        if tag in BLOCKS:
            self.end()
        elif tag in {"td", "th"}:
            self.add(" ")
        if tag in {"p", "blockquote", "table", "ul", "ol", "hr"}:
            self.blank()
        self.depth -= tag == "blockquote"

    def end(self) -> None:
        text = "".join(self.now)
        line = " ".join(text.split())
        self.now.clear()
        if not line and "\u00a0" in text:  # how Outlook writes an empty line
            self.blank()
        if line:
            self.done.append("> " * min(self.depth, 3) + line)

    def blank(self) -> None:
        if self.done and self.done[-1].strip("> "):
            self.done.append(("> " * min(self.depth, 3)).rstrip())


def new_part(text: str) -> tuple[str, str, bool]:
    """What was added, what was quoted, and whether either had to be cut short. Where all is quoted, all is new."""
    lines = canonical(text[:SEEN].replace(STAND_IN, "")).split("\n")
    is_cut = len(text) > SEEN or len(lines) > MOST_LINES
    long: list[str] = []
    shown = [_shortened(line, long) for line in lines[:MOST_LINES]]
    english, were = in_english(shown)
    found = quotequail.unwrap("\n".join(english)) or {}
    added = "\n\n".join(part for part in (found.get("text_top"), found.get("text_bottom")) if part)
    quoted = found.get("text", "") if added else ""
    added, quoted = as_written(without_separator(added) if quoted else added, were), as_written(quoted, were)
    added, quoted = _whole(added or "\n".join(shown), long), _whole(quoted, long)
    is_cut = is_cut or len(added) > WORDS_LIMIT or len(quoted) > QUOTED_LIMIT
    return added[:WORDS_LIMIT].strip(), quoted[:QUOTED_LIMIT].strip(), is_cut


def _shortened(line: str, long: list[str]) -> str:
    """The line, or a stand-in for a long one; it stays a quoted line if it was one."""
    if len(line) <= LONGEST_LINE:
        return line
    is_quoted = line.startswith(">")
    long.append(line.removeprefix("> ") if is_quoted else line)
    return f"{'> ' if is_quoted else ''}{STAND_IN}{len(long) - 1}{STAND_IN}"


def _whole(text: str, long: list[str]) -> str:
    return re.sub(f"{STAND_IN}(\\d+){STAND_IN}", lambda found: long[int(found[1])], text)
