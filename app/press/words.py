"""A text's blocks as the press can set them: headings in order, bounded depth, words that fit a line."""

from __future__ import annotations

import re
from typing import Any

from app.core.markup import Block

DEEPEST = 5  # quotes and lists nested deeper are set at this depth; Typst gives up far below what Markdown allows
LONGEST_LINK = 2000
LONGEST_WORD = 40
LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_][a-z]{4})?(?:[-_]([a-z]{2}))?", re.IGNORECASE)
LETTER_PAPER = {"", "US", "CA", "MX", "PH", "CO", "CL"}


def settable(blocks: list[Block], title: str) -> list[Block]:
    """The blocks in the press's form: without the title, which the letterhead sets; no heading skips a level."""
    if blocks and blocks[0]["kind"] == "heading" and spoken(blocks[0]) == title.strip():
        blocks = blocks[1:]
    return _leveled(_shaped(blocks, 1), [1])


def spoken(block: Block) -> str:
    """The words of a heading or paragraph without their form."""
    return "".join(run["text"] for run in block["runs"]).strip()


def fitting(text: str) -> str:
    """The same words; one longer than a line may be broken where a zero-width space says so."""
    return re.sub(rf"\S{{{LONGEST_WORD}}}(?=\S)", "\\g<0>\u200b", text)


def place_of(language: str) -> tuple[str, str, str]:
    """Language, region and paper of a language tag such as ``pt-BR``; what is no such tag is English."""
    found = LANGUAGE.fullmatch(language)
    code, region = (found[1].lower(), (found[2] or "").upper()) if found else ("en", "")
    return code, region, "us-letter" if code in {"en", "es"} and region in LETTER_PAPER else "a4"


def _shaped(blocks: list[Block], depth: int) -> list[Block]:
    shaped: list[Block] = []
    for block in blocks:
        match block["kind"]:
            case "heading":
                if spoken(block):
                    shaped.append({**block, "runs": _runs(block["runs"])})
            case "paragraph":
                shaped.append({**block, "runs": _runs(block["runs"])})
            case "quote":
                inner = _shaped(block["blocks"], depth + 1)
                shaped += inner if depth > DEEPEST else [{**block, "blocks": inner}]
            case "list" | "notes":
                items = [_shaped(item, depth + 1) for item in block["items"]]
                shaped += [b for item in items for b in item] if depth > DEEPEST else [{**block, "items": items}]
            case "code":
                shaped.append({**block, "text": fitting(block["text"].rstrip("\n"))})
            case _:
                shaped.append(block)
    return shaped


def _runs(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kept = []
    for run in runs:
        link = run.get("link", "")
        kept.append({**run, "text": fitting(run["text"]), "link": link if len(link) <= LONGEST_LINK else ""})
    return kept


def _leveled(blocks: list[Block], last: list[int]) -> list[Block]:
    """Give headings levels 2 to 6 in reading order; PDF/UA refuses a step from 1 to 3. ``last`` is carried along."""
    leveled: list[Block] = []
    for block in blocks:
        if block["kind"] == "heading":
            last[0] = min(max(block["level"], 2), last[0] + 1)
            leveled.append({**block, "level": last[0]})
        elif block["kind"] == "quote":
            leveled.append({**block, "blocks": _leveled(block["blocks"], last)})
        elif "items" in block:
            leveled.append({**block, "items": [_leveled(item, last) for item in block["items"]]})
        else:
            leveled.append(block)
    return leveled
