"""What an update's words may hold, without a database."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.broadcasts import rules
from app.broadcasts.models import Broadcast, BroadcastState
from app.broadcasts.rules import Field
from app.core import markup
from app.core.errors import Conflict, Invalid

NAMES = st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


@given(NAMES)
def test_a_name_is_never_markup(name: str) -> None:
    text = markup.to_plain(rules.fill_markdown("Hello x{given_name}x.", {Field.GIVEN_NAME: name}))

    assert text.strip() == f"Hello x{name}x."


@pytest.mark.parametrize("name", ["_Ana_", "[Ana](//evil.example)", "**A**", "<b>Ana</b>", "`A`", "1. Ana"])
def test_a_name_adds_no_element_to_the_letter(name: str) -> None:
    html = markup.to_html(rules.fill_markdown("{given_name}, hello", {Field.GIVEN_NAME: name}))

    assert html.count("<") == 2  # the paragraph's own


def test_a_reader_without_a_name_is_a_friend() -> None:
    assert rules.fill("Hello {given_name}", {}) == "Hello friend"


def test_unknown_fields_are_refused_where_they_stand() -> None:
    with pytest.raises(Invalid) as refused:
        rules.check_words("{name}, hello", "{given_name} {city}")

    assert set(refused.value.problems) == {"subject", "body"}
    rules.check_words("{given_name}", "A { brace and {given_name}")


@pytest.mark.parametrize("state", [one for one in BroadcastState if one.value not in {"draft", "approved"}])
def test_words_that_left_do_not_change(state: BroadcastState) -> None:
    with pytest.raises(Conflict, match="cannot change any more"):
        rules.must_be_draft(Broadcast(state=state))


def test_an_approval_covers_one_version() -> None:
    with pytest.raises(Conflict, match="not been approved"):
        rules.must_be_sendable(Broadcast(state=BroadcastState.APPROVED, version=2, approved_version=1))
    rules.must_be_sendable(Broadcast(state=BroadcastState.APPROVED, version=2, approved_version=2))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (BroadcastState.SCHEDULED, "This update has its time already"),
        (BroadcastState.SENDING, "This update is sending"),
        (BroadcastState.PAUSED, "This update is paused"),
        (BroadcastState.SENT, "This update is sent"),
        (BroadcastState.STOPPED, "This update is stopped"),
    ],
)
def test_an_update_that_left_is_not_called_unapproved(state: BroadcastState, words: str) -> None:
    with pytest.raises(Conflict, match=words):
        rules.must_be_sendable(Broadcast(state=state, version=2, approved_version=2))


@pytest.mark.parametrize("account_id", [None, 7])
def test_neither_the_author_nor_nobody_approves(account_id: int | None) -> None:
    with pytest.raises(Conflict, match="other than its author"):
        rules.must_be_approvable(Broadcast(state=BroadcastState.DRAFT, author_id=7), account_id)
