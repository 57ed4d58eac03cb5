"""The canonical text, names and addresses."""

from __future__ import annotations

import re
import subprocess
import sys
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


@given(st.text())
def test_canonical_text_is_its_own_canonical_form(words: str) -> None:
    once = text.canonical(words)
    assert text.canonical(once) == once
    assert once.endswith("\n")
    assert unicodedata.is_normalized("NFC", once)


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
    ],
)
def test_two_ways_to_write_one_organization_compare_equal(one: str, other: str) -> None:
    assert text.normal_name(one) == text.normal_name(other)


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
