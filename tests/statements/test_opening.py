"""Freezing, opening, deadlines, closing."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy.orm import Session

from app.core import audit
from app.core.actor import SYSTEM
from app.core.errors import Conflict, Invalid, NotAllowed
from app.core.text import digest
from app.statements import queries, rules
from app.statements.commands import (
    Freezing,
    NewRevision,
    Opening,
    archive,
    close,
    extend_deadline,
    freeze,
    mark_delivered,
    open_for_sign_on,
    save_revision,
    take_from_archive,
    unfreeze,
)
from app.statements.models import StatementState
from tests.builders import NOW
from tests.statements.builders import Scene, scene
from tests.statements.texts import PLAIN, WITH_EVERYTHING

JUNE = Opening(deadline_date=date(2021, 6, 30), deadline_time=time(17))
JULY = Opening(deadline_date=date(2021, 7, 15), deadline_time=time(17))
LATER = NOW + timedelta(hours=1)
ZONE = "America/Los_Angeles"


def frozen(session: Session, text: str = PLAIN) -> Scene:
    there = scene(session, text=text)
    freeze(session, there.statement, Freezing(number=1), by=there.organizer, now=NOW)
    return there


def opened(session: Session, text: str = PLAIN) -> Scene:
    there = frozen(session, text)
    open_for_sign_on(session, there.statement, JUNE, by=there.organizer, now=NOW)
    return there


def acts(session: Session, there: Scene) -> list[str]:
    session.flush()
    return [entry.act for entry in reversed(audit.trail(session, there.coalition.id))]


def test_freezing_fixes_the_words_under_their_digest_and_stays_private(session: Session) -> None:
    there = frozen(session)

    assert there.statement.digest == digest(PLAIN)
    assert there.statement.frozen_at == NOW
    assert not there.statement.editable()
    assert not there.statement.public()
    assert rules.stage(there.statement) is rules.Stage.FROZEN
    assert acts(session, there) == ["statement.frozen"]


def test_freezing_twice_is_done_once(session: Session) -> None:
    there = frozen(session)

    freeze(session, there.statement, Freezing(number=1), by=there.organizer, now=LATER)

    assert there.statement.frozen_at == NOW
    assert acts(session, there) == ["statement.frozen"]


def test_a_revision_that_nobody_read_is_not_frozen(session: Session) -> None:
    there = scene(session)
    entry = NewRevision(text="Other words.", based_on=1)
    save_revision(session, there.statement, entry, by=there.drafter, now=NOW)

    with pytest.raises(Conflict, match="Revision 2 was saved"):
        freeze(session, there.statement, Freezing(number=1), by=there.organizer, now=NOW)


def test_only_organizers_freeze(session: Session) -> None:
    there = scene(session)

    with pytest.raises(NotAllowed):
        freeze(session, there.statement, Freezing(number=1), by=there.drafter, now=NOW)


def test_a_frozen_text_can_be_unfrozen_until_it_is_opened(session: Session) -> None:
    there = frozen(session)

    unfreeze(session, there.statement, by=there.organizer, now=LATER)
    unfreeze(session, there.statement, by=there.organizer, now=LATER)

    assert there.statement.editable()
    assert there.statement.digest is None
    assert acts(session, there) == ["statement.frozen", "statement.unfrozen"]


def test_an_open_text_cannot_be_unfrozen_or_edited(session: Session) -> None:
    there = opened(session)

    with pytest.raises(Conflict):
        unfreeze(session, there.statement, by=there.organizer, now=LATER)
    entry = NewRevision(text="Other.", based_on=1)
    with pytest.raises(Conflict):
        save_revision(session, there.statement, entry, by=there.drafter, now=LATER)
    assert there.statement.digest == digest(PLAIN)


def test_an_unfrozen_draft_cannot_be_opened(session: Session) -> None:
    there = scene(session)

    with pytest.raises(Conflict, match="Freeze the words first"):
        open_for_sign_on(session, there.statement, JUNE, by=there.organizer, now=NOW)


def test_opening_publishes_the_words_until_the_deadline_in_the_coalitions_zone(session: Session) -> None:
    there = opened(session)

    assert there.statement.deadline == datetime(2021, 7, 1, 0, 0, tzinfo=UTC)
    assert there.statement.accepts_signons(NOW)
    assert not there.statement.accepts_signons(there.statement.deadline)
    found = queries.public_statement(session, there.statement.slug)
    assert found.frozen_revision is not None
    assert found.frozen_revision.digest == found.digest
    assert acts(session, there) == ["statement.frozen", "statement.opened"]


def test_opening_twice_is_done_once_and_with_another_deadline_refused(session: Session) -> None:
    there = opened(session)

    open_for_sign_on(session, there.statement, JUNE, by=there.organizer, now=LATER)

    assert there.statement.opened_at == NOW
    with pytest.raises(Conflict, match="already open until June 30, 2021, 5:00 PM PDT"):
        open_for_sign_on(session, there.statement, JULY, by=there.organizer, now=LATER)
    assert acts(session, there) == ["statement.frozen", "statement.opened"]


def test_a_deadline_only_moves_later_and_each_move_is_in_the_trail(session: Session) -> None:
    there = opened(session)
    may = Opening(deadline_date=date(2021, 5, 25), deadline_time=time(17))

    extend_deadline(session, there.statement, JULY, by=there.organizer, now=LATER)
    extend_deadline(session, there.statement, JULY, by=there.organizer, now=LATER)

    with pytest.raises(Invalid):
        extend_deadline(session, there.statement, may, by=there.organizer, now=LATER)
    assert there.statement.deadline == datetime(2021, 7, 16, 0, 0, tzinfo=UTC)
    assert acts(session, there)[2:] == ["statement.extended"]
    assert audit.trail(session, there.coalition.id)[0].detail["before"] == "2021-07-01T00:00:00+00:00"


def test_a_deadline_that_has_passed_is_not_extended(session: Session) -> None:
    there = opened(session)

    with pytest.raises(Conflict):
        extend_deadline(session, there.statement, JULY, by=there.organizer, now=datetime(2021, 7, 1, 0, 0, tzinfo=UTC))


def test_closing_is_done_once_by_the_system_or_an_organizer(session: Session) -> None:
    there = opened(session)
    end = datetime(2021, 7, 1, 0, 0, tzinfo=UTC)

    assert queries.due_to_close(session, end - timedelta(seconds=1)) == []
    assert [row.id for row in queries.due_to_close(session, end)] == [there.statement.id]
    close(session, there.statement, by=SYSTEM, now=end)
    close(session, there.statement, by=there.organizer, now=end + timedelta(minutes=1))

    assert there.statement.state is StatementState.CLOSED
    assert there.statement.closed_at == end
    assert queries.due_to_close(session, end) == []
    assert acts(session, there)[2:] == ["statement.closed"]
    mark_delivered(session, there.statement, by=SYSTEM, now=end)
    mark_delivered(session, there.statement, by=SYSTEM, now=end)
    assert acts(session, there)[3:] == ["statement.delivered"]


def test_a_delivered_letter_is_archived_and_taken_out_again_and_stays_public(session: Session) -> None:
    there = opened(session)
    end = datetime(2021, 7, 1, 0, 0, tzinfo=UTC)
    with pytest.raises(Conflict, match="Only a delivered letter"):
        archive(session, there.statement, by=there.organizer, now=NOW)
    close(session, there.statement, by=SYSTEM, now=end)
    mark_delivered(session, there.statement, by=SYSTEM, now=end)
    with pytest.raises(NotAllowed):
        archive(session, there.statement, by=there.drafter, now=end)

    for _ in range(2):
        archive(session, there.statement, by=there.organizer, now=end)
    assert there.statement.state is StatementState.ARCHIVED
    assert there.statement.public()
    assert rules.stage(there.statement) is rules.Stage.ARCHIVED
    assert queries.by_digest(session, there.statement.digest or "") is there.statement
    mark_delivered(session, there.statement, by=SYSTEM, now=end)
    assert there.statement.state is StatementState.ARCHIVED

    for _ in range(2):
        take_from_archive(session, there.statement, by=there.organizer, now=end)
    assert rules.stage(there.statement).value == "delivered"
    assert acts(session, there)[4:] == ["statement.archived", "statement.unarchived"]


def test_members_without_the_right_neither_open_extend_nor_close(session: Session) -> None:
    there = opened(session)

    with pytest.raises(NotAllowed):
        close(session, there.statement, by=there.signatory, now=LATER)
    with pytest.raises(NotAllowed):
        extend_deadline(session, there.statement, JULY, by=there.signatory, now=LATER)


def test_a_draft_is_not_closed_and_an_open_one_not_delivered(session: Session) -> None:
    there = scene(session)

    with pytest.raises(Conflict):
        close(session, there.statement, by=SYSTEM, now=NOW)
    with pytest.raises(Conflict):
        mark_delivered(session, there.statement, by=SYSTEM, now=NOW)


def test_a_time_that_the_clocks_skip_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        rules.deadline(date(2021, 3, 14), time(2, 30), ZONE, now=datetime(2021, 3, 1, tzinfo=UTC))

    assert "deadline_time" in refused.value.problems


def test_of_an_hour_that_comes_twice_the_second_one_counts() -> None:
    found = rules.deadline(date(2021, 11, 7), time(1, 30), ZONE, now=datetime(2021, 11, 1, tzinfo=UTC))

    assert found == datetime(2021, 11, 7, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("day", [date(1, 1, 1), date(2021, 5, 19), date(2024, 1, 1), date(9999, 12, 31)])
def test_a_deadline_lies_between_today_and_two_years_from_now(day: date) -> None:
    with pytest.raises(Invalid):
        rules.deadline(day, time(12), ZONE, now=NOW)


def test_a_deadline_earlier_today_is_refused() -> None:
    with pytest.raises(Invalid, match="another look") as refused:
        rules.deadline(date(2021, 5, 20), time(9, 59), ZONE, now=NOW)

    assert "10:00 AM PDT" in refused.value.problems["deadline_time"]


@pytest.mark.parametrize("typed", ["17:00", "5:00 PM", "5 pm", "5:00 p.m."])
def test_a_time_is_read_as_people_write_it(typed: str) -> None:
    assert Opening.of({"deadline_date": "2021-06-30", "deadline_time": typed}) == JUNE


def test_a_time_that_is_none_is_refused_with_an_example() -> None:
    with pytest.raises(Invalid) as refused:
        Opening.of({"deadline_date": "soon", "deadline_time": "noonish"})

    assert refused.value.problems == {
        "deadline_date": "Write a date like 2021-06-30.",
        "deadline_time": "Write a time like 17:00 or 5:00 PM.",
    }


def test_pasted_words_are_checked_by_their_digest(session: Session) -> None:
    there = opened(session, WITH_EVERYTHING)

    assert rules.check_words(there.statement, WITH_EVERYTHING.replace("\n", "\r\n")).same
    changed = rules.check_words(there.statement, WITH_EVERYTHING.replace("for good", "for now"))
    assert not changed.same
    assert not changed.same_words
    assert ("add", "now;[^why]") in changed.parts


def test_words_copied_from_the_page_are_told_from_changed_words(session: Session) -> None:
    there = opened(session)
    copied = (
        "To the members of the council:  We ask you to vote\nfor the ordinance before you.\n\n"
        + PLAIN.split("\n\n", 2)[2]
    )

    verdict = rules.check_words(there.statement, copied)

    assert (verdict.same, verdict.same_words) == (False, True)


def test_a_public_statement_is_found_by_digest_and_by_its_words(session: Session) -> None:
    there = frozen(session)
    assert queries.by_digest(session, digest(PLAIN)) is None

    open_for_sign_on(session, there.statement, JUNE, by=there.organizer, now=NOW)

    assert queries.by_digest(session, digest(PLAIN).upper()) is there.statement
    assert queries.find_words(session, PLAIN.replace("\n", "\r\n")) is there.statement
    assert queries.find_words(session, "Other words.") is None
