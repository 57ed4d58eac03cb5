"""Approval, the switch, and what new words undo."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.automations import commands
from app.automations.models import Automation, Kind
from app.coalitions.models import Role
from app.coalitions.rules import sentence
from app.core.audit import AuditEntry
from app.core.errors import Conflict, NotAllowed
from tests import builders
from tests.automations.builders import LATER, person, running, words, written
from tests.builders import NOW
from tests.petitions.builders import scene


def test_a_new_letter_is_off_and_writes_nothing(session: Session) -> None:
    here = scene(session)
    reminder = written(session, here, Kind.REMINDER)
    person(session, here, 1)
    assert reminder.on_since is None
    assert commands.remind_lot(session, reminder.id, now=LATER) == 0


def test_it_is_not_switched_on_before_somebody_else_approved_it(session: Session) -> None:
    here = scene(session)
    reminder = written(session, here, Kind.REMINDER)
    with pytest.raises(Conflict, match="not been approved"):
        commands.switch_on(session, reminder, by=here.by, now=NOW)
    with pytest.raises(Conflict, match="other than its author"):
        commands.approve(session, reminder, 1, by=here.by, now=NOW)
    commands.approve(session, reminder, 1, by=builders.actor(here.colleague), now=NOW)
    assert commands.switch_on(session, reminder, by=here.by, now=NOW).on_since == NOW


@pytest.mark.parametrize("kind", list(Kind))
def test_new_words_switch_it_off_until_they_are_approved(session: Session, kind: Kind) -> None:
    here = scene(session)
    letter = running(session, here, kind)
    commands.edit(session, letter, words(kind, body="Other words, just as long."), by=here.by, now=LATER)
    assert (letter.on_since, letter.approved, letter.approver_id, letter.version) == (None, False, None, 2)
    with pytest.raises(Conflict, match="not been approved"):
        commands.switch_on(session, letter, by=here.by, now=LATER)


def test_two_tabs_lose_no_words(session: Session) -> None:
    here = scene(session)
    letter = written(session, here, Kind.REMINDER)
    commands.edit(session, letter, words(Kind.REMINDER, based_on=1), by=here.by, now=NOW)
    with pytest.raises(Conflict, match="Somebody else saved"):
        commands.edit(session, letter, words(Kind.REMINDER, based_on=1), by=here.by, now=NOW)


@pytest.mark.parametrize("kind", list(Kind))
def test_where_the_coalition_says_so_another_organization_approves(session: Session, kind: Kind) -> None:
    here = scene(session)
    letter = written(session, here, kind)
    inside = builders.actor(builders.member(session, here.lead, email="second@lead.example"))
    outside = builders.actor(here.colleague)
    here.coalition.other_organization_approves = True
    session.flush()
    with pytest.raises(Conflict, match="another organization"):
        commands.approve(session, letter, 1, by=inside, now=NOW)
    assert {one.id for one in commands.approvers(session, letter)} == {here.colleague.id}
    assert commands.approve(session, letter, 1, by=outside, now=NOW).approver_organization_id == here.partner.id
    commands.switch_on(session, letter, by=here.by, now=NOW)


def test_an_approval_from_inside_does_not_do_once_the_coalition_asks_for_another(session: Session) -> None:
    here = scene(session)
    letter = written(session, here, Kind.REMINDER)
    inside = builders.actor(builders.member(session, here.lead, email="second@lead.example"))
    commands.approve(session, letter, 1, by=inside, now=NOW)
    here.coalition.other_organization_approves = True
    session.flush()
    with pytest.raises(Conflict, match="now asks for the approval of another organization"):
        commands.switch_on(session, letter, by=here.by, now=NOW)


def test_words_with_a_mistake_are_not_approved(session: Session) -> None:
    here = scene(session)
    typed = words(Kind.REMINDER, body="Press [the button](https://bit.ly/abc) and we count your name. " * 3)
    letter = commands.write(session, here.petition, Kind.REMINDER, typed, by=here.by, now=NOW)
    with pytest.raises(Conflict, match="hides where it leads"):
        commands.approve(session, letter, 1, by=builders.actor(here.colleague), now=NOW)


def test_only_organizers_run_the_reminder(session: Session) -> None:
    here = scene(session)
    partner = builders.actor(here.colleague)
    with pytest.raises(NotAllowed):
        commands.write(session, here.petition, Kind.REMINDER, words(Kind.REMINDER), by=partner, now=NOW)
    letter = running(session, here, Kind.REMINDER)
    viewer = builders.actor(builders.member(session, here.lead, role=Role.VIEWER))
    for by in (partner, viewer):
        for act in (commands.switch_off, commands.switch_on, commands.send_test):
            with pytest.raises(NotAllowed):
                act(session, letter, by=by, now=NOW)
    with pytest.raises(NotAllowed):
        commands.approve(session, letter, 1, by=viewer, now=NOW)


def test_every_turn_of_the_switch_is_in_the_trail_once(session: Session) -> None:
    here = scene(session)
    letter: Automation = running(session, here, Kind.WELCOME)
    commands.switch_on(session, letter, by=here.by, now=NOW)
    commands.switch_off(session, letter, by=here.by, now=NOW)
    commands.switch_off(session, letter, by=here.by, now=NOW)
    session.flush()
    query = sa.select(AuditEntry).where(AuditEntry.act.startswith("automation.")).order_by(AuditEntry.id)
    told = [sentence(one.act, one.actor, one.detail, "UTC") for one in session.scalars(query)]
    name = f"the welcome of {here.lead.name} under “{here.petition.title}”"
    assert told == [
        f"Ada Admin approved {name} (version 1).",
        f"Olu Organizer switched {name} on (version 1).",
        f"Olu Organizer switched {name} off.",
    ]


@pytest.mark.parametrize("kind", list(Kind))
def test_a_test_goes_to_oneself_marked_as_one_and_nobody_is_counted(session: Session, kind: Kind) -> None:
    here = scene(session)
    letter = written(session, here, kind)
    mail = commands.send_test(session, letter, by=here.by, now=NOW)
    assert mail.to_address == here.organizer.email
    assert mail.context["test"] is True
    assert "Olu" in mail.context["subject_line"]
    assert (mail.rank, mail.unsubscribe_path) == (1, "")
    assert letter.tested_at == NOW
