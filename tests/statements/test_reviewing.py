"""Answers of organizations, suggestions and comments."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core.errors import Conflict, Invalid, NotAllowed, NotFound
from app.mail.models import Email
from app.mail.render import render
from app.statements import queries
from app.statements.commands import (
    Decision,
    Freezing,
    NewComment,
    NewPosition,
    NewRevision,
    NewSuggestion,
    Opening,
    ask_for_review,
    back_to_drafting,
    comment,
    decide_suggestion,
    freeze,
    open_for_sign_on,
    resolve_comment,
    save_revision,
    suggest,
    take_position,
    withdraw_suggestion,
)
from app.statements.models import Answer, Comment, StatementState, Suggestion, SuggestionState
from tests.builders import NOW
from tests.statements.builders import Scene, scene

LATER = NOW + timedelta(hours=1)
CONSENT = NewPosition(answer=Answer.CONSENT)
BETTER = NewSuggestion(passage="ordinance before you", replacement="ban before you", reason="It is one.")


def in_review(session: Session) -> Scene:
    there = scene(session)
    ask_for_review(session, there.statement, by=there.organizer, now=NOW)
    return there


def change(session: Session, there: Scene, text: str = "Other words.") -> None:
    entry = NewRevision(text=text, based_on=there.statement.head_number)
    save_revision(session, there.statement, entry, by=there.drafter, now=NOW)


def test_asking_for_review_writes_to_everybody_who_may_answer_and_only_once(session: Session) -> None:
    there = in_review(session)
    ask_for_review(session, there.statement, by=there.organizer, now=LATER)
    back_to_drafting(session, there.statement, by=there.organizer, now=LATER)
    ask_for_review(session, there.statement, by=there.organizer, now=LATER)

    letters = session.scalars(sa.select(Email).order_by(Email.id)).all()

    assert there.statement.state is StatementState.IN_REVIEW
    assert sorted(letter.to_name for letter in letters) == ["Olu Organizer", "Sig Signatory"]
    assert letters[0].context["answer_path"] == (
        "/work/coalition-for-open-faces/statements/vote-for-the-ordinance/answer"
    )


def test_the_request_to_answer_reads_like_a_letter_and_leads_to_the_answer(session: Session) -> None:
    in_review(session)
    letter = session.scalars(sa.select(Email).where(Email.to_name == "Sig Signatory")).one()

    written = render(letter)

    assert written.subject == "Please answer for Northwest Privacy Alliance: Vote for the ordinance"
    assert "We ask you to vote for the ordinance before you." in written.text
    assert "We ask you to vote for the ordinance before you." in written.html
    address = "http://undersigned.example/work/coalition-for-open-faces/statements/vote-for-the-ordinance/answer"
    assert address in written.text
    assert address in written.html


def test_only_organizers_ask_for_review(session: Session) -> None:
    there = scene(session)

    with pytest.raises(NotAllowed):
        ask_for_review(session, there.statement, by=there.drafter, now=NOW)


def test_an_answer_is_bound_to_the_revision_that_was_the_newest(session: Session) -> None:
    there = in_review(session)
    take_position(session, there.statement, CONSENT, there.partner, by=there.signatory, now=NOW)

    before = {row.party.organization_id: row for row in queries.review_table(session, there.statement)}
    change(session, there)
    after = {row.party.organization_id: row for row in queries.review_table(session, there.statement)}

    assert (before[there.partner.id].about, before[there.partner.id].current) == (1, True)
    assert (after[there.partner.id].about, after[there.partner.id].current) == (1, False)
    assert after[there.lead.id].position is None


def test_an_answer_may_change_while_its_revision_is_the_newest(session: Session) -> None:
    there = in_review(session)
    first = take_position(session, there.statement, CONSENT, there.partner, by=there.signatory, now=NOW)
    objection = NewPosition(answer=Answer.OBJECT, words="The second sentence is wrong.")

    second = take_position(session, there.statement, objection, there.partner, by=there.signatory, now=LATER)

    assert second.id == first.id
    assert (second.answer, second.words) == (Answer.OBJECT, "The second sentence is wrong.")


def test_an_objection_needs_words(session: Session) -> None:
    there = in_review(session)
    silent = NewPosition(answer=Answer.OBJECT, words="\u200b ")

    with pytest.raises(Invalid) as refused:
        take_position(session, there.statement, silent, there.partner, by=there.signatory, now=NOW)

    assert "words" in refused.value.problems


def test_nobody_answers_for_words_they_did_not_read(session: Session) -> None:
    there = in_review(session)
    change(session, there)
    stale = NewPosition(answer=Answer.CONSENT, revision=1)

    with pytest.raises(Conflict, match="Revision 2"):
        take_position(session, there.statement, stale, there.partner, by=there.signatory, now=NOW)


def test_nobody_answers_for_another_organization(session: Session) -> None:
    there = in_review(session)

    with pytest.raises(NotAllowed):
        take_position(session, there.statement, CONSENT, there.lead, by=there.signatory, now=NOW)
    with pytest.raises(NotAllowed):
        take_position(session, there.statement, CONSENT, there.partner, by=there.drafter, now=NOW)
    with pytest.raises(NotFound):
        take_position(session, there.statement, CONSENT, there.partner, by=there.stranger, now=NOW)


def test_answers_are_given_in_review_only(session: Session) -> None:
    there = scene(session)
    with pytest.raises(Conflict, match="still being written"):
        take_position(session, there.statement, CONSENT, there.partner, by=there.signatory, now=NOW)
    freeze(session, there.statement, Freezing(number=1), by=there.organizer, now=NOW)
    until = Opening(deadline_date=date(2021, 6, 30), deadline_time=time(17))
    open_for_sign_on(session, there.statement, until, by=there.organizer, now=NOW)

    with pytest.raises(Conflict, match="review is over"):
        take_position(session, there.statement, CONSENT, there.partner, by=there.signatory, now=NOW)


def test_an_accepted_suggestion_becomes_a_revision_credited_to_its_author(session: Session) -> None:
    there = scene(session)
    asked = suggest(session, there.statement, BETTER, by=there.signatory, now=NOW)

    decide_suggestion(session, asked, Decision(accept=True), by=there.organizer, now=LATER)
    decide_suggestion(session, asked, Decision(accept=True), by=there.organizer, now=LATER)
    head = queries.head_of(session, there.statement)

    assert asked.state is SuggestionState.ACCEPTED
    assert head.number == 2
    assert "for the ban before you." in head.text
    assert (head.account_id, head.organization_id) == (there.signatory.account_id, there.partner.id)
    assert head.note == "Suggested by Sig Signatory, accepted by Olu Organizer"


def test_white_space_does_not_matter_when_a_passage_is_quoted(session: Session) -> None:
    there = scene(session)
    entry = NewSuggestion(passage="before  you.\r\n\r\nA promise", replacement="before you. A promise")

    asked = suggest(session, there.statement, entry, by=there.signatory, now=NOW)

    assert asked.passage == "before you.\n\nA promise"


@pytest.mark.parametrize(
    ("passage", "sentence"),
    [("nowhere in it", "not in the text"), ("promise", "2 times"), ("\u200b", "Quote the passage")],
)
def test_a_passage_that_is_not_one_place_in_the_text_is_refused(session: Session, passage: str, sentence: str) -> None:
    there = scene(session)

    with pytest.raises(Invalid) as refused:
        suggest(session, there.statement, NewSuggestion(passage=passage), by=there.signatory, now=NOW)

    assert sentence in refused.value.problems["passage"]


def test_a_suggestion_whose_passage_is_gone_cannot_be_accepted_but_rejected(session: Session) -> None:
    there = scene(session)
    asked = suggest(session, there.statement, BETTER, by=there.signatory, now=NOW)
    change(session, there)

    with pytest.raises(Conflict, match="has changed since"):
        decide_suggestion(session, asked, Decision(accept=True), by=there.drafter, now=LATER)
    assert asked.state is SuggestionState.OPEN
    decide_suggestion(session, asked, Decision(accept=False), by=there.drafter, now=LATER)
    with pytest.raises(Conflict, match="already rejected"):
        decide_suggestion(session, asked, Decision(accept=True), by=there.drafter, now=LATER)


def test_a_suggestion_that_leaves_nothing_or_changes_nothing_is_refused(session: Session) -> None:
    there = scene(session, text="Answer us.")
    for passage, replacement in (("Answer us.", ""), ("Answer", "Answer")):
        entry = NewSuggestion(passage=passage, replacement=replacement)
        with pytest.raises(Invalid):
            suggest(session, there.statement, entry, by=there.signatory, now=NOW)


def test_suggestions_are_decided_by_drafters_and_withdrawn_by_their_own_organization(session: Session) -> None:
    there = scene(session)
    asked = suggest(session, there.statement, BETTER, by=there.signatory, now=NOW)

    with pytest.raises(NotAllowed):
        decide_suggestion(session, asked, Decision(accept=True), by=there.signatory, now=NOW)
    with pytest.raises(NotAllowed):
        withdraw_suggestion(session, asked, by=there.organizer, now=NOW)
    withdraw_suggestion(session, asked, by=there.signatory, now=NOW)

    assert asked.state is SuggestionState.WITHDRAWN
    assert queries.suggestions_of(session, there.statement, open_only=True) == []


def test_a_frozen_text_takes_no_suggestion(session: Session) -> None:
    there = scene(session)
    asked = suggest(session, there.statement, BETTER, by=there.signatory, now=NOW)
    freeze(session, there.statement, Freezing(number=1), by=there.organizer, now=NOW)

    with pytest.raises(Conflict):
        suggest(session, there.statement, NewSuggestion(passage="publish"), by=there.signatory, now=NOW)
    with pytest.raises(Conflict):
        decide_suggestion(session, asked, Decision(accept=True), by=there.organizer, now=NOW)


def test_what_is_sent_twice_stands_once(session: Session) -> None:
    there = scene(session)
    remark = NewComment(body="Who says so?", passage="A promise without an end date")

    for _ in range(2):
        suggest(session, there.statement, BETTER, by=there.signatory, now=NOW)
        comment(session, there.statement, remark, by=there.signatory, now=NOW)

    assert session.scalar(sa.select(sa.func.count()).select_from(Suggestion)) == 1
    assert session.scalar(sa.select(sa.func.count()).select_from(Comment)) == 1


def test_a_comment_is_settled_by_who_drafts_or_by_its_own_organization(session: Session) -> None:
    there = scene(session)
    theirs = comment(session, there.statement, NewComment(body="From the partner."), by=there.signatory, now=NOW)
    ours = comment(session, there.statement, NewComment(body="From the lead."), by=there.organizer, now=NOW)

    with pytest.raises(NotAllowed):
        resolve_comment(session, ours, by=there.signatory, now=LATER)
    resolve_comment(session, theirs, by=there.signatory, now=LATER)
    resolve_comment(session, ours, by=there.drafter, now=LATER)

    assert theirs.resolved_at == ours.resolved_at == LATER
    with pytest.raises(NotAllowed):
        comment(session, there.statement, NewComment(body="Me too."), by=there.viewer, now=NOW)
