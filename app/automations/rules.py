"""What an automated letter may say and when it may be switched on; the rules of updates hold, read through one door."""

from __future__ import annotations

from datetime import timedelta

from app.automations.models import Automation, Kind
from app.broadcasts import rules as updates
from app.broadcasts.models import Broadcast, BroadcastState
from app.core.errors import Conflict, Invalid

# What automation writes about one signature, all its letters together.
MOST_LETTERS = 2
SHORTEST, USUAL, LONGEST = 24, 48, 168  # hours until a reminder
# Confirmations are looked at again for so long: a transaction may end late, a clock may be put back.
LOOKS_BACK = timedelta(hours=1)
# A welcome belongs to the moment of confirming; after a longer standstill nobody is welcomed any more.
WELCOMED_WITHIN = timedelta(days=7)
COUNT_HINT = ("{count}", "how many signatures the petition has when the letter is written")
FIELD_HINTS = {
    Kind.REMINDER: (updates.FIELD_HINTS[0], COUNT_HINT),
    Kind.WELCOME: (updates.FIELD_HINTS[0], COUNT_HINT, updates.FIELD_HINTS[2]),
}


def place(kind: Kind, petition_id: int, organization_id: int) -> str:
    """What there is one of: a petition's reminder, an organization's welcome under it."""
    return f"{kind.value}:{petition_id}" + (f":{organization_id}" if kind is Kind.WELCOME else "")


def as_update(automation: Automation) -> Broadcast:
    """The words as an update that is in no table, for everything that updates know of fields, checks and approval."""
    return Broadcast(
        campaign_id=automation.petition.campaign_id,
        campaign=automation.petition.campaign,
        organization_id=automation.organization_id,
        organization=automation.organization,
        petition_id=automation.petition_id,
        audience={},
        subject=automation.subject,
        body=automation.body,
        version=automation.version,
        author_id=automation.author_id,
        approver_organization_id=automation.approver_organization_id,
        state=BroadcastState.DRAFT,
    )


def check_words(kind: Kind, subject: str, body: str) -> None:
    """Refuse what would be sent as it stands, and what nobody knows of somebody who has not confirmed."""
    updates.check_words(subject, body)
    if kind is Kind.WELCOME:
        return
    problems = {
        name: "Nobody's official is known before they confirm. Take {official} out of a reminder."
        for name, words in (("subject", subject), ("body", body))
        if any(one.field is updates.Field.OFFICIAL for one in updates.fields_in(words))
    }
    if problems:
        raise Invalid(problems)


def named(automation: Automation) -> str:
    """How the trail and sentences name it."""
    return f"the welcome of {automation.organization.name}" if automation.is_welcome else "the reminder"


def must_be_the_words_read(automation: Automation, based_on: int | None) -> None:
    """Refuse to write over words that were saved after the form was opened."""
    if based_on is not None and based_on != automation.version:
        raise Conflict(
            "Somebody else saved this letter while you wrote. Your words stand below and are not saved: open the "
            "letter in another tab, take over what you need, then save here."
        )


def must_be_approvable(automation: Automation, version: int, account_id: int | None) -> None:
    """A second person approves exactly the words that were shown to them."""
    if version != automation.version:
        raise Conflict("The words changed while you read them. Read them again, then approve.")
    if account_id is None or account_id == automation.author_id:
        raise Conflict("Somebody other than its author approves a letter. Ask a colleague or another member group.")


def must_be_the_words_shown(automation: Automation, version: int | None) -> None:
    """Refuse to let other words go out by themselves than those on the screen where it was decided."""
    if version is not None and version != automation.version:
        raise Conflict("The words changed while you looked at them. It is still off; review it again.")


def must_be_approved(automation: Automation, *, elsewhere: bool) -> None:
    """Only approved words go out by themselves; with ``elsewhere``, approved by another organization."""
    if not automation.approved:
        raise Conflict("These words have not been approved. Ask a second person to approve them, then switch it on.")
    if elsewhere and automation.approver_organization_id in {None, automation.organization_id}:
        raise Conflict(
            "The coalition now asks for the approval of another organization. Save the letter again, then ask a "
            "person of another member group to approve it."
        )
