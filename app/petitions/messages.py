"""The letters to signers. They go to the mailbox's owner only, and say what a page must not."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.mail.message import Message, Priority
from app.petitions.models import Petition, Signature
from app.petitions.rules import CONFIRM_WITHIN, confirm_path

REMINDER = "petitions/mail/reminder"
# A link that would arrive on its last day only makes its reader sign once more.
LEAST_LEFT = timedelta(days=1)


def confirm(signature: Signature, *, now: datetime) -> Message:
    """Asks the owner of the mailbox whether the signature is theirs."""
    return Message(
        to=signature.email,
        to_name=f"{signature.given_name} {signature.family_name}",
        template="petitions/mail/confirm",
        context=_words(signature) | {"confirm_path": confirm_path(signature, now)},
        priority=Priority.CONFIRMATION,
        from_name=signature.petition.campaign.coalition.name,
        demo=signature.petition.campaign.coalition.is_demo,
        language=signature.language,
        useless_after=now + CONFIRM_WITHIN - LEAST_LEFT,
    )


def reminder(signature: Signature, subject: str, markdown: str, *, now: datetime) -> Message:
    """Asks once more, in the words of whoever runs the petition. It must not come twice, so it is not repeatable."""
    return Message(
        to=signature.email,
        to_name=f"{signature.given_name} {signature.family_name}",
        template=REMINDER,
        context=_reminding(signature.petition, subject, markdown) | {"confirm_path": confirm_path(signature, now)},
        priority=Priority.CONFIRMATION,
        from_name=signature.petition.campaign.coalition.name,
        demo=signature.petition.campaign.coalition.is_demo,
        repeatable=False,
        language=signature.language,
        useless_after=now + CONFIRM_WITHIN - LEAST_LEFT,
    )


def reminder_test(petition: Petition, subject: str, markdown: str, *, to: str, name: str) -> Message:
    """The reminder as its author and pages see it: marked as a test, its link leads to the petition."""
    return Message(
        to=to,
        to_name=name,
        template=REMINDER,
        context=_reminding(petition, subject, markdown) | {"test": True, "confirm_path": f"/petitions/{petition.slug}"},
        priority=Priority.RECEIPT,
        from_name=petition.campaign.coalition.name,
        demo=petition.campaign.coalition.is_demo,
    )


def _reminding(petition: Petition, subject: str, markdown: str) -> dict[str, object]:
    return {
        "test": False,
        "subject_line": subject,
        "markdown": markdown,
        "title": petition.title,
        "coalition": petition.campaign.coalition.name,
    }


def already_signed(signature: Signature, *, now: datetime) -> Message:
    """Tells the owner of the mailbox that somebody tried again; the page said nothing of it."""
    return Message(
        to=signature.email,
        to_name=f"{signature.given_name} {signature.family_name}",
        template="petitions/mail/already_signed",
        context=_words(signature) | {"confirm_path": confirm_path(signature, now)},
        priority=Priority.RECEIPT,
        from_name=signature.petition.campaign.coalition.name,
        demo=signature.petition.campaign.coalition.is_demo,
        language=signature.language,
        useless_after=now + CONFIRM_WITHIN - LEAST_LEFT,
    )


def _words(signature: Signature) -> dict[str, str]:
    return {
        "given_name": signature.given_name,
        "title": signature.petition.title,
        "coalition": signature.petition.campaign.coalition.name,
        "petition_path": f"/petitions/{signature.petition.slug}",
    }
