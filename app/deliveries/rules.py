"""What is known of a delivery: how a letter's state moves it on, and the words that never say more."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from app.deliveries.models import DeliveryState
from app.mail.models import EmailState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.targets.models import Target

# Most mail servers report an undeliverable letter within minutes, the slow ones within two days.
QUIET = timedelta(hours=48)
HANDED_OVER_EMAIL = {EmailState.ACCEPTED, EmailState.DELIVERED}
LOST_EMAIL = {EmailState.DROPPED, EmailState.FAILED}
WAITING_EMAIL = {EmailState.QUEUED, EmailState.SUBMITTING}
ON_ITS_WAY = {DeliveryState.HANDED_OVER, DeliveryState.NO_BOUNCE}
REACHED = ON_ITS_WAY | {DeliveryState.ACKNOWLEDGED, DeliveryState.ANSWERED}
IN_TROUBLE = {DeliveryState.BOUNCED, DeliveryState.FAILED}

SAYS: dict[DeliveryState, str] = {
    DeliveryState.QUEUED: "Waiting for the mail server to take it.",
    DeliveryState.HANDED_OVER: "The mail server took it. Whether it reached the mailbox is not known yet.",
    DeliveryState.BOUNCED: "It came back. The target does not have it by this way.",
    DeliveryState.FAILED: "It was not sent.",
    DeliveryState.NO_BOUNCE: "Nothing came back within 48 hours. Whether anybody read it is not known.",
    DeliveryState.ACKNOWLEDGED: "The target said that it has it.",
    DeliveryState.ANSWERED: "The target answered.",
}
TONES: dict[DeliveryState, str] = {
    DeliveryState.QUEUED: "neutral",
    DeliveryState.HANDED_OVER: "info",
    DeliveryState.NO_BOUNCE: "info",
    DeliveryState.BOUNCED: "bad",
    DeliveryState.FAILED: "bad",
    DeliveryState.ACKNOWLEDGED: "good",
    DeliveryState.ANSWERED: "good",
}
NOT_KNOWN = (
    "The mail provider's answer was lost. Whether the letter left is being found out; it is not sent again by guess."
)


def next_state(
    state: DeliveryState, email: EmailState, handed_over_at: datetime | None, *, now: datetime
) -> DeliveryState:
    """Where a delivery stands, given where its letter stands. An answer recorded by a person is never undone.

    A failed letter may be tried again by an operator: then the delivery waits again, or is as far as the letter came.
    """
    if state is DeliveryState.FAILED and email not in LOST_EMAIL:
        state = DeliveryState.QUEUED
    if state is DeliveryState.QUEUED and email in HANDED_OVER_EMAIL:
        return DeliveryState.HANDED_OVER
    if state is DeliveryState.QUEUED or state in ON_ITS_WAY:
        if email is EmailState.BOUNCED:
            return DeliveryState.BOUNCED
        if email in LOST_EMAIL:
            return DeliveryState.FAILED
    if state is DeliveryState.HANDED_OVER and handed_over_at is not None and handed_over_at + QUIET <= now:
        return DeliveryState.NO_BOUNCE
    return state


def recipients(targets: Iterable[Target]) -> list[Target]:
    """Whom a document for these targets goes to, each once, in the order of their making.

    A target's own address comes first (a body's clerk reaches all its members); a body without one is reached
    through its members. A target nobody can write to stays in, so that its failure is seen.
    """
    chosen: dict[int, Target] = {}
    for target in targets:
        reachable = [member for member in target.members if member.email]
        for one in [target] if target.email or not reachable else reachable:
            chosen[one.id] = one
    return [chosen[ident] for ident in sorted(chosen)]


def arrived(states: Iterable[DeliveryState]) -> bool:
    """Whether a document counts as delivered: nothing waits any more and at least one mail server took it."""
    known = list(states)
    return DeliveryState.QUEUED not in known and any(state in REACHED for state in known)
