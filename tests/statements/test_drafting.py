"""Writing the text: revisions, merging, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from app.core.errors import Conflict, Invalid, NotAllowed, NotFound
from app.core.text import canonical, digest
from app.statements import queries
from app.statements.commands import (
    Freezing,
    NewRevision,
    NewStatement,
    Restoring,
    freeze,
    restore_revision,
    save_revision,
    start_statement,
)
from app.statements.models import Revision, Statement, StatementState
from app.statements.rules import Overtaken
from tests.builders import NOW
from tests.statements.builders import Scene, scene
from tests.statements.texts import PLAIN, TEXTS


def save(session: Session, there: Scene, text: str, based_on: int) -> Revision:
    entry = NewRevision.of({"text": text, "based_on": based_on})
    return save_revision(session, there.statement, entry, by=there.drafter, now=NOW + timedelta(minutes=1))


def test_a_statement_begins_as_a_draft_with_its_first_revision(session: Session) -> None:
    there = scene(session)

    first = queries.head_of(session, there.statement)

    assert there.statement.state is StatementState.DRAFTING
    assert there.statement.slug == "vote-for-the-ordinance"
    assert (first.number, first.text, first.digest) == (1, canonical(PLAIN), digest(PLAIN))
    assert first.organization_id == there.lead.id


def test_only_organizers_of_the_lead_begin_a_statement(session: Session) -> None:
    there = scene(session)
    entry = NewStatement(title="Another", text="Words.")

    with pytest.raises(NotAllowed):
        start_statement(session, there.campaign, entry, by=there.drafter, now=NOW)
    with pytest.raises(NotFound):
        start_statement(session, there.campaign, entry, by=there.stranger, now=NOW)


def test_beginning_twice_with_the_same_words_makes_one_statement_and_other_words_another(session: Session) -> None:
    there = scene(session)

    again = NewStatement(title="Vote for the ordinance", text=PLAIN)
    other = NewStatement(title="Vote for the ordinance", text="Other words.")

    assert start_statement(session, there.campaign, again, by=there.organizer, now=NOW).id == there.statement.id
    assert (
        start_statement(session, there.campaign, other, by=there.organizer, now=NOW).slug == "vote-for-the-ordinance-2"
    )


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_what_is_stored_is_canonical_and_its_digest_can_be_recomputed(session: Session, text: str) -> None:
    there = scene(session)

    saved = save(session, there, text, 1)
    session.expire_all()

    assert saved.text == canonical(saved.text)
    assert saved.digest == digest(text) == digest(saved.text)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=400))
def test_any_text_is_kept_under_the_digest_of_its_canonical_form(session: Session, words: str) -> None:
    assume("<<<" not in words)  # the marks of an unfinished merge are refused on purpose
    there = scene(session)
    try:
        if not canonical(words).strip():
            with pytest.raises(Invalid):
                save(session, there, words, 1)
            return
        saved = save(session, there, words, 1)
        session.expire(saved)
        assert saved.text == canonical(saved.text)
        assert saved.text.strip() == canonical(words).strip()
        assert saved.digest == digest(saved.text)
    finally:
        session.rollback()


def test_text_that_changes_nothing_makes_no_revision(session: Session) -> None:
    there = scene(session)

    saved = save(session, there, PLAIN.replace("\n", "\r\n") + "  \n", 1)

    assert saved.number == 1
    assert there.statement.head_number == 1


def test_saving_twice_by_a_double_click_makes_one_revision(session: Session) -> None:
    there = scene(session)
    changed = PLAIN.replace("vote for", "pass")

    assert save(session, there, changed, 1).number == 2
    assert save(session, there, changed, 1).number == 2


def test_a_stale_save_of_another_passage_is_merged_and_says_so(session: Session) -> None:
    there = scene(session)
    save(session, there, PLAIN.replace("the council", "the King County Council"), 1)

    merged = save(session, there, PLAIN.replace("publish your answer", "print your answer"), 1)

    assert merged.number == 3
    assert merged.merged()
    assert "King County Council" in merged.text
    assert "print your answer" in merged.text
    assert merged.note == "Merged with revision 2"


def test_a_stale_save_of_the_same_passage_shows_both_and_saves_nothing(session: Session) -> None:
    there = scene(session)
    save(session, there, PLAIN.replace("vote for", "reject"), 1)

    with pytest.raises(Overtaken) as refused:
        save(session, there, PLAIN.replace("vote for", "adopt"), 1)

    overtaken = refused.value
    assert there.statement.head_number == 2
    assert overtaken.head_number == 2
    assert "adopt" in overtaken.mine
    assert "reject" in overtaken.theirs
    assert "adopt" in overtaken.merge.text
    assert "reject" in overtaken.merge.text
    assert "revision 2" in overtaken.sentence


def test_a_draft_with_the_marks_of_an_unfinished_merge_is_refused(session: Session) -> None:
    there = scene(session)
    save(session, there, PLAIN.replace("vote for", "reject"), 1)
    with pytest.raises(Overtaken) as refused:
        save(session, there, PLAIN.replace("vote for", "adopt"), 1)

    with pytest.raises(Invalid) as invalid:
        save(session, there, refused.value.merge.text, 2)
    finished = save(session, there, PLAIN.replace("vote for", "adopt, not reject,"), 2)

    assert "text" in invalid.value.problems
    assert finished.number == 3
    assert not finished.merged()


@pytest.mark.parametrize("based_on", [0, -1, 2, 2**40])
def test_a_tampered_beginning_is_refused(session: Session, based_on: int) -> None:
    there = scene(session)

    with pytest.raises(Invalid):
        save(session, there, "Other words.", based_on)


def test_a_text_of_100_000_characters_is_kept_and_a_longer_one_refused_with_the_number() -> None:
    NewRevision.of({"text": "a" * 100_000, "based_on": "1"})

    with pytest.raises(Invalid) as refused:
        NewRevision.of({"text": "a" * 100_001, "based_on": "1"})

    assert refused.value.problems == {"text": "Write at most 100,000 characters; this is 100,001."}


def test_a_text_of_invisible_characters_is_no_text(session: Session) -> None:
    there = scene(session)

    with pytest.raises(Invalid):
        save(session, there, "\u200b\u202e\x00", 1)


def test_a_frozen_statement_refuses_edits(session: Session) -> None:
    there = scene(session)
    freeze(session, there.statement, Freezing(number=1), by=there.organizer, now=NOW)

    with pytest.raises(Conflict, match="frozen on May 20, 2021, 10:00 AM PDT"):
        save(session, there, "Other words.", 1)
    with pytest.raises(Conflict):
        restore_revision(session, there.statement, Restoring(number=1, based_on=1), by=there.drafter, now=NOW)


def test_people_without_the_right_to_draft_save_nothing(session: Session) -> None:
    there = scene(session)
    entry = NewRevision(text="Mine.", based_on=1)

    with pytest.raises(NotAllowed):
        save_revision(session, there.statement, entry, by=there.signatory, now=NOW)
    with pytest.raises(NotFound):
        save_revision(session, there.statement, entry, by=there.stranger, now=NOW)


def test_an_earlier_text_comes_back_as_a_new_revision(session: Session) -> None:
    there = scene(session)
    save(session, there, "Other words.", 1)

    back = restore_revision(session, there.statement, Restoring(number=1, based_on=2), by=there.drafter, now=NOW)

    assert (back.number, back.text, back.note) == (3, canonical(PLAIN), "Restored revision 1")
    assert [row.number for row in queries.revisions_of(session, there.statement)] == [3, 2, 1]


def test_restoring_over_a_revision_nobody_looked_at_is_refused(session: Session) -> None:
    there = scene(session)
    save(session, there, "Other words.", 1)
    save(session, there, "Still other words.", 2)

    with pytest.raises(Conflict, match="revision 3"):
        restore_revision(session, there.statement, Restoring(number=1, based_on=2), by=there.drafter, now=NOW)


def test_drafts_are_found_by_members_only(session: Session) -> None:
    there = scene(session)
    slug = there.statement.slug

    assert queries.statement_for(session, slug, by=there.viewer).id == there.statement.id
    with pytest.raises(NotFound):
        queries.statement_for(session, slug, by=there.stranger)
    with pytest.raises(NotFound):
        queries.statement_for(session, slug, by=there.viewer, within="another-coalition")
    with pytest.raises(NotFound):
        queries.public_statement(session, slug)
    assert session.scalar(sa.select(sa.func.count()).select_from(Statement)) == 1
