"""Markdown of strangers."""

from __future__ import annotations

from html.parser import HTMLParser

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


class Tags(HTMLParser):
    """Every tag with its attributes, as a browser would read them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def tags(markdown: str) -> list[tuple[str, dict[str, str | None]]]:
    reader = Tags()
    reader.feed(markup.to_html(markdown))
    return reader.found


PIECES = [
    "a",
    "[x](",
    ")",
    "<",
    ">",
    "javascript:",
    "//e.x",
    "https://e.x",
    '"',
    "'",
    " on=",
    "`",
    "*",
    "\n",
    "# ",
    "- ",
]


@given(
    st.lists(st.sampled_from([*PIECES, "[^1]", "[^1]: ", "![", "&lt;", "<script>", "<img src=x>", "data:"])).map(
        "".join
    )
)
def test_no_text_makes_a_tag_that_is_not_ours(words: str) -> None:
    for tag, attributes in tags(words):
        assert tag in markup.TAGS
        assert attributes.keys() <= {"href", "rel", "id", "class", "start"}
        address = attributes.get("href")
        assert address is None or address.startswith(("https://", "http://", "mailto:", "#fn"))


@pytest.mark.parametrize("address", ["//evil.example/x", "/account", "?a=b", "\\\\evil.example", "ftp://x.example"])
def test_a_link_that_is_not_a_full_web_or_mail_address_is_only_words(address: str) -> None:
    assert all("href" not in attributes for tag, attributes in tags(f"[x]({address})") if tag == "a")


def test_small_headings_stay_headings() -> None:
    assert [tag for tag, _ in tags("##### five\n\n###### six")] == ["h5", "h6"]


def test_emphasis_inside_emphasis_ends_where_it_ends() -> None:
    runs = markup.to_blocks("*a _b_ c* d")[0]["runs"]
    assert [run.get("italic", False) for run in runs if run["text"].strip()] == [True, True, True, False]


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


def test_an_excerpt_has_words_only() -> None:
    assert (
        markup.excerpt("See [us](https://x.example)[^n], case [1] &amp;lt;b.\n\n[^n]: note")
        == "See us, case [1] &lt;b."
    )
