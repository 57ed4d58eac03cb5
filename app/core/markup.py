"""Markdown of people as safe HTML, as plain text for mail, and as blocks of data for the press."""

from __future__ import annotations

import functools
import re
import textwrap
from typing import TYPE_CHECKING, Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator

TAGS = {
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "strong", "em", "code", "pre"),
    *("blockquote", "ul", "ol", "li", "a", "sup", "section"),
}
ATTRIBUTES = {
    "a": {"href", "id", "class"},
    "li": {"id", "class"},
    "ol": {"start", "class"},
    "sup": {"class"},
    "section": {"class"},
}
OURS = re.compile(r"(https?://|mailto:)", re.IGNORECASE)
REFERENCE = re.compile(r"(?<!\\)\[\^[^\]\s]+\](?!:)")
NOTE = re.compile(r"#fn(ref)?[-\w]*[\d:]*")
WIDTH = 72
Block = dict[str, Any]


@functools.cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "linkify": False}).disable(["image"]).use(footnote_plugin)


def _tokens(markdown: str, prefix: str = "") -> list[Token]:
    return _parser().parse(markdown, {"docId": prefix} if prefix else {})


def _kept(tag: str, attribute: str, value: str) -> str | None:
    """Drop addresses that lead to pages of our own or, as ``//evil.example``, only look as if they did."""
    return None if (tag, attribute) == ("a", "href") and not (OURS.match(value) or NOTE.fullmatch(value)) else value


@functools.lru_cache(maxsize=512)
def to_html(markdown: str, prefix: str = "") -> str:
    """Sanitized HTML; links lead only to http, https and mailto addresses.

    ``prefix`` keeps the footnotes of two texts on one page apart.
    """
    environment = {"docId": prefix} if prefix else {}
    rendered = _parser().render(markdown, environment)
    return nh3.clean(
        rendered,
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_kept,
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener",
    )


@functools.lru_cache(maxsize=512)
def _blocks(markdown: str) -> list[Block]:
    tokens = _tokens(markdown)
    blocks, _ = _read(tokens, 0, None)
    return blocks


def to_blocks(markdown: str) -> list[Block]:
    """The text as JSON-able data.

    A block is ``{"kind": "heading", "level": 1, "runs": […]}``, ``paragraph``, ``code`` (``text``), ``rule``,
    ``quote`` (``blocks``), ``list`` (``ordered``, ``start``, ``items``: lists of blocks) or ``notes`` (``items``:
    lists of blocks). A run is ``{"text": …, "bold"?, "italic"?, "code"?, "link"?: address, "note"?: number}``.
    The answer is shared between callers: do not change it.
    """
    return _blocks(markdown)


def _read(tokens: list[Token], at: int, until: str | None) -> tuple[list[Block], int]:
    blocks: list[Block] = []
    while at < len(tokens):
        token = tokens[at]
        if token.type == until:
            return blocks, at + 1
        at = _block(tokens, at, blocks)
    return blocks, at


def _block(tokens: list[Token], at: int, blocks: list[Block]) -> int:
    token = tokens[at]
    match token.type:
        case "heading_open":
            blocks.append({"kind": "heading", "level": int(token.tag[1:]), "runs": _runs(tokens[at + 1])})
            return at + 3
        case "paragraph_open":
            blocks.append({"kind": "paragraph", "runs": _runs(tokens[at + 1])})
            return at + 3
        case "fence" | "code_block":
            blocks.append({"kind": "code", "text": token.content})
        case "hr":
            blocks.append({"kind": "rule"})
        case "blockquote_open":
            inner, following = _read(tokens, at + 1, "blockquote_close")
            blocks.append({"kind": "quote", "blocks": inner})
            return following
        case "bullet_list_open" | "ordered_list_open":
            closing = token.type.replace("open", "close")
            items, following = _items(tokens, at + 1, closing, "list_item_open", "list_item_close")
            start = int(str(token.attrGet("start") or 1))
            blocks.append({"kind": "list", "ordered": token.type[0] == "o", "start": start, "items": items})
            return following
        case "footnote_block_open":
            items, following = _items(tokens, at + 1, "footnote_block_close", "footnote_open", "footnote_close")
            blocks.append({"kind": "notes", "items": items})
            return following
        case _:
            pass
    return at + 1


def _items(tokens: list[Token], at: int, until: str, opening: str, closing: str) -> tuple[list[list[Block]], int]:
    items: list[list[Block]] = []
    while tokens[at].type != until:
        if tokens[at].type == opening:
            inner, at = _read(tokens, at + 1, closing)
            items.append(inner)
        else:
            at += 1
    return items, at + 1


