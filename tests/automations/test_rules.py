"""The rules of automated letters, without a database."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from app.automations import rules
from app.automations.commands import NewAutomation
from app.automations.models import Automation, Kind
from app.core.errors import Conflict, Invalid
from app.petitions.models import Signature
from app.petitions.rules import MOST_MAILS, letter_key, may_be_written_to


def letter(**changes: object) -> Automation:
    return Automation(**{"kind": Kind.REMINDER, "version": 2, "author_id": 1, "organization_id": 7, **changes})


def test_a_petition_has_one_reminder_and_each_organization_one_welcome() -> None:
    assert rules.place(Kind.REMINDER, 5, 7) == rules.place(Kind.REMINDER, 5, 8)
    assert rules.place(Kind.WELCOME, 5, 7) != rules.place(Kind.WELCOME, 5, 8)
    assert rules.place(Kind.WELCOME, 5, 7) != rules.place(Kind.WELCOME, 6, 7)


def test_a_reminder_speaks_of_no_official_and_a_welcome_may() -> None:
    body = "Write to {official|your council member}."
    rules.check_words(Kind.WELCOME, "Welcome", body)
    with pytest.raises(Invalid) as refused:
        rules.check_words(Kind.REMINDER, "One step", body)
    assert list(refused.value.problems) == ["body"]
    assert "Take {official} out" in refused.value.problems["body"]


@pytest.mark.parametrize("kind", list(Kind))
def test_a_field_that_would_be_sent_as_it_stands_is_refused(kind: Kind) -> None:
    with pytest.raises(Invalid):
        rules.check_words(kind, "Hello {name}", "Words.")


def test_its_author_does_not_approve_a_letter() -> None:
    with pytest.raises(Conflict, match="other than its author"):
        rules.must_be_approvable(letter(), 2, 1)
    with pytest.raises(Conflict, match="other than its author"):
        rules.must_be_approvable(letter(), 2, None)
    rules.must_be_approvable(letter(), 2, 9)


def test_words_that_changed_while_they_were_read_are_not_approved() -> None:
    with pytest.raises(Conflict, match="changed while you read"):
        rules.must_be_approvable(letter(), 1, 9)


def test_only_the_approved_version_is_switched_on() -> None:
    rules.must_be_approved(letter(approved_version=2), elsewhere=False)
    for version in (None, 1):
        with pytest.raises(Conflict, match="not been approved"):
            rules.must_be_approved(letter(approved_version=version), elsewhere=False)


def test_where_the_coalition_asks_for_it_the_approval_is_another_organizations() -> None:
    rules.must_be_approved(letter(approved_version=2, approver_organization_id=8), elsewhere=True)
    for group in (None, 7):
        with pytest.raises(Conflict, match="another organization"):
            rules.must_be_approved(letter(approved_version=2, approver_organization_id=group), elsewhere=True)


@pytest.mark.parametrize("hours", [23, 169, 0, -48])
def test_a_reminder_waits_between_a_day_and_a_week(hours: int) -> None:
    with pytest.raises(ValidationError):
        NewAutomation(subject="One step", body="Words.", delay_hours=hours)


def test_a_reminder_waits_two_days_where_nobody_chose() -> None:
    assert NewAutomation(subject="One step", body="Words.").delay_hours == 48


def test_a_mailbox_with_five_letters_gets_no_sixth_however_they_are_spread() -> None:
    assert may_be_written_to([Signature(mails=3), Signature(mails=1)])
    assert not may_be_written_to([Signature(mails=3), Signature(mails=MOST_MAILS - 3)])


def test_every_letter_about_a_signature_has_a_key_of_its_own() -> None:
    assert len({letter_key(ident, number) for ident in (1, 11) for number in (1, 11)}) == 4
