"""Every letter of the house, rendered from the sample beside its template and read as a mail reader would."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import re
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import NotFound
from werkzeug.routing import RequestRedirect

from app.mail import mime, outbox, render, samples
from app.mail.message import Priority
from app.mail.models import Email
from tests.builders import NOW
from tests.house.rules import ROOT

LETTERS = sorted(
    path.relative_to(render.TEMPLATES).with_suffix("").as_posix() for path in render.TEMPLATES.glob("*/mail/*.txt")
)
BASE = "https://undersigned.example"
BOTH = ("en", "ar")
EACH = [pytest.param(template, language, id=f"{template}-{language}") for template in LETTERS for language in BOTH]
each = pytest.mark.parametrize(("template", "language"), EACH)
VOID = {"meta", "br", "hr"}


@pytest.fixture(autouse=True)
def _bound(monkeypatch: pytest.MonkeyPatch) -> None:
    house = render.House(BASE, "Undersigned <letters@undersigned.example>", "1 Main St, Seattle")
    monkeypatch.setattr(render._Bound, "house", house)


def sent(template: str, language: str, *, demo: bool = False) -> tuple[render.Rendered, EmailMessage]:
    """The letter's words, and what arrives of them."""
    message = dataclasses.replace(samples.every()[template].messages[language], demo=demo)
    email = Email(id=42, **outbox.columns(message, once=template, now=NOW), attachments=[])
    words = render.render(email)
    raw = mime.build(words, email, mime.new_message_id(email), now=NOW).as_bytes()
    found = BytesParser(policy=default).parsebytes(raw)
    assert isinstance(found, EmailMessage)
    return words, found


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None, f"there is no {kind} part"
    return str(part.get_content())


