"""The letters to signers. They go to the mailbox's owner only, and say what a page must not."""

from __future__ import annotations

from datetime import datetime

from app.mail.message import Message, Priority
from app.petitions.models import Signature
from app.petitions.rules import confirm_path


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
    )


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
    )


def _words(signature: Signature) -> dict[str, str]:
    return {
        "given_name": signature.given_name,
        "title": signature.petition.title,
        "coalition": signature.petition.campaign.coalition.name,
        "petition_path": f"/petitions/{signature.petition.slug}",
    }
