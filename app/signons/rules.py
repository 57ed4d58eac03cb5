"""Until when an organization may do what, how the roll is ordered, and the words of who stands behind a letter."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol, TypeVar

from app.coalitions.models import Scope
from app.core.errors import Refusal
from app.core.text import canonical_email, sort_key
from app.statements.models import StatementState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.signons.models import SignOn, SignOnRequest
    from app.statements.models import Statement

# How long after the sign-on has closed an organization may still take its name back. Commands, pages and letters ask
# the functions below, and the letter is not set and sent before this time is over.
WITHDRAWAL_AFTER_CLOSING = timedelta(0)
REQUEST_OUTLIVES_CLOSING = timedelta(days=7)
RECEIPT_OUTLIVES_CLOSING = timedelta(days=90)
# Pressing twice, or two organizers pressing at once, must not send a letter twice.
RESEND_NOT_BEFORE = timedelta(minutes=10)
GROUPED_FROM = 31
NAMED_IN_A_SENTENCE = 5

HEADINGS = {
    Scope.INTERNATIONAL.value: "International organizations",
    Scope.NATIONAL.value: "National organizations",
    Scope.STATE.value: "State organizations",
    Scope.LOCAL.value: "Local organizations",
}


class Superseded(Refusal):
    """A link older than the newest that was sent."""

    status = 410

    def __init__(self, sent: str) -> None:
        """Say which message to open."""
        super().__init__(f"A newer link was sent to you on {sent}. Open that message and use the link in it.")


class TakenBack(Refusal):
    """A link whose request the organizers took back."""

    status = 410

    def __init__(self, title: str) -> None:
        """Say who can help."""
        super().__init__(f"The organizers took back this request to sign “{title}”. Ask them if this is a mistake.")


def withdraw_until(statement: Statement) -> datetime | None:
    """Until when an organization may take its name back; None while no end is set."""
    closing = statement.closed_at or statement.deadline
    return None if closing is None else closing + WITHDRAWAL_AFTER_CLOSING


def may_withdraw(statement: Statement, now: datetime) -> bool:
    """Whether an organization may take its name back now."""
    until = withdraw_until(statement)
    if statement.state is StatementState.OPEN:
        return until is None or now < until
    if statement.state is not StatementState.CLOSED or statement.closed_at is None or until is None:
        return False
    return statement.closed_at <= now < until


def roll_is_fixed(statement: Statement, now: datetime) -> bool:
    """Whether nobody can leave the roll any more, so that the letter may be set and sent."""
    until = withdraw_until(statement)
    return statement.state is StatementState.CLOSED and until is not None and until <= now


def why_useless(request: SignOnRequest | None, *, answered: bool, now: datetime) -> str:
    """Why nobody has use for a request that has not left; empty while it can be answered.

    The deadline counts as it is now, because it may have been extended; None is a request whose link is dead.
    """
    if request is None:
        return "Another request took its place before it left."
    if request.revoked_at is not None:
        return "The request was taken back before it left."
    if answered:
        return "The organization had answered before the request left."
    return "" if request.statement.accepts_signons(now) else "The sign-on was over before the request left."


def link_is_late(statement: Statement, now: datetime, outlives: timedelta) -> bool:
    """Whether a mailed link has run out. It follows the deadline, so an extension extends it too."""
    closing = statement.closed_at or statement.deadline
    return closing is not None and now > closing + outlives


def receipt_went_to(sign_on: SignOn, address: str) -> bool:
    """Whether a sign-on was made by a mailed link and its receipt went to this mailbox.

    Only then may a page behind a link to that mailbox hand out the receipt's link: a forwarded request, or one that a
    colleague with an account answered, must not let its holder take back another person's signature.
    """
    return sign_on.account_id is None and canonical_email(sign_on.signatory_email) == canonical_email(address)


class Named(Protocol):
    """Anything with a name on the roll."""

    @property
    def listed_as(self) -> str:
        """The name as it is printed."""


Name = TypeVar("Name", bound=Named)


def in_order(names: Iterable[tuple[bool, Name]]) -> list[Name]:
    """The order of a roll: initiators first, then by name without "The". Pairs are (is an initiator, name)."""
    return [name for _, name in sorted(names, key=lambda pair: (not pair[0], sort_key(pair[1].listed_as)))]


def grouped(names: Sequence[tuple[bool, str, Name]]) -> list[tuple[str, list[Name]]]:
    """A roll in order as (heading, names): one group without heading up to 30 names, by scope above that.

    Given are (is an initiator, scope, name) in the order of the roll.
    """
    if len(names) < GROUPED_FROM:
        return [("", [name for _, _, name in names])] if names else []
    groups: dict[str, list[Name]] = {"Initiated by": [name for initiator, _, name in names if initiator]}
    for scope, heading in HEADINGS.items():
        groups[heading] = [name for initiator, of, name in names if of == scope and not initiator]
    return [(heading, members) for heading, members in groups.items() if members]


def stands_behind(names: Sequence[Named]) -> str:
    """Who stands behind a letter in one sentence: "7 organizations signed it, among them A, B, C, D and E."."""
    first = [name.listed_as for name in names[:NAMED_IN_A_SENTENCE]]
    listed = first[0] if len(first) == 1 else f"{', '.join(first[:-1])} and {first[-1]}"
    if len(names) == 1:
        return f"{listed} signed it."
    among = ", among them" if len(names) > NAMED_IN_A_SENTENCE else ":"
    return f"{len(names):,} organizations signed it{among} {listed}."


def attestation(organization: str) -> str:
    """The very words a signatory says yes to; they are kept with the sign-on."""
    return f"I am authorized to sign for {organization}."
