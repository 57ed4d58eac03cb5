"""The welcome, and both letters as tests; the reminder itself is the petition's letter, in the words kept here."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from app.automations import queries
from app.automations.rules import WELCOMED_WITHIN
from app.broadcasts.rules import Values, fill_markdown, fill_subject
from app.mail import outbox
from app.mail.message import Message, Priority
from app.petitions import messages as petitions
from app.supporters.rules import preferences_path, stream, unsubscribe_path

if TYPE_CHECKING:
    from app.automations.models import Automation
    from app.petitions.models import Signature
    from app.supporters.models import Supporter


outbox.asked_at_the_door(petitions.REMINDER, "automations/mail/welcome")(queries.unwanted)


def welcome(
    automation: Automation, supporter: Supporter, signature: Signature, values: Values, *, now: datetime
) -> Message:
    """The welcome as who signed gets it: like an update of its sender, with the same ways to leave.

    A mailbox may be two people's; the name is the one under the signature.
    """
    return replace(
        _welcome(automation, values, manage_path=preferences_path(supporter.id, now), test=False),
        to=supporter.email,
        to_name=f"{signature.given_name} {signature.family_name}",
        stream=stream(automation.organization_id),
        unsubscribe_path=unsubscribe_path(supporter.id, automation.organization_id, now),
        language=signature.language,
        useless_after=(signature.validated_at or now) + WELCOMED_WITHIN,
    )


def preview(automation: Automation, values: Values) -> Message:
    """The letter to be looked at: its links of its reader's own lead nowhere."""
    if automation.is_welcome:
        letter = _welcome(automation, values, manage_path="/preferences/preview", test=False)
        return replace(letter, unsubscribe_path="/unsubscribe/preview")
    letter = test(automation, values, to="", name="")
    return replace(letter, context=letter.context | {"test": False, "confirm_path": "/confirm/preview"})


def test(automation: Automation, values: Values, *, to: str, name: str) -> Message:
    """The letter sent to somebody who works on it, marked as a test."""
    if automation.is_welcome:
        letter = _welcome(automation, values, manage_path="", test=True)
        return replace(letter, to=to, to_name=name, priority=Priority.RECEIPT, repeatable=True)
    subject, body = fill_subject(automation.subject, values), fill_markdown(automation.body, values)
    return petitions.reminder_test(automation.petition, subject, body, to=to, name=name)


def _welcome(automation: Automation, values: Values, *, manage_path: str, test: bool) -> Message:
    petition = automation.petition
    return Message(
        to="",
        to_name="",
        template="automations/mail/welcome",
        context={
            "test": test,
            "subject_line": fill_subject(automation.subject, values),
            "markdown": fill_markdown(automation.body, values),
            "title": petition.title,
            "organization": automation.organization.name,
            "petition_path": f"/petitions/{petition.slug}",
            "manage_path": manage_path,
        },
        priority=Priority.UPDATE,
        from_name=automation.organization.writes_as,
        demo=petition.campaign.coalition.is_demo,
        reply_to=automation.organization.public_email or "",
        repeatable=False,
    )
