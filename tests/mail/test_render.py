"""A letter's words."""

from __future__ import annotations

from typing import Any

import pytest
from jinja2 import DictLoader

from app.mail import render
from app.mail.render import Unwritable
from tests.mail.builders import message

BARE = {
    "t.txt": '{% extends "base.txt" %}{% block subject %}{{ title }}{% endblock %}',
    "base.txt": "{{ body }}",
    "t.html": "<p>{{ body }}</p>",
}


@pytest.fixture(autouse=True)
def _bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        render._Bound,
        "house",
        render.House("https://undersigned.example", "Undersigned <letters@undersigned.example>", "1 Main St"),
    )


def bare(monkeypatch: pytest.MonkeyPatch, **context: Any) -> render.Rendered:
    """A letter of a template that has nothing but a title and a body."""
    environment = render._templates().overlay(loader=DictLoader(BARE))
    monkeypatch.setattr(render, "_templates", lambda: environment)
    return render.render(message(template="t", context=context))


def test_a_subject_is_one_line_without_control_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    found = bare(monkeypatch, title="Sign\r\nBcc: all@example.org\x00\u202e now", body="x")
    assert found.subject == "Sign Bcc: all@example.org now"


def test_html_is_escaped_and_text_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    found = bare(monkeypatch, title="x", body="Groups & <friends>")
    assert found.text == "Groups & <friends>\n"
    assert "Groups &amp; &lt;friends&gt;" in found.html


def test_a_word_that_is_not_given_stops_the_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unwritable, match="body"):
        bare(monkeypatch, title="x")


@pytest.mark.parametrize(("title", "body"), [(" \x00", "words"), ("A title", " \n ")])
def test_a_letter_without_subject_or_text_is_not_written(
    monkeypatch: pytest.MonkeyPatch, title: str, body: str
) -> None:
    with pytest.raises(Unwritable, match="empty"):
        bare(monkeypatch, title=title, body=body)


def test_html_too_large_to_arrive_whole_is_left_out_and_the_text_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    found = bare(monkeypatch, title="x", body="word " * 25_000)
    assert found.html == ""
    assert found.text.startswith("word word")


def test_a_letter_links_only_to_this_site() -> None:
    assert render.url("/confirm/abc") == "https://undersigned.example/confirm/abc"
    for path in (
        "https://elsewhere.example",
        "//elsewhere.example",
        "confirm",
        "/a b",
        "/a\nb",
        "/\\elsewhere.example",
    ):
        with pytest.raises(ValueError, match="no path"):
            render.url(path)


def test_styles_are_inlined_and_the_dark_ones_kept() -> None:
    html = render.render(message()).html
    assert '<a class="button" href="https://undersigned.example/campaigns/end-it" style="' in html
    assert html.count("prefers-color-scheme: dark") == 1


def test_only_an_update_carries_the_way_to_leave_and_the_postal_address() -> None:
    plain, update = render.render(message()), render.render(message(unsubscribe_path="/unsubscribe/abc"))
    assert "/unsubscribe/abc" in update.text
    assert "1 Main St" in update.text
    assert "/unsubscribe" not in plain.text
    assert "1 Main St" not in plain.text


def test_moments_travel_as_json_and_are_shown_with_their_zone() -> None:
    assert render._moment("2021-07-01T00:00:00+00:00", "America/Los_Angeles") == "June 30, 2021, 5:00 PM PDT"
    assert render._day("2021-07-01T00:00:00+00:00", "America/Los_Angeles") == "June 30, 2021"
    assert render._day("2021-07-01") == "July 1, 2021"
