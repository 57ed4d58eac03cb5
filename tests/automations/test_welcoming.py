"""A welcome to who confirms and says yes: to whom, how often, and how it is left."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.automations import commands, queries
from app.automations.models import Kind
from app.core.actor import by_link
from app.core.errors import Invalid, NotAllowed
from app.mail import outbox
from app.petitions import commands as petitions
from app.petitions.models import Petition, Signature
from app.supporters import commands as supporters
from app.supporters.models import Supporter
from app.supporters.queries import by_preferences_link, by_unsubscribe_link
from tests import builders
from tests.automations.builders import LATER, confirmed, person, rows, running, welcomes, words, written
from tests.builders import NOW
from tests.petitions.builders import Scene, confirm, scene, sign, signatures, token_of

SOON = NOW + timedelta(minutes=2)


def supporter_of(session: Session, signature: Signature) -> Supporter:
    return session.get_one(Supporter, signature.supporter_id)


def second_petition(session: Session, here: Scene) -> Petition:
    entry = petitions.NewPetition(title="Give the records back", text="Now.", goal=100)
    asks = [(here.lead, "May we write?")]
    made = petitions.start_petition(session, here.campaign, entry, asks, by=here.by, now=NOW)
    return petitions.open_petition(session, made, by=here.by, now=NOW)


def test_who_confirms_and_said_yes_is_welcomed_once_by_the_sender(session: Session) -> None:
    here = scene(session)
    welcome = running(session, here, Kind.WELCOME)
    one = confirmed(session, here, 1, yes=(here.lead,), now=NOW + timedelta(minutes=1))
    assert commands.welcome_lot(session, welcome.id, now=SOON) == 1
    assert commands.welcome_lot(session, welcome.id, now=LATER) == 0
    (letter,) = welcomes(session)
    assert (letter.to_address, letter.to_name) == (one.email, "Ewa1 García Márquez")
    assert letter.context["subject_line"] == "Welcome, Ewa1"
    assert (letter.rank, letter.repeatable, letter.stream) == (3, False, f"updates:{here.lead.id}")
    assert letter.from_name == here.lead.writes_as


def test_the_welcome_has_one_click_to_leave_and_the_page_of_all_answers(session: Session) -> None:
    here = scene(session)
    welcome = running(session, here, Kind.WELCOME)
    one = confirmed(session, here, 1, yes=(here.lead,))
    commands.welcome_lot(session, welcome.id, now=SOON)
    (letter,) = welcomes(session)
    leaving = by_unsubscribe_link(session, letter.unsubscribe_path.removeprefix("/unsubscribe/"), now=LATER)
    assert leaving == (supporter_of(session, one), here.lead)
    manage = letter.context["manage_path"].removeprefix("/preferences/")
    assert by_preferences_link(session, manage, now=LATER) == supporter_of(session, one)


def test_no_and_no_answer_and_a_yes_to_another_are_not_welcomed(session: Session) -> None:
    here = scene(session)
    welcome = running(session, here, Kind.WELCOME)
    confirmed(session, here, 1)
    confirmed(session, here, 2, yes=(here.partner,))
    sign(session, here.petition, answers={here.lead.id: False}, email="no@people.example")
    confirm(session, signatures(session)[-1])
    person(session, here, 3, yes=(here.lead,))
    assert commands.welcome_lot(session, welcome.id, now=SOON) == 0


def test_who_confirmed_before_it_was_switched_on_is_not_welcomed(session: Session) -> None:
    here = scene(session)
    confirmed(session, here, 1, yes=(here.lead,), now=NOW)
    welcome = running(session, here, Kind.WELCOME, now=NOW + timedelta(minutes=1))
    confirmed(session, here, 2, yes=(here.lead,), now=SOON)
    assert commands.welcome_lot(session, welcome.id, now=SOON) == 1
    assert [one.to_address for one in welcomes(session)] == ["person2@people.example"]


def test_who_confirmed_while_it_was_off_is_not_welcomed_later(session: Session) -> None:
    here = scene(session)
    welcome = running(session, here, Kind.WELCOME)
    commands.switch_off(session, welcome, by=here.by, now=NOW)
    confirmed(session, here, 1, yes=(here.lead,), now=SOON)
    assert commands.welcome_lot(session, welcome.id, now=SOON) == 0
    commands.switch_on(session, welcome, by=here.by, now=SOON + timedelta(minutes=1))
    assert commands.welcome_lot(session, welcome.id, now=LATER) == 0


def test_who_left_between_confirming_and_the_welcome_gets_none(session: Session) -> None:
    here = scene(session)
    welcome = running(session, here, Kind.WELCOME)
    one = confirmed(session, here, 1, yes=(here.lead,))
    supporters.leave(session, supporter_of(session, one), here.lead, source="unsubscribe page", now=NOW)
    assert commands.welcome_lot(session, welcome.id, now=SOON) == 0


def test_who_left_after_the_welcome_was_written_does_not_get_it(session: Session) -> None:
    here = scene(session)
    welcome = running(session, here, Kind.WELCOME)
    one = confirmed(session, here, 1, yes=(here.lead,))
    commands.welcome_lot(session, welcome.id, now=SOON)
    supporters.leave(session, supporter_of(session, one), here.lead, source="unsubscribe page", now=SOON)
    assert outbox.suppressed(session, welcomes(session)) == {welcomes(session)[0].id: "left"}
    assert queries.figures(session, welcome).answered == 1


def test_a_supporter_is_welcomed_once_ever_also_under_another_petition(session: Session) -> None:
    here = scene(session)
    first = running(session, here, Kind.WELCOME)
    confirmed(session, here, 1, yes=(here.lead,))
    commands.welcome_lot(session, first.id, now=SOON)
    other = second_petition(session, here)
    second = commands.write(session, other, Kind.WELCOME, words(Kind.WELCOME, here.lead), by=here.by, now=NOW)
    commands.approve(session, second, 1, by=builders.actor(here.colleague), now=NOW)
    commands.switch_on(session, second, by=here.by, now=NOW)
    sign(session, other, answers={here.lead.id: True}, email="person1@people.example", given_name="Ewa1", now=LATER)
    confirm(session, signatures(session)[-1], now=LATER)
    assert commands.welcome_lot(session, second.id, now=LATER + timedelta(minutes=1)) == 0
    assert len(welcomes(session)) == 1


def test_automation_writes_at_most_twice_about_one_signature(session: Session) -> None:
    here = scene(session)
    reminder = running(session, here, Kind.REMINDER)
    ours, theirs = running(session, here, Kind.WELCOME), running(session, here, Kind.WELCOME, here.partner)
    one = person(session, here, 1, yes=(here.lead, here.partner))
    assert commands.remind_lot(session, reminder.id, now=LATER) == 1
    confirm(session, one, now=LATER)
    assert commands.welcome_lot(session, ours.id, now=LATER) == 1
    assert commands.welcome_lot(session, theirs.id, now=LATER) == 0
    assert [(row.signature_id, row.number) for row in rows(session)] == [(one.id, 1), (one.id, 2)]


def test_two_senders_welcome_somebody_who_said_yes_to_both_and_needed_no_reminder(session: Session) -> None:
    here = scene(session)
    ours, theirs = running(session, here, Kind.WELCOME), running(session, here, Kind.WELCOME, here.partner)
    confirmed(session, here, 1, yes=(here.lead, here.partner))
    assert [commands.welcome_lot(session, one.id, now=SOON) for one in (ours, theirs)] == [1, 1]
    assert {one.from_name for one in welcomes(session)} == {here.lead.writes_as, here.partner.writes_as}


def test_the_name_is_the_one_under_the_signature_where_two_share_a_mailbox(session: Session) -> None:
    here = scene(session)
    welcome = running(session, here, Kind.WELCOME)
    one = confirmed(session, here, 1, yes=(here.lead,))
    sign(session, here.petition, email=one.email, given_name="Janusz")
    confirm(session, signatures(session)[-1])
    assert supporter_of(session, one).given_name == "Janusz"
    assert commands.welcome_lot(session, welcome.id, now=SOON) == 1
    assert welcomes(session)[0].context["subject_line"] == "Welcome, Ewa1"


def test_a_confirmation_that_came_to_light_late_or_under_a_clock_put_back_is_found(session: Session) -> None:
    here = scene(session)
    welcome = running(session, here, Kind.WELCOME)
    assert commands.welcome_lot(session, welcome.id, now=NOW + timedelta(days=300)) == 0
    confirmed(session, here, 1, yes=(here.lead,), now=NOW + timedelta(hours=2))
    assert commands.welcome_lot(session, welcome.id, now=NOW + timedelta(hours=2, minutes=50)) == 1


def test_after_a_long_standstill_nobody_is_welcomed_any_more(session: Session) -> None:
    here = scene(session)
    welcome = running(session, here, Kind.WELCOME)
    confirmed(session, here, 1, yes=(here.lead,))
    assert commands.welcome_lot(session, welcome.id, now=NOW + timedelta(days=8)) == 0


def test_erasing_takes_the_welcome_back_and_keeps_the_count(session: Session) -> None:
    here = scene(session)
    welcome = running(session, here, Kind.WELCOME)
    one = confirmed(session, here, 1, yes=(here.lead,))
    commands.welcome_lot(session, welcome.id, now=SOON)
    petitions.forget_signer(session, supporter_of(session, one), now=SOON)
    session.expire_all()
    (letter,) = welcomes(session)
    assert (letter.state.value, letter.to_address, letter.context) == ("dropped", "erased@invalid", {})
    assert [row.supporter_id for row in rows(session)] == [None]
    assert queries.figures(session, welcome).written == 1


def test_a_taken_back_signature_that_is_signed_anew_brings_no_second_welcome(session: Session) -> None:
    here = scene(session)
    welcome = running(session, here, Kind.WELCOME)
    one = confirmed(session, here, 1, yes=(here.lead,))
    commands.welcome_lot(session, welcome.id, now=SOON)
    petitions.withdraw_signature(session, token_of(one), by=by_link("x"), now=SOON)
    again = confirmed(session, here, 1, yes=(here.lead,), now=SOON)
    assert again.id == one.id
    assert commands.welcome_lot(session, welcome.id, now=LATER) == 0


def test_only_its_own_people_write_a_welcome_and_only_where_it_asks(session: Session) -> None:
    here = scene(session)
    with pytest.raises(NotAllowed):
        commands.write(session, here.petition, Kind.WELCOME, words(Kind.WELCOME, here.partner), by=here.by, now=NOW)
    stranger = builders.actor(builders.member(session, here.outsider, email="o@open.example"))
    with pytest.raises(Invalid) as refused:
        commands.write(session, here.petition, Kind.WELCOME, words(Kind.WELCOME, here.outsider), by=stranger, now=NOW)
    assert list(refused.value.problems) == ["organization_id"]
    draft = written(session, here, Kind.WELCOME, here.partner)
    with pytest.raises(NotAllowed):
        commands.edit(session, draft, words(Kind.WELCOME), by=here.by, now=NOW)


def test_finding_whom_to_welcome_takes_the_same_number_of_queries_for_many(session: Session) -> None:
    here = scene(session)
    welcome = running(session, here, Kind.WELCOME)
    asked: list[str] = []
    sa.event.listen(session.connection(), "before_cursor_execute", lambda *given: asked.append(given[2]))
    counts = []
    for number in range(2):
        confirmed(session, here, number, yes=(here.lead,))
        asked.clear()
        queries.to_welcome(session, welcome, now=SOON, limit=50)
        counts.append(len(asked))
    assert counts[0] == counts[1] == 1
