from __future__ import annotations

from datetime import timedelta

import pytest

from app.deliveries.models import DeliveryState
from app.deliveries.rules import SAYS, TONES, arrived, next_state, recipients
from app.mail.models import EmailState
from app.targets.models import Target, TargetKind
from tests.builders import NOW

S, E = DeliveryState, EmailState


@pytest.mark.parametrize(
    ("state", "email", "then"),
    [
        (S.QUEUED, E.QUEUED, S.QUEUED),
        (S.QUEUED, E.SUBMITTING, S.QUEUED),
        (S.QUEUED, E.UNKNOWN, S.QUEUED),
        (S.QUEUED, E.ACCEPTED, S.HANDED_OVER),
        (S.QUEUED, E.DELIVERED, S.HANDED_OVER),
        (S.QUEUED, E.BOUNCED, S.BOUNCED),
        (S.QUEUED, E.DROPPED, S.FAILED),
        (S.QUEUED, E.FAILED, S.FAILED),
        (S.HANDED_OVER, E.BOUNCED, S.BOUNCED),
        (S.NO_BOUNCE, E.BOUNCED, S.BOUNCED),
        (S.FAILED, E.FAILED, S.FAILED),
        (S.FAILED, E.DROPPED, S.FAILED),
        (S.FAILED, E.QUEUED, S.QUEUED),
        (S.FAILED, E.SUBMITTING, S.QUEUED),
        (S.FAILED, E.UNKNOWN, S.QUEUED),
        (S.FAILED, E.ACCEPTED, S.HANDED_OVER),
        (S.FAILED, E.DELIVERED, S.HANDED_OVER),
        (S.FAILED, E.BOUNCED, S.BOUNCED),
        (S.BOUNCED, E.BOUNCED, S.BOUNCED),
        (S.ANSWERED, E.BOUNCED, S.ANSWERED),
        (S.ANSWERED, E.QUEUED, S.ANSWERED),
        (S.ACKNOWLEDGED, E.DELIVERED, S.ACKNOWLEDGED),
    ],
)
def test_a_delivery_follows_its_letter_and_never_says_more(
    state: DeliveryState, email: EmailState, then: DeliveryState
) -> None:
    assert next_state(state, email, NOW, now=NOW) is then


def test_silence_becomes_a_state_after_48_hours_and_not_before() -> None:
    almost = NOW + timedelta(hours=47, minutes=59)

    assert next_state(S.HANDED_OVER, E.ACCEPTED, NOW, now=almost) is S.HANDED_OVER
    assert next_state(S.HANDED_OVER, E.DELIVERED, NOW, now=NOW + timedelta(hours=48)) is S.NO_BOUNCE


def test_every_state_has_words_and_none_claims_that_somebody_read_it() -> None:
    assert set(SAYS) == set(TONES) == set(DeliveryState)
    assert "delivered" not in SAYS[S.HANDED_OVER].lower()
    assert "not known" in SAYS[S.HANDED_OVER]
    assert "not known" in SAYS[S.NO_BOUNCE]


def test_a_document_arrived_once_nothing_waits_and_one_server_took_it() -> None:
    assert not arrived([])
    assert not arrived([S.QUEUED, S.HANDED_OVER])
    assert not arrived([S.FAILED, S.BOUNCED])
    assert arrived([S.FAILED, S.HANDED_OVER])
    assert arrived([S.ANSWERED, S.NO_BOUNCE])


def _target(ident: int, email: str | None, members: list[Target] | None = None) -> Target:
    kind = TargetKind.OFFICIAL
    return Target(id=ident, name=str(ident), kind=kind, email=email, members=members or [], created_at=NOW)


def test_a_body_is_written_to_at_its_own_address_or_else_through_its_members() -> None:
    members = [_target(2, "two@x.example"), _target(3, None)]

    assert [one.id for one in recipients([_target(1, "clerk@x.example", members)])] == [1]
    assert [one.id for one in recipients([_target(1, None, members)])] == [2]
    assert [one.id for one in recipients([_target(9, None)])] == [9]


def test_a_member_named_beside_its_body_is_written_to_once() -> None:
    member = _target(2, "two@x.example")

    assert [one.id for one in recipients([member, _target(1, None, [member])])] == [2]
