"""No word is ever lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core.diffs import merge, word_diff

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "d", "e", ".", "\n"]), max_size=14).map(" ".join)


@given(TEXTS, TEXTS)
def test_a_diff_holds_both_texts_whole(old: str, new: str) -> None:
    parts = word_diff(old, new)
    assert "".join(text for kind, text in parts if kind != "add") == old
    assert "".join(text for kind, text in parts if kind != "del") == new


@given(TEXTS, TEXTS)
def test_a_change_of_one_side_only_is_taken_as_it_is(base: str, changed: str) -> None:
    assert merge(base, changed, base).text == changed
    assert merge(base, base, changed).text == changed
    assert merge(base, changed, changed).text == changed


@given(TEXTS, TEXTS, TEXTS)
def test_no_new_word_of_either_side_is_lost(base: str, mine: str, theirs: str) -> None:
    tagged_mine = mine.replace("e", "mine!")
    tagged_theirs = theirs.replace("e", "theirs!")
    merged = merge(base, tagged_mine, tagged_theirs)
    assert merged.text.count("mine!") >= tagged_mine.count("mine!")
    assert merged.text.count("theirs!") >= tagged_theirs.count("theirs!")


def test_changes_of_different_passages_merge_cleanly() -> None:
    base = "We ask Amazon to stop. We ask the council to act."
    merged = merge(base, base.replace("ask Amazon", "urge Amazon"), base.replace("the council", "the county council"))
    assert merged.text == "We urge Amazon to stop. We ask the county council to act."
    assert merged.conflicts == 0


def test_two_changes_of_one_passage_both_stay() -> None:
    merged = merge("We ask you.", "We urge you.", "We beg you.")
    assert merged.conflicts == 1
    assert "urge" in merged.text
    assert "beg" in merged.text


def test_neighboring_words_changed_by_two_people_are_one_passage() -> None:
    merged = merge("They shall not sell it.", "They shall never sell it.", "They shall not license it.")
    assert merged.conflicts == 1
    assert "never" in merged.text
    assert "license" in merged.text


def test_two_paragraphs_changed_by_two_people_merge_cleanly() -> None:
    merged = merge("One.\n\nTwo.", "One more.\n\nTwo.", "One.\n\nAnd two.")
    assert (merged.text, merged.conflicts) == ("One more.\n\nAnd two.", 0)


def test_a_rewritten_passage_reads_as_one_removal_and_one_addition() -> None:
    assert word_diff("We ask Amazon to stop.", "We urge the company to stop.") == [
        ("same", "We "),
        ("del", "ask Amazon"),
        ("add", "urge the company"),
        ("same", " to stop."),
    ]
