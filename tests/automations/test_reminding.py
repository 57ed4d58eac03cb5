"""One reminder to who has not confirmed: when, to whom, and what becomes of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app.automations import commands, queries
from app.automations.models import Kind
from app.core.actor import by_link
from app.core.errors import Conflict
from app.mail import outbox
from app.mail.models import EmailState
from app.petitions import commands as petitions
from app.petitions.models import SignatureState
from app.petitions.rules import MOST_MAILS
from tests.automations.builders import LATER, confirmed, letters, person, reminders, rows, running, words
from tests.builders import NOW
from tests.petitions.builders import confirm, scene, sign, signatures, token_of


def test_somebody_who_has_not_confirmed_is_reminded_once(session: Session) -> None:
    here = scene(session)
    reminder = running(session, here, Kind.REMINDER)
    one = person(session, here, 1)
    assert commands.remind_lot(session, reminder.id, now=NOW + timedelta(hours=47)) == 0
    assert commands.remind_lot(session, reminder.id, now=LATER) == 1
    for _ in range(3):
        assert commands.remind_lot(session, reminder.id, now=LATER + timedelta(days=1)) == 0
    (letter,) = reminders(session)
    assert letter.to_address == one.email
    assert letter.context["subject_line"] == "Ewa1, one step is left"
    assert letter.context["markdown"].startswith("Hello Ewa1,")
    assert "0 people stand under it" in letter.context["markdown"]
    assert (letter.rank, letter.repeatable, letter.unsubscribe_path, letter.stream) == (0, False, "", "")
    assert letter.from_name == here.coalition.name


def test_the_reminder_carries_a_link_that_still_confirms(session: Session) -> None:
    here = scene(session)
    reminder = running(session, here, Kind.REMINDER)
    one = person(session, here, 1)
    commands.remind_lot(session, reminder.id, now=LATER)
    token = reminders(session)[0].context["confirm_path"].removeprefix("/confirm/")
    assert token != token_of(one)
    much_later = NOW + timedelta(days=61)
    assert petitions.confirm(session, token, by=by_link("x"), now=much_later).state is SignatureState.VALIDATED


def test_who_confirmed_withdrew_or_was_taken_off_is_not_reminded(session: Session) -> None:
    here = scene(session)
    reminder = running(session, here, Kind.REMINDER)
    confirmed(session, here, 1)
    petitions.withdraw_signature(session, token_of(person(session, here, 2)), by=by_link("x"), now=NOW)
    petitions.invalidate(session, person(session, here, 3), petitions.Removal(reason="a program"), by=here.by, now=NOW)
    assert commands.remind_lot(session, reminder.id, now=LATER) == 0


def test_a_closed_petition_reminds_nobody(session: Session) -> None:
    here = scene(session)
    reminder = running(session, here, Kind.REMINDER)
    person(session, here, 1)
    petitions.close_petition(session, here.petition, by=here.by, now=NOW + timedelta(hours=48))
    assert commands.remind_lot(session, reminder.id, now=LATER) == 0


def test_a_suppressed_address_is_not_reminded_and_its_counter_stands(session: Session) -> None:
    here = scene(session)
    reminder = running(session, here, Kind.REMINDER)
    one = person(session, here, 1)
    outbox.suppress(session, one.email, reason="bounce", now=NOW)
    assert commands.remind_lot(session, reminder.id, now=LATER) == 0
    assert one.mails == 1


def test_a_mailbox_with_letters_enough_is_not_reminded(session: Session) -> None:
    here = scene(session)
    reminder = running(session, here, Kind.REMINDER)
    one = person(session, here, 1)
    for _ in range(MOST_MAILS - 1):
        sign(session, here.petition, email=one.email, given_name=one.given_name)
    assert one.mails == MOST_MAILS
    assert commands.remind_lot(session, reminder.id, now=LATER) == 0


def test_the_reminder_counts_among_the_most_letters_of_a_mailbox(session: Session) -> None:
    here = scene(session)
    reminder = running(session, here, Kind.REMINDER)
    one = person(session, here, 1)
    commands.remind_lot(session, reminder.id, now=LATER)
    assert one.mails == 2
    for _ in range(MOST_MAILS):
        sign(session, here.petition, email=one.email, given_name=one.given_name, now=LATER)
    assert one.mails == MOST_MAILS


def test_the_delay_counts_from_the_newest_letter(session: Session) -> None:
    here = scene(session)
    reminder = running(session, here, Kind.REMINDER)
    one = person(session, here, 1)
    sign(session, here.petition, email=one.email, given_name=one.given_name, now=NOW + timedelta(hours=40))
    assert commands.remind_lot(session, reminder.id, now=LATER) == 0
    assert commands.remind_lot(session, reminder.id, now=NOW + timedelta(hours=89)) == 1


def test_a_mailbox_that_confirmed_one_name_is_not_asked_for_another(session: Session) -> None:
    here = scene(session)
    reminder = running(session, here, Kind.REMINDER)
    one = confirmed(session, here, 1)
    sign(session, here.petition, email=one.email, given_name="Janusz")
    assert signatures(session)[-1].state is SignatureState.PENDING
    assert commands.remind_lot(session, reminder.id, now=LATER) == 0


def test_nobody_is_reminded_of_what_they_have_forgotten(session: Session) -> None:
    here = scene(session)
    reminder = running(session, here, Kind.REMINDER)
    person(session, here, 1)
    assert commands.remind_lot(session, reminder.id, now=NOW + timedelta(days=10)) == 0


def test_confirming_takes_back_a_reminder_that_has_not_left(session: Session) -> None:
    here = scene(session)
    reminder = running(session, here, Kind.REMINDER)
    one = person(session, here, 1)
    commands.remind_lot(session, reminder.id, now=LATER)
    confirm(session, one, now=LATER)
    (letter,) = reminders(session)
    session.refresh(letter)
    assert letter.state is EmailState.DROPPED
    assert [one.state for one in letters(session, "petitions/mail/confirm")] == [EmailState.QUEUED]
    assert queries.figures(session, reminder).answered == 1


def test_switching_off_takes_back_what_has_not_left_and_on_again_repeats_nothing(session: Session) -> None:
    here = scene(session)
    reminder = running(session, here, Kind.REMINDER)
    person(session, here, 1)
    commands.remind_lot(session, reminder.id, now=LATER)
    commands.switch_off(session, reminder, by=here.by, now=LATER)
    session.refresh(reminders(session)[0])
    assert reminders(session)[0].state is EmailState.DROPPED
    person(session, here, 2)
    assert commands.remind_lot(session, reminder.id, now=LATER) == 0
    commands.switch_on(session, reminder, by=here.by, now=LATER)
    assert commands.remind_lot(session, reminder.id, now=LATER) == 1
    assert [one.to_address for one in reminders(session)] == ["person1@people.example", "person2@people.example"]


def test_a_petition_has_one_reminder(session: Session) -> None:
    here = scene(session)
    running(session, here, Kind.REMINDER)
    with pytest.raises(Conflict, match="such a letter already"):
        commands.write(session, here.petition, Kind.REMINDER, words(Kind.REMINDER), by=here.by, now=NOW)


def test_many_are_reminded_lot_by_lot(session: Session) -> None:
    here = scene(session)
    reminder = running(session, here, Kind.REMINDER)
    for number in range(60):
        person(session, here, number)
    assert [commands.remind_lot(session, reminder.id, now=LATER) for _ in range(3)] == [50, 10, 0]
    assert len({row.signature_id for row in rows(session)}) == 60
    assert {row.number for row in rows(session)} == {1}