class Page(HTMLParser):
    """HTML as a strict reader takes it: every element closed in order, and what stands in each."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(html)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs), f"<{tag}> has an attribute twice"
        if tag not in VOID:
            assert not (tag in {"p", "h1", "table", "ul"} and "p" in self.open), f"<{tag}> within a <p>"
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> is out of order"

    def handle_data(self, data: str) -> None:
        if self.open and data.strip():
            self.texts.append((self.open[-1], data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def words_of(text: str) -> list[str]:
    """The words of a text without addresses and marks, to compare two parts of one letter."""
    return re.findall(r"\w+", re.sub(r"https?://\S+", "", text))


def test_every_letter_has_a_sample_and_every_sample_a_letter() -> None:
    assert sorted(samples.every()) == LETTERS


@each
def test_a_letter_has_both_parts_whole(template: str, language: str) -> None:
    words, message = sent(template, language)

    assert message.defects == []
    assert len(body(message, "plain").split()) > 10
    assert 0 < len(words.html.encode()) < render.HTML_LIMIT
    assert len(message.as_bytes()) < render.HTML_LIMIT
    assert "\n" not in str(message["Subject"])
    assert 3 < len(words.subject) <= 150
    for part in (words.subject, words.text, " ".join(text for _, text in Page(words.html).texts)):
        assert not re.search(r"\bNone\b|Undefined|[{}]{2}|&amp;|&#\d+;|<built-in|\bobject at 0x", part)


@each
def test_the_html_of_a_letter_is_sound_and_can_be_heard(template: str, language: str) -> None:
    words, _ = sent(template, language)
    page = Page(words.html)

    assert words.html.lstrip().lower().startswith("<!doctype html>")
    direction = {"en": "ltr", "ar": "rtl"}[language]
    for element in (page.all("html")[0], next(one for one in page.all("div") if one.get("role") == "main")):
        # Web mail takes html and body off, and with them the language and the direction; so the column has both too.
        assert (element["lang"], element["dir"]) == (language, direction)
    assert [text.strip() for tag, text in page.texts if tag == "title"] == [words.subject]
    assert len(page.all("h1")) == 1
    assert all(table.get("role") == "presentation" for table in page.all("table"))
    assert all(link.get("href") for link in page.all("a"))
    identified = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identified) == len(set(identified))


@each
def test_a_letter_loads_nothing_and_runs_nothing(template: str, language: str) -> None:
    html = body(sent(template, language)[1], "html")

    assert not re.search(r"<(img|script|iframe|link|object|form)\b|\son\w+=", html, re.IGNORECASE)
    assert not re.search(r"url\(|@import|@font-face", html)
    assert 'style="' in html, "the styles are not inlined"


@each
def test_a_right_to_left_letter_stands_at_the_right(template: str, language: str) -> None:
    page = Page(sent(template, language)[0].html)
    blocks = [attributes for tag, attributes in page.elements if tag in {"p", "li", "h1", "blockquote"}]

    aligned = [re.search(r"text-align:\s*right", attributes.get("style") or "") for attributes in blocks]

    assert all(aligned) if language == "ar" else not any(aligned)
    for kind in ("ul", "ol"):
        for one in page.all(kind):
            assert ("0 24px 0 0" in (one.get("style") or "")) is (language == "ar")


@each
def test_both_parts_say_the_same_in_the_same_order(template: str, language: str) -> None:
    words, _ = sent(template, language)
    page = Page(words.html)
    spoken = words_of(" ".join(text for tag, text in page.texts if tag not in {"style", "title"}))
    written = words_of(words.text)

    alike = difflib.SequenceMatcher(a=written, b=spoken, autojunk=False).get_matching_blocks()

    assert sum(block.size for block in alike) >= 0.75 * len(written)
    in_html = [str(one["href"]) for one in page.all("a") if str(one["href"]).startswith(BASE)]
    in_text = re.findall(rf"{BASE}/[^\s)>\]]*", words.text)
    assert list(dict.fromkeys(in_text)) == list(dict.fromkeys(in_html))


@each
def test_a_letter_links_only_to_this_site_and_in_full(template: str, language: str) -> None:
    words, _ = sent(template, language)
    linked = [str(one["href"]) for one in Page(words.html).all("a")] + re.findall(r"https?://[^\s)>\]]+", words.text)
    assert [link for link in linked if not link.startswith(f"{BASE}/")] == []


@each
def test_one_click_headers_are_there_exactly_on_updates(template: str, language: str) -> None:
    words, message = sent(template, language)
    update = samples.every()[template].messages[language].priority is Priority.UPDATE

    if update:
        assert str(message["List-Unsubscribe"]) == f"<{BASE}/unsubscribe/sample>"
        assert str(message["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    else:
        assert message["List-Unsubscribe"] is message["List-Unsubscribe-Post"] is None
    for part in (words.text, words.html):
        assert (f"{BASE}/unsubscribe/sample" in part) is update
        assert ("1 Main St, Seattle" in part) is update
    assert not (update and message["Auto-Submitted"])


@pytest.mark.parametrize("template", LETTERS)
def test_a_letter_of_a_demonstration_says_so_first(template: str) -> None:
    words, _ = sent(template, "en", demo=True)
    said = "This is a demonstration. No organization has signed this letter."
    assert said in words.text.splitlines()[:3]  # after the sender, where there is one
    assert words.html.count(said) == 1
    assert said not in sent(template, "en")[0].text


@pytest.mark.parametrize("path", sorted(ROOT.glob("app/*/messages.py")), ids=lambda path: path.parent.name)
def test_every_letter_asks_whether_its_coalition_is_a_demonstration(path: Path) -> None:
    """Accounts and the post office know no coalition; everybody else says ``demo=`` and cannot forget it."""
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Message"
    ]
    silent = [call.lineno for call in calls if "demo" not in {word.arg for word in call.keywords}]
    assert silent == [] or path.parent.name in {"accounts", "mail"}


@pytest.mark.parametrize("template", LETTERS)
def test_the_places_a_letter_leads_to_exist(template: str, app: Flask) -> None:
    render.bind(base_url=BASE, mail_from="Undersigned <letters@undersigned.example>", postal_address="")
    for link in re.findall(rf"{BASE}(/[^\s)>\]]*)", sent(template, "en")[0].text):
        assert leads_somewhere(app, link), f"{template}: nothing is at {link}"


def leads_somewhere(app: Flask, path: str) -> bool:
    """Whether the app has a page at the path."""
    try:
        app.url_map.bind("undersigned.example").match(urlsplit(path).path, method="GET")
    except (NotFound, RequestRedirect):
        return False
    return True


@pytest.mark.parametrize("template", LETTERS)
def test_a_sample_has_only_words_that_its_room_writes(template: str) -> None:
    room = template.split("/", maxsplit=1)[0]
    paths = [*(ROOT / "app" / room).glob("messages*.py"), *(ROOT / "app" / room).glob("messages/*.py")]
    known: set[str] = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                known.add(node.value)
            elif isinstance(node, ast.keyword) and node.arg:
                known.add(node.arg)
    assert template in known, f"no letter of app/{room}/messages is written with {template}"
    for message in samples.every()[template].messages.values():
        assert sorted(set(message.context) - known) == []


def test_both_languages_fill_the_same_fields_and_the_other_one_runs_right_to_left() -> None:
    for sample in samples.every().values():
        english, arabic = (sample.messages[language] for language in BOTH)
        assert list(english.context) == list(arabic.context), sample.template
        words = str(arabic.context) + arabic.to_name
        assert re.search(r"[\u0600-\u06ff]{3}", words), sample.template


def light_and_dark() -> tuple[dict[str, str], dict[str, str]]:
    """The colors of the house by name, light and dark."""
    css = (ROOT / "app/static/css/10-tokens.css").read_text(encoding="utf-8")
    light, dark = css.split("prefers-color-scheme: dark")
    found = [dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{3,6});", part)) for part in (light, dark)]
    return found[0], found[1]


def luminance(color: str) -> float:
    digits = color.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_letters_wear_the_colors_of_the_house_and_can_be_read_in_both_schemes(scheme: str) -> None:
    layout = (render.TEMPLATES / "layouts/mail.html").read_text(encoding="utf-8")
    light, dark = layout.split("prefers-color-scheme: dark")
    styles, tokens = {"light": (light, light_and_dark()[0]), "dark": (dark, light_and_dark()[1])}[scheme]
    used = {color.lower() for color in re.findall(r"#[0-9a-fA-F]{6}\b", styles)}
    house = {"#" + "".join(d * 2 for d in c[1:]) if len(c) == 4 else c for c in tokens.values()}
    assert sorted(used - house) == []

    def color(selector: str, name: str) -> str:
        rules = re.findall(rf"(?m)^\s*{re.escape(selector)} \{{([^}}]*)\}}", styles)
        found = [value for rule in rules for value in re.findall(rf"(?<![\w-]){name}:\s*(#\w{{6}})", rule)]
        assert found, f"{selector} says no {name} in the {scheme} scheme"
        return str(found[-1])

    paper, ground = color(".letter", "background-color"), color("body", "background-color")
    pairs = [
        (color(".letter", "color"), paper),
        (color(".letter a", "color"), paper),
        (color(".letter a.button", "color"), color(".button-cell", "background-color")),
        (color("body" if scheme == "light" else ".sender", "color"), ground),
        (color(".foot" if scheme == "light" else ".foot, .foot a", "color"), ground),
    ]
    assert [pair for pair in pairs if contrast(*pair) < 4.5] == []


def test_samples_of_letters_are_listed_and_shown_in_both_directions(operator: FlaskClient) -> None:
    assert "Asks a mailbox’s owner whether a signature is theirs" in operator.get("/operator/letters").text
    english = operator.get("/operator/letters/petitions/confirm").text
    arabic = operator.get("/operator/letters/petitions/confirm?language=ar").text
    html = operator.get("/operator/letters/petitions/confirm/html?language=ar")
    assert "Confirm my signature" in english
    assert 'lang="ar" dir="auto"' in arabic
    assert 'dir="rtl"' in html.text
    assert "default-src 'none'" in html.headers["Content-Security-Policy"]
    assert operator.get("/operator/letters/petitions/nothing").status_code == 404
    assert operator.get("/operator/letters/petitions/confirm?language=xx").status_code == 404
    assert operator.get("/operator/letters/..%2f..%2fetc/passwd").status_code == 404
