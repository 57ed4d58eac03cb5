"""The fields of an update: read, refused in words, and filled for each part of a letter, without a database."""

from __future__ import annotations

import html
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.broadcasts import rules
from app.broadcasts.rules import Field, Placed
from app.core import markup
from app.core.errors import Invalid

ANY_NAME = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
EVERYTHING = {Field.GIVEN_NAME: "Ewa", Field.COUNT: "1,204", Field.OFFICIAL: "Councilmember Ana Lopez"}


def test_a_field_is_filled_and_an_unknown_value_falls_back_to_the_authors_word() -> None:
    words = "{given_name|neighbor}, {count} of us wrote to {official|your council member}."

    assert rules.fill(words, EVERYTHING) == "Ewa, 1,204 of us wrote to Councilmember Ana Lopez."
    assert rules.fill(words, {Field.COUNT: "3"}) == "neighbor, 3 of us wrote to your council member."


@pytest.mark.parametrize("field", list(Field))
def test_every_field_says_something_of_somebody_of_whom_nothing_is_known(field: Field) -> None:
    assert rules.fill(f"{{{field.value}}}", {}).isprintable()
    assert "{" not in rules.fill(f"{{{field.value}}}", {})


@pytest.mark.parametrize("name", ["{count}", "{official|x}", "{given_name}", "{{count}}", "{count"])
def test_a_name_that_looks_like_a_field_is_a_name(name: str) -> None:
    values = {Field.GIVEN_NAME: name, Field.COUNT: "7"}

    assert rules.fill("Dear {given_name}, {count}", values) == f"Dear {name}, 7"
    assert rules.fill_subject("Dear {given_name}, {count}", values) == f"Dear {name}, 7"
    assert html.unescape(rules.fill_html("<p>{given_name} {count}</p>", values)) == f"<p>{name} 7</p>"
    assert markup.to_plain(rules.fill_markdown("Dear {given_name}, {count}", values)).strip() == f"Dear {name}, 7"


@given(ANY_NAME)
def test_no_name_adds_an_element_to_html(name: str) -> None:
    filled = rules.fill_html("<p>{given_name}</p>", {Field.GIVEN_NAME: name})

    assert (filled.count("<"), filled.count(">")) == (2, 2)


@given(ANY_NAME)
def test_no_name_breaks_out_of_the_subject(name: str) -> None:
    subject = rules.fill_subject("{given_name}, news", {Field.GIVEN_NAME: f"{name}\r\nBcc: all@example.org"})

    assert "\n" not in subject
    assert "\r" not in subject


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("{first_name}, hello", "{first_name} would be sent as it stands"),
        ("{Given_Name}", "would be sent as it stands"),
        ("{ given_name }", "would be sent as it stands"),
        ("{given_name|}", "write after the bar"),
        ("{given_name|<b>you</b>}", "at most 60 letters"),
        ("{given_name|_you_}", "at most 60 letters"),
        (f"{{official|{'x' * 61}}}", "at most 60 letters"),
        ("Hello {given_name, welcome", "not closed"),
        ("[here](https://example.org/{given_name})", "address of a link"),
        ("https://example.org/?name={given_name}", "address of a link"),
        ("[here][1]\n\n[1]: https://example.org/{count}", "address of a link"),
    ],
)
def test_what_cannot_be_filled_is_refused_in_words(words: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.check_words("Subject", words)

    assert said in refused.value.problems["body"]


@pytest.mark.parametrize(
    "words",
    ["{given_name}", "{given_name|dear friend}", "{official|your council member’s office}", "A { brace", "[a]{count}"],
)
def test_what_can_be_filled_is_taken(words: str) -> None:
    rules.check_words(words, words)


def test_the_fields_used_are_those_of_subject_and_body_together() -> None:
    assert rules.fields_used("{given_name|you}", "{count} and {count}") == {Field.GIVEN_NAME, Field.COUNT}
    assert rules.fields_used("{city}", "no field") == set()


def test_a_field_survives_rendering_and_is_filled_afterwards() -> None:
    words = f"> {'word ' * 12}{{official|your own council member}} and **{{given_name|friend}}**"

    text = rules.fill(markup.to_plain(words), {})
    page = rules.fill_html(markup.to_html(words), {Field.GIVEN_NAME: "<Ana>"})

    assert "your own council member" in text
    assert "<strong>&lt;Ana&gt;</strong>" in page


def test_parsing_gives_the_field_and_its_fallback() -> None:
    assert rules.placed("given_name|my  friend") == Placed(Field.GIVEN_NAME, "my friend")
    assert rules.placed("count") == Placed(Field.COUNT, "")
    assert isinstance(rules.placed("counts"), str)


@pytest.mark.parametrize(
    "body",
    [
        *("](" * 25_000, "https://" * 6_000, "![" * 25_000, "[a]:\n" * 10_000, "[" * 50_000),
        *(f"{{count{' ' * 49_000}}}", f"{{count|{' ' * 49_000}x}}", "{a} " * 12_500, "a.-" * 16_000, "AAAA " * 10_000),
    ],
    ids=lambda body: body[:8],
)
def test_no_words_take_long_to_check(body: str) -> None:
    start = time.process_time()
    with suppress(Invalid):
        rules.check_words("A subject", body)
    rules.findings("A subject", body, rules.Surroundings())
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    "body",
    ["[a](https://x.example/{count})", "[a](  <x[b]{count}>)", "see https://x.example/h/{count}", "[a]: /x{count}"],
)
def test_a_field_in_a_link_is_refused_however_the_link_is_written(body: str) -> None:
    with pytest.raises(Invalid):
        rules.check_words("A subject", body)
