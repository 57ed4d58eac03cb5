"""The bounce policy, without a database."""

from __future__ import annotations

import pytest

from app.returns.models import Cause, Kind
from app.returns.rules import policy
from app.returns.rules.policy import Action

N, M, S, U = Cause.NO_MAILBOX, Cause.MAILBOX, Cause.SENDER, Cause.UNCLEAR


@pytest.mark.parametrize(
    ("kind", "classification", "status", "reason", "cause"),
    [
        ("bounce", "Invalid Address", "5.1.1", "550 5.1.1 user unknown", N),
        ("bounce", "Invalid Address", "", "", N),
        ("bounce", "invalid address", "5.0.0", "", N),
        ("bounce", "", "5.1.1", "", N),
        ("bounce", "Unclassified", "5.0.0", "550 5.1.10 no such recipient", N),
        ("bounce", "", "550", "550-5.1.2 bad domain", N),
        ("bounce", "Mailbox Unavailable", "5.2.1", "", M),
        ("bounce", "Mailbox Unavailable", "5.1.1", "", M),
        ("bounce", "", "5.2.2", "mailbox full", M),
        ("bounce", "", "4.2.2", "over quota", M),
        ("bounce", "", "4.1.1", "try later", M),
        ("bounce", "Reputation", "5.7.1", "", S),
        ("bounce", "Content", "5.7.1", "spam", S),
        ("bounce", "Technical", "5.1.1", "", S),
        ("bounce", "Technical Failure", "", "", S),
        ("bounce", "Frequency or Volume Too High", "4.7.0", "", S),
        ("bounce", "", "5.7.26", "unauthenticated", S),
        ("bounce", "", "5.1.8", "bad sender", S),
        ("bounce", "", "5.1.7", "bad sender", S),
        ("bounce", "", "4.4.7", "expired", S),
        ("blocked", "", "5.1.1", "", S),
        ("blocked", "Invalid Address", "5.1.1", "", S),
        ("bounce", "", "", "", U),
        ("bounce", "Unclassified", "5.0.0", "said 192.5.1.1 no", U),
        ("", "", "5.1.1.1", "", U),
    ],
)
def test_why_a_letter_came_back(kind: str, classification: str, status: str, reason: str, cause: Cause) -> None:
    assert policy.cause(kind, classification, status, reason) is cause


@pytest.mark.parametrize(
    ("kind", "cause", "action"),
    [
        (Kind.BOUNCE, N, Action.STOP_ALL),
        (Kind.BOUNCE, M, Action.COUNT),
        (Kind.BOUNCE, U, Action.COUNT),
        (Kind.BOUNCE, S, Action.NOTHING),
        (Kind.COMPLAINT, None, Action.LEAVE),
        (Kind.LEFT, None, Action.LEAVE),
        *((kind, None, Action.NOTHING) for kind in (Kind.PROCESSED, Kind.DEFERRED, Kind.DELIVERED, Kind.DROPPED)),
    ],
)
def test_what_is_done_about_it(kind: Kind, cause: Cause | None, action: Action) -> None:
    assert policy.action(kind, cause) is action


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("cause", [None, *Cause])
def test_every_report_has_words_and_a_consequence(kind: Kind, cause: Cause | None) -> None:
    assert policy.sentence(kind, cause).endswith(".")
    assert policy.consequence(kind, cause, stopped=False) != policy.consequence(Kind.BOUNCE, N, stopped=True)
    assert policy.word(kind, cause)