def _runs(token: Token) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = []
    styles: list[dict[str, Any]] = [{}]
    for child in token.children or []:
        style = styles[-1]
        match child.type:
            case "strong_open":
                styles.append({**style, "bold": True})
            case "em_open":
                styles.append({**style, "italic": True})
            case "link_open":
                styles.append({**style, "link": _safe_address(str(child.attrGet("href") or ""))})
            case "strong_close" | "em_close" | "link_close":
                styles.pop()
            case "code_inline":
                runs.append({"text": child.content, **style, "code": True})
            case "softbreak":
                runs.append({"text": " ", **style})
            case "hardbreak":
                runs.append({"text": "\n", **style})
            case "footnote_ref":
                runs.append({"text": "", "note": int(child.meta["id"]) + 1})
            case "footnote_anchor":
                pass
            case _:
                runs.append({"text": child.content, **style})
    return [run for run in runs if run["text"] or "note" in run]


def _safe_address(address: str) -> str:
    return address if OURS.match(address) else ""


def to_plain(markdown: str) -> str:
    """Readable text for mail: wrapped at 72, links as ``words (address)``, notes at the end as ``[1]``."""
    return "\n\n".join(_plain_block(block, "") for block in to_blocks(markdown)).strip() + "\n"


def _plain_runs(runs: list[dict[str, Any]]) -> str:
    parts = []
    for run in runs:
        if "note" in run:
            parts.append(f"[{run['note']}]")
        elif run.get("link") and run["link"] != run["text"]:
            parts.append(f"{run['text']} ({run['link']})")
        else:
            parts.append(run["text"])
    return "".join(parts)


def _wrapped(text: str, first: str, rest: str) -> str:
    lines = [
        textwrap.fill(
            line,
            WIDTH,
            initial_indent=first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.split("\n")
    ]
    return "\n".join(lines)


def _plain_block(block: Block, indent: str) -> str:
    match block["kind"]:
        case "heading":
            text = _plain_runs(block["runs"])
            return _wrapped(text.upper() if block["level"] == 1 else text, indent, indent)
        case "paragraph":
            return _wrapped(_plain_runs(block["runs"]), indent, indent)
        case "code":
            return textwrap.indent(block["text"].rstrip("\n"), indent + "    ")
        case "rule":
            return f"{indent}* * *"
        case "quote":
            return "\n\n".join(_plain_block(inner, indent + "> ") for inner in block["blocks"])
        case "list":
            marked = zip(block["items"], _marks(block), strict=True)
            return "\n".join(_plain_item(item, mark, indent) for item, mark in marked)
        case _:
            return "\n".join(_plain_item(item, f"[{n}] ", indent) for n, item in enumerate(block["items"], 1))


def _marks(block: Block) -> list[str]:
    """What stands before each item of a list."""
    return [f"{block['start'] + place}. " if block["ordered"] else "- " for place in range(len(block["items"]))]


def _plain_item(blocks: list[Block], mark: str, indent: str) -> str:
    body = "\n\n".join(_plain_block(block, indent + " " * len(mark)) for block in blocks)
    return indent + mark + body[len(indent) + len(mark) :]


def excerpt(markdown: str, length: int = 200) -> str:
    """The text's first words in one line, for descriptions of pages; at most ``length`` characters."""
    text = " ".join(" ".join(_lines(to_blocks(markdown))).split())
    return text if len(text) <= length else text[: length - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def _lines(blocks: list[Block]) -> Iterator[str]:
    """Paragraphs, those of quotes and lists too; an item keeps its mark, so that items do not run together."""
    for block in blocks:
        match block["kind"]:
            case "paragraph":
                yield "".join(run["text"] for run in block["runs"])
            case "quote":
                yield from _lines(block["blocks"])
            case "list":
                for mark, item in zip(_marks(block), block["items"], strict=True):
                    yield mark + " ".join(_lines(item))
            case _:
                pass


def beginning(markdown: str, length: int) -> str:
    """The text's first blocks as Markdown, as many as are read in ``length`` characters, at least one.

    Cut between paragraphs or between the items of a list, and inside only where the first block alone is more than
    twice too long; an ellipsis says that more follows. Links keep their addresses, marks of notes go.
    """
    if len(to_plain(markdown)) <= length:
        return markdown
    known: dict[str, Any] = {}
    lines = re.split(r"\r\n?|\n", markdown)
    tokens = _parser().parse(markdown, known)
    whole = (one for one in tokens if one.level == 0 or (one.level, one.type) == (1, "list_item_open"))
    ends = sorted({token.map[1] for token in whole if token.map})
    cuts = [REFERENCE.sub("", "\n".join(lines[:end])) for end in ends]
    fitting = [cut for cut in cuts if len(to_plain(cut)) <= length] or cuts[:1]
    if fitting and len(fitting[-1]) > 2 * length:
        plain = " ".join(to_plain(fitting[-1]).split())
        return (excerpt(fitting[-1], length) or f"{plain[: length - 1]}…") + "\n"
    addresses = [f"[{label}]: <{found['href']}>" for label, found in known.get("references", {}).items()]
    return "\n\n".join([fitting[-1].rstrip() if fitting else "", "…", *addresses]) + "\n"
