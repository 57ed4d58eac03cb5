"""The letter to a target with the document, and the one that tells organizers what did not arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.deliveries.models import DocumentKind
from app.mail.message import Attachment, Message, Priority

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.accounts.models import Account
    from app.deliveries.models import Delivery, Document


def to_target(delivery: Delivery, address: str, *, reply_to: str) -> Message:
    """The document on its way to one target: sent once, kept byte for byte."""
    document = delivery.document
    coalition = document.campaign.coalition
    letter = document.kind is DocumentKind.EDITION
    return Message(
        to=address,
        to_name=delivery.target.addressed_as[:200],
        template="deliveries/mail/to_target",
        context={
            "addressed_as": delivery.target.addressed_as,
            "coalition": coalition.name,
            "title": document.title,
            "stands_behind": document.stands_behind,
            "summary": document.summary,
            "filename": document.filename,
            "digest": document.digest,
            "public_path": document.public_path,
            "verify_path": f"{document.public_path}/verify" if letter else "",
            "reply_to": reply_to,
        },
        priority=Priority.TARGET,
        from_name=coalition.name,
        demo=coalition.is_demo,
        reply_to=reply_to,
        repeatable=False,
        attachments=(Attachment(document.filename, "application/pdf", document.body),),
        keep_bytes=True,
    )


def trouble(document: Document, deliveries: Sequence[Delivery], reader: Account) -> Message:
    """What did not arrive and what to do about it, for one organizer."""
    coalition = document.campaign.coalition
    return Message(
        to=reader.email,
        to_name=reader.name,
        template="deliveries/mail/trouble",
        context={
            "coalition": coalition.name,
            "title": document.title,
            "items": [{"target": one.target.name, "detail": one.detail} for one in deliveries],
            "deliveries_path": f"/work/{coalition.slug}/deliveries",
        },
        priority=Priority.RECEIPT,
        from_name=coalition.name,
        demo=coalition.is_demo,
    )
