"""The letters of a sign-on: the request, the receipt, the notice to the organization, and what became of it all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.coalitions.queries import public_address
from app.core.clock import spoken
from app.core.markup import beginning
from app.deliveries.rules import SAYS
from app.mail import outbox
from app.mail.message import Message, Priority
from app.signons import queries
from app.signons.rules import withdraw_until
from app.statements.rules import without_title

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.accounts.models import Account
    from app.deliveries.models import Delivery
    from app.signons.models import Edition, SignOn, SignOnRequest
    from app.statements.models import Statement

REQUEST = "signons/mail/request"
BEGINNING = 900
RECEIPTS = {
    "signed": "signons/mail/signed",
    "corrected": "signons/mail/corrected",
    "withdrawn": "signons/mail/withdrawn",
}


outbox.asked_at_the_door(REQUEST)(queries.unwanted)


def _shared(statement: Statement) -> dict[str, Any]:
    coalition = statement.campaign.coalition
    until = withdraw_until(statement)
    return {
        "coalition": coalition.name,
        "title": statement.title,
        "digest": statement.digest or "",
        "deadline": spoken(statement.deadline, coalition.zone) if statement.deadline else "",
        "withdraw_until": spoken(until, coalition.zone) if until else "",
        "public_path": f"/statements/{statement.slug}",
    }


def request(session: Session, asked: SignOnRequest, *, now: datetime) -> Message:
    """To an organization's contact: please read these words and say yes or no."""
    statement = asked.statement
    coalition = statement.campaign.coalition
    words = statement.frozen_revision.text if statement.frozen_revision else ""
    return Message(
        to=asked.email,
        to_name=asked.name,
        template=REQUEST,
        context={
            **_shared(statement),
            "name": asked.name,
            "organization": asked.organization.name,
            "again": asked.sent_times > 1,
            "beginning": beginning(without_title(statement.title, words), BEGINNING),
            "answer_path": queries.request_link(asked, now=now),
        },
        priority=Priority.RECEIPT,
        from_name=coalition.name,
        demo=coalition.is_demo,
        reply_to=public_address(session, coalition.id),
    )


def receipt(session: Session, sign_on: SignOn, kind: str, *, now: datetime) -> Message:
    """To the signatory: what stands now. ``kind`` is one of ``RECEIPTS``."""
    coalition = sign_on.statement.campaign.coalition
    return Message(
        to=sign_on.signatory_email,
        to_name=sign_on.signatory_name,
        template=RECEIPTS[kind],
        context={
            **_shared(sign_on.statement),
            "organization": sign_on.organization.name,
            "listed_as": sign_on.listed_as,
            "signatory": sign_on.signatory,
            "attestation": sign_on.attestation,
            "at": spoken(sign_on.changed_at, coalition.zone),
            "receipt_path": queries.manage_link(sign_on, now=now),
        },
        priority=Priority.RECEIPT,
        from_name=coalition.name,
        demo=coalition.is_demo,
        reply_to=public_address(session, coalition.id),
    )


def notice(session: Session, sign_on: SignOn, address: str, *, now: datetime) -> Message:
    """To the organization's public address: your name was added. If that was not you, say so."""
    coalition = sign_on.statement.campaign.coalition
    return Message(
        to=address,
        to_name=sign_on.organization.name,
        template="signons/mail/notice",
        context={
            **_shared(sign_on.statement),
            "organization": sign_on.organization.name,
            "listed_as": sign_on.listed_as,
            "signatory": sign_on.signatory,
            "at": spoken(sign_on.changed_at, coalition.zone),
            "dispute_path": queries.dispute_link(sign_on, now=now),
        },
        priority=Priority.RECEIPT,
        from_name=coalition.name,
        demo=coalition.is_demo,
        reply_to=public_address(session, coalition.id),
    )


def _to_organizer(statement: Statement, reader: Account, template: str, **words: str) -> Message:
    coalition = statement.campaign.coalition
    return Message(
        to=reader.email,
        to_name=reader.name,
        template=template,
        context={
            **_shared(statement),
            **words,
            "answers_path": f"/work/{coalition.slug}/statements/{statement.slug}/sign-ons",
        },
        priority=Priority.RECEIPT,
        from_name=coalition.name,
        demo=coalition.is_demo,
    )


def disputed(sign_on: SignOn, reader: Account, *, printed: bool) -> Message:
    """To an organizer: an organization says that it did not sign. ``printed``: its name is in a letter already set."""
    return _to_organizer(
        sign_on.statement,
        reader,
        "signons/mail/disputed",
        organization=sign_on.organization.name,
        listed_as=sign_on.listed_as,
        signatory=sign_on.signatory,
        reason=sign_on.reason,
        printed="yes" if printed else "",
    )


def nobody_signed(statement: Statement, reader: Account) -> Message:
    """To an organizer: the sign-on closed without a single name, so nothing goes out."""
    return _to_organizer(statement, reader, "signons/mail/nobody_signed")


def delivered(session: Session, edition: Edition, sign_on: SignOn, deliveries: Sequence[Delivery]) -> Message:
    """To a signatory: where the letter went, in words that say no more than is known."""
    coalition = edition.statement.campaign.coalition
    return Message(
        to=sign_on.signatory_email,
        to_name=sign_on.signatory_name,
        template="signons/mail/delivered",
        context={
            **_shared(edition.statement),
            "organization": sign_on.organization.name,
            "number": len(edition.names),
            "deliveries": [{"target": one.target.name, "says": SAYS[one.state]} for one in deliveries],
            "pdf_path": f"/statements/{edition.statement.slug}.pdf",
        },
        priority=Priority.RECEIPT,
        from_name=coalition.name,
        demo=coalition.is_demo,
        reply_to=public_address(session, coalition.id),
    )
