"""The canonical text, names and addresses."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import text

DOC = (Path(__file__).parent.parent.parent / "docs" / "digest.md").read_text(encoding="utf-8")


def fenced(kind: str) -> str:
    found = re.search(rf"```{kind}\n(.*?)```", DOC, re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_documented_example_has_the_documented_digest() -> None:
    assert text.digest(fenced("text")) == fenced("digest").strip()


def test_the_documented_program_computes_what_we_compute() -> None:
    untidy = "\ufeff\r\n" + fenced("text").replace("\n", "  \t\r\n") + "\u200b\n\n"
    program = subprocess.run(
        [sys.executable, "-c", fenced("python")], input=untidy.encode(), capture_output=True, check=True
    )
    assert program.stdout.decode().strip() == text.digest(untidy) == fenced("digest").strip()


def test_the_documented_shell_line_computes_what_we_compute() -> None:
    typed = fenced("text").replace("\n", "  \r\n")
    made = subprocess.run(["sh", "-c", fenced("sh")], input=typed.encode(), capture_output=True, check=True)
    assert made.stdout.decode().split()[0] == fenced("digest").strip()


AWKWARD = st.text(alphabet="ae \u0301\u0345\u200b\u200c\t\r\n\x0b\x85\u2028\u2000\u3000\ufeff\u1100\u1161\u11a8\ud800")


@given(AWKWARD)
def test_the_documented_program_and_ours_agree_on_awkward_text(words: str) -> None:
    scope: dict[str, str] = {}
    source = fenced("python").replace("import hashlib, re, sys, unicodedata", "import hashlib, re, unicodedata")
    body = text.SURROGATES.sub("", words)
    source = source.replace('sys.stdin.buffer.read().decode("utf-8")', repr(body)).replace("print(", "found = (")
    exec(source, scope)
    assert scope["found"] == text.digest(words)


@given(st.one_of(st.text(), AWKWARD))
def test_canonical_text_is_its_own_canonical_form(words: str) -> None:
    once = text.canonical(words)
    assert text.canonical(once) == once
    assert once.endswith("\n")
    assert unicodedata.is_normalized("NFC", once)


def test_a_soft_line_break_of_a_word_processor_does_not_join_words() -> None:
    assert text.canonical("one\x0btwo\u2028three") == "one\ntwo\nthree\n"


def test_hidden_characters_go_and_joiners_that_spell_words_stay() -> None:
    assert text.canonical("pay\u202eme\u2066\U000e0041") == "payme\n"
    assert text.canonical("می\u200cخواهم") == "می\u200cخواهم\n"
    assert text.plain("می\u200cخواهم") == "می\u200cخواهم"
    assert text.plain("Ama\u200dzon \u200d\u200d\u200d \u3164") == "Amazon"


def test_white_space_without_end_is_read_in_time() -> None:
    started = time.perf_counter()
    text.canonical(" " * 300_000 + "x")
    text.plain("\u200c" * 300_000 + "x")
    assert time.perf_counter() - started < 30  # quadratic reading would take hours; busy machines may take seconds


def test_a_word_changed_changes_the_digest_and_line_ends_do_not() -> None:
    assert text.digest("a\r\nb") == text.digest("a\nb \n")
    assert text.digest("a b") != text.digest("a c")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The American Civil Liberties Union, Inc.", "american civil liberties union"),
        ("A.C.L.U.", "ACLU"),
        ("Cascade Librarians’ Assembly", "Cascade Librarians' Assembly"),
        ("Société Privée", "Societe Privee"),
        ("Northwest Privacy Alliance (demo)", "Northwest Privacy Alliance"),
        ("Bündnis für Bürgerrechte e. V.", "Bundnis fur Burgerrechte"),
        ("Foo & Bar, L.L.C.", "Foo and Bar"),
        ("Ama\u200dzon Watch", "Amazon Watch"),
    ],
)
def test_two_ways_to_write_one_organization_compare_equal(one: str, other: str) -> None:
    assert text.normal_name(one) == text.normal_name(other)


@pytest.mark.parametrize("name", ["Limited Means Alliance", "Co-op Housing", "Corp Watch", "NGO Monitor"])
def test_a_legal_form_inside_a_name_is_part_of_it(name: str) -> None:
    assert text.normal_name(name) == name.casefold().replace("-", " ")


def test_a_name_that_is_only_a_form_or_an_article_still_has_a_name() -> None:
    assert [text.normal_name(name) for name in ("The", "Inc.", "(demo)", "")] == ["the", "inc", "(demo)", ""]


def test_the_roll_ignores_the_article() -> None:
    names = ["The Center for Open Streets", "Digital Rights", "Åsgard Union", "Cascade"]
    assert sorted(names, key=text.sort_key) == [
        "Åsgard Union",
        "Cascade",
        "The Center for Open Streets",
        "Digital Rights",
    ]


@pytest.mark.parametrize(
    ("typed", "mailbox"),
    [
        ("Jo.Ann+news@GoogleMail.com", "joann@gmail.com"),
        ("ann+x@outlook.com", "ann@outlook.com"),
        ("Ann+x@people.example", "ann@people.example"),
        (" ANN@Exämple.org ", "ann@xn--exmple-cua.org"),
    ],
)
def test_an_address_is_folded_as_its_provider_folds_it(typed: str, mailbox: str) -> None:
    assert text.canonical_email(typed) == mailbox


@pytest.mark.parametrize(
    "typed", ["", "ann", "ann@", "ann@localhost", "a b@x.example", "ann@x.example\nBcc: b@x.example"]
)
def test_what_is_no_address_is_refused_with_a_sentence(typed: str) -> None:
    with pytest.raises(ValueError, match="Write an e-mail address"):
        text.canonical_email(typed)


def test_a_name_is_one_line_without_invisible_characters() -> None:
    assert text.plain(" Ann\u202e \r\n Lee\u200b ") == "Ann Lee"
    assert text.plain("x" * 500, 20) == "x" * 20


def test_a_slug_is_plain_ascii() -> None:
    assert text.slugify("Straße & Ñandú — 2021!") == "strasse-nandu-2021"
    assert text.slugify("陳慧玲") == "untitled"
