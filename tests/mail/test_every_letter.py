"""Every letter of the house, rendered with its feature's sample and read as a mail reader would.

A feature keeps a sample context for each of its letters in ``tests/<feature>/letters.py`` as ``LETTERS``.
"""

from __future__ import annotations

import ast
import importlib
import re
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.exceptions import NotFound
from werkzeug.routing import RequestRedirect

from app.mail import mime, render
from app.mail.message import Priority
from tests.builders import NOW
from tests.mail.test_mime import letter as row

ROOT = Path(__file__).parent.parent.parent
TEMPLATES = ROOT / "templates"
LETTERS = sorted(
    str(path.relative_to(TEMPLATES).with_suffix("")) for path in TEMPLATES.glob("*/mail/*.txt") if path.is_file()
)
BASE = "https://undersigned.example"


@pytest.fixture(autouse=True)
def _bound(monkeypatch: pytest.MonkeyPatch) -> None:
    house = render.House(BASE, "Undersigned <letters@undersigned.example>", "1 Main St, Seattle")
    monkeypatch.setattr(render._Bound, "house", house)


def sample(template: str) -> dict[str, Any]:
    """The feature's sample for this letter."""
    feature = template.split("/", maxsplit=1)[0]
    module = importlib.import_module(f"tests.{feature}.letters")
    assert template in module.LETTERS, f"tests/{feature}/letters.py has no sample for {template}"
    context: dict[str, Any] = module.LETTERS[template]
    return context


def sent(template: str, *, leave: str = "", demo: bool = False) -> tuple[render.Rendered, EmailMessage]:
    """The letter's words, and what arrives of them."""
    email = row(
        template=template,
        context=sample(template) | ({"demo": True} if demo else {}),
        from_name="Fight for the Future",
        unsubscribe_path=leave,
        priority=Priority.UPDATE if leave else Priority.RECEIPT,
    )
    words = render.render(email)
    raw = mime.build(words, email, mime.new_message_id(email), now=NOW).as_bytes()
    found = BytesParser(policy=default).parsebytes(raw)
    assert isinstance(found, EmailMessage)
    return words, found


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None, f"there is no {kind} part"
    return str(part.get_content())


@pytest.mark.parametrize("template", LETTERS)
def test_a_letter_has_both_parts_whole(template: str) -> None:
    words, message = sent(template)

    assert message.defects == []
    assert len(body(message, "plain").split()) > 10
    assert "</html>" in body(message, "html")
    assert len(words.html.encode()) < render.HTML_LIMIT
    assert "\n" not in str(message["Subject"])
    assert 3 < len(words.subject) <= 150
    assert "None" not in words.text.split()
    assert not re.search(r"[{}]{2}|&amp;|&#\d+;", words.text + words.subject), "markup in the text part"


@pytest.mark.parametrize("template", LETTERS)
def test_a_letter_loads_nothing_and_runs_nothing(template: str) -> None:
    html = body(sent(template)[1], "html")

    assert not re.search(r"<(img|script|iframe|link|object|form)\b", html, re.IGNORECASE)
    assert not re.search(r"url\(|@import|@font-face", html)
    assert 'style="' in html, "the styles are not inlined"


@pytest.mark.parametrize("template", LETTERS)
def test_both_parts_lead_to_the_same_places(template: str) -> None:
    words, _ = sent(template)
    in_html = {found.replace("&amp;", "&") for found in re.findall(rf'href="{BASE}([^"]*)"', words.html)}
    assert paths(words) == in_html


def paths(words: render.Rendered) -> set[str]:
    """The places on this site that the text leads to."""
    return set(re.findall(rf"{BASE}(/[^\s)>\]]*)", words.text))


@pytest.mark.parametrize("template", LETTERS)
def test_one_click_headers_are_there_exactly_where_there_is_a_way_to_leave(template: str) -> None:
    _, without = sent(template)
    words, with_way = sent(template, leave="/unsubscribe/abc")

    assert without["List-Unsubscribe"] is without["List-Unsubscribe-Post"] is None
    assert "/unsubscribe/" not in body(without, "plain") + body(without, "html")
    assert str(with_way["List-Unsubscribe"]) == f"<{BASE}/unsubscribe/abc>"
    assert str(with_way["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    assert f"{BASE}/unsubscribe/abc" in words.text
    assert f"{BASE}/unsubscribe/abc" in words.html


@pytest.mark.parametrize("template", LETTERS)
def test_a_letter_of_a_demonstration_says_so_first(template: str) -> None:
    words, _ = sent(template, demo=True)
    said = "This is a demonstration. No organization has signed this letter."
    assert words.text.splitlines()[2] == said  # after the sender
    assert words.html.count(said) == 1
    assert said not in sent(template)[0].text


@pytest.mark.parametrize("path", sorted(ROOT.glob("app/*/messages.py")), ids=lambda path: path.parent.name)
def test_every_letter_asks_whether_its_coalition_is_a_demonstration(path: Path) -> None:
    """Accounts and the post office know no coalition; everybody else says ``demo=`` and cannot forget it."""
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Message"
    ]
    silent = [call.lineno for call in calls if "demo" not in {word.arg for word in call.keywords}]
    assert silent == [] or path.parent.name in {"accounts", "mail"}


def test_every_sample_belongs_to_a_letter() -> None:
    given = {
        template
        for path in (ROOT / "tests").glob("*/letters.py")
        for template in importlib.import_module(f"tests.{path.parent.name}.letters").LETTERS
    }
    assert sorted(given - set(LETTERS)) == []


@pytest.mark.parametrize("template", LETTERS)
def test_the_places_a_letter_leads_to_exist(template: str, app: Flask) -> None:
    render.bind(base_url=BASE, mail_from="Undersigned <letters@undersigned.example>", postal_address="")
    for path in paths(sent(template)[0]):
        assert leads_somewhere(app, path), f"{template}: nothing is at {path}"


def leads_somewhere(app: Flask, path: str) -> bool:
    """Whether the app has a page at the path."""
    try:
        app.url_map.bind("undersigned.example").match(urlsplit(path).path, method="GET")
    except (NotFound, RequestRedirect):
        return False
    return True
