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


LISTED = """We ask:

1. that *Amazon* stop;[^a]
2. that the [council](https://kc.example) pass the ban;
3. that both say so.

Thank you.

[^a]: Since 2018.
"""


def test_a_beginning_is_cut_between_the_items_of_a_list() -> None:
    cut = markup.beginning(LISTED, 40)
    assert cut == "We ask:\n\n1. that *Amazon* stop;\n\n…\n"
    assert markup.to_html(cut).count("<li>") == 1


def test_what_is_short_enough_is_its_own_beginning() -> None:
    assert markup.beginning(LISTED, 1000) == LISTED


def test_a_beginning_keeps_addresses_that_are_named_at_the_end() -> None:
    cut = markup.beginning("See [here][1].\n\nAnd much, much more than what fits.\n\n[1]: https://x.example/a\n", 40)
    assert 'href="https://x.example/a"' in markup.to_html(cut)
    assert "more" not in cut


def test_a_first_block_that_is_far_too_long_is_cut_between_words() -> None:
    cut = markup.beginning("word " * 1000, 100)
    assert len(cut) <= 101
    assert cut.endswith("word…\n")


@given(st.lists(st.sampled_from([*PIECES, "[^1]", "[^1]: ", "\r", "    ", "1. ", "```\n"]), max_size=40).map("".join))
def test_no_text_is_too_odd_to_have_a_beginning(words: str) -> None:
    assert isinstance(markup.to_html(markup.beginning(words, 10)), str)


def test_an_excerpt_keeps_the_items_of_a_list_apart() -> None:
    assert markup.excerpt(LISTED) == (
        "We ask: 1. that Amazon stop; 2. that the council pass the ban; 3. that both say so. Thank you."
    )
