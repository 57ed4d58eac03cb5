"""Letters as words: templates without Flask, because the worker has no request and a letter is no page."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import css_inline
import jinja2
import structlog
from markupsafe import Markup

from app.core import markup
from app.core.clock import local, spoken
from app.core.text import plain
from app.mail.message import Message
from app.mail.models import Email

TEMPLATES = Path(__file__).parent.parent.parent / "templates"
HTML_LIMIT = 100_000  # bytes; Gmail cuts a letter off at 102 kB, and with it the way to leave
SUBJECT_LIMIT = 250
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
KEY = re.compile(r"[\w.-]{30}")  # what proves something in a link is longer than any word of ours
RIGHT_TO_LEFT = {"ar", "dv", "fa", "he", "ps", "ur", "yi"}
log = structlog.get_logger()


class Unwritable(Exception):
    """A letter that cannot be written: its template or its words do not fit. Trying again does not help."""


Written = Message | Email


@dataclass(frozen=True, slots=True)
class Rendered:
    """A letter's words. ``html`` is empty where it would have been too large to arrive whole."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class House:
    """What every letter of this installation says of where it comes from."""

    base_url: str
    mail_from: str
    postal_address: str
    reply_domain: str = ""


class _Bound:
    house: House | None = None


def bind(*, base_url: str, mail_from: str, postal_address: str, reply_domain: str = "") -> None:
    """Say once, at the start, where links in letters lead, who writes them, and where answers come back to."""
    _Bound.house = House(base_url.rstrip("/"), mail_from, postal_address, reply_domain.lower())


def house() -> House:
    """What was bound."""
    if _Bound.house is None:
        raise RuntimeError("No sender is bound: call app.mail.render.bind(…) first.")
    return _Bound.house


def url(path: str) -> str:
    """A path of this site as an address. Anything but a path is refused, so that no letter links elsewhere by data."""
    if not path.startswith("/") or path.startswith("//") or re.search(r"[\s\\]", path):
        raise ValueError(f"“{path}” is no path of this site.")
    return house().base_url + path


def render(letter: Written) -> Rendered:
    """The words of a letter. Raises Unwritable, with the reason, where a template or its context is wrong."""
    try:
        return _render(letter)
    except (jinja2.TemplateError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        raise Unwritable(f"{letter.template}: {type(error).__name__}: {error}") from error


def _render(letter: Written) -> Rendered:
    words = {**_given(letter), **letter.context}
    wording = _templates().get_template(f"{letter.template}.txt")
    subject = plain("".join(wording.blocks["subject"](wording.new_context(words))), SUBJECT_LIMIT)
    if not subject:
        raise ValueError("the subject is empty")
    text = _tidy(wording.render(words))
    if not text.strip():
        raise ValueError("the text is empty")
    html = CONTROLS.sub("", _templates().get_template(f"{letter.template}.html").render(subject=subject, **words))
    html = _inliner().inline(html)
    if len(html.encode()) >= HTML_LIMIT:
        log.warning("letter goes as text only, its HTML is too large", template=letter.template)
        html = ""
    return Rendered(subject=subject, text=text, html=html)


def _given(letter: Written) -> dict[str, Any]:
    """What the layouts ask for beside the letter's own words. The postal address stands under updates."""
    manage = letter.context.get("manage_path", "")
    leave = letter.unsubscribe_path
    return {
        "lang": letter.language,
        "direction": "rtl" if letter.language.split("-")[0] in RIGHT_TO_LEFT else "ltr",
        "sender_name": letter.from_name,
        "demo": isinstance(letter, Message) and letter.demo,
        "unsubscribe_url": url(leave) if leave else "",
        "manage_url": url(manage) if manage else "",
        "postal_line": house().postal_address if leave else "",
    }


def _tidy(text: str) -> str:
    """No control characters, no white space at line ends (but the signature's "-- "), one empty line at most."""
    lines = (line if line == "-- " else line.rstrip() for line in CONTROLS.sub("", text).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"


def _moment(value: datetime | str, zone: str = "UTC") -> str:
    return spoken(datetime.fromisoformat(value) if isinstance(value, str) else value, zone)


def _day(value: date | str, zone: str = "UTC") -> str:
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
    shown = local(value, zone) if isinstance(value, datetime) else value
    return f"{shown:%B} {shown.day}, {shown.year}"


def _number(value: int) -> str:
    return f"{value:,}"


def _markdown(text: str, prefix: str = "") -> Markup:
    return Markup(markup.to_html(text, prefix=prefix))  # noqa: S704 - to_html sanitizes


@functools.cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=jinja2.select_autoescape(enabled_extensions=("html",), default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(moment=_moment, day=_day, number=_number, markdown=_markdown, plain=markup.to_plain)
    environment.globals["url"] = url
    return environment


@functools.cache
def _inliner() -> css_inline.CSSInliner:
    # The layout marks the style for dark mail readers to be kept; nothing is ever fetched.
    return css_inline.CSSInliner(load_remote_stylesheets=False)


def without_keys(words: str) -> str:
    """A letter's words or page without the links that act for its reader: showing is not giving somebody their keys."""
    base_url = house().base_url

    def without(link: re.Match[str]) -> str:
        return f"{base_url}/…" if KEY.search(link[0]) else link[0]

    # Two patterns, because one that looks for the key within the link takes the square of a hostile text.
    return re.sub(re.escape(base_url) + r"/[^\s<>\")]+", without, words)
