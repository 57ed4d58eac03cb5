"""Markdown of strangers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import markup


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "<img src=x onerror=alert(1)>",
        "![x](https://tracker.example/p.gif)",
        "[x](data:text/html,hi)",
        '<a href="https://x.example" onclick="x()">x</a>',
    ],
)
def test_markup_that_could_run_or_load_comes_out_as_words(attack: str) -> None:
    made = markup.to_html(attack)
    assert not any(bad in made for bad in ("<script", "<img", 'href="javascript', 'href="data', '<a href="https://x'))


@given(st.text(alphabet="ab<>&\"'[](){}*_`#^:/\\\n !", max_size=80))
def test_no_text_makes_a_tag_that_is_not_ours(words: str) -> None:
    made = markup.to_html(words)
    assert "<script" not in made
    assert " on" not in made.replace(" on ", " ") or "=" in words


def test_footnotes_of_two_texts_on_one_page_do_not_meet() -> None:
    one, two = (markup.to_html("A[^n].\n\n[^n]: note", prefix) for prefix in ("one", "two"))
    assert 'id="fn-one-1"' in one
    assert 'id="fn-two-1"' in two


def test_plain_text_keeps_links_lists_and_notes() -> None:
    made = markup.to_plain("# Title\n\nSee [us](https://x.example)[^n].\n\n1. one\n2. two\n\n[^n]: a note")
    assert made == "TITLE\n\nSee us (https://x.example)[1].\n\n1. one\n2. two\n\n[1] a note\n"


def test_blocks_carry_no_dangerous_link() -> None:
    runs = markup.to_blocks("[x](https://ok.example) [y](ftp://no.example)")[0]["runs"]
    assert [run.get("link") for run in runs if run["text"] in {"x", "y"}] == ["https://ok.example", ""]


def test_an_excerpt_ends_at_a_word() -> None:
    assert markup.excerpt("# T\n\nOne two three four", 10) == "One two…"
