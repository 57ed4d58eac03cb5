"""The letters of drafting: asking an organization for its answer."""

from __future__ import annotations

from app.accounts.models import Account
from app.coalitions.models import Organization
from app.core.markup import to_plain
from app.mail.message import Message, Priority
from app.statements.models import Revision, Statement

BEGINNING = 600


def review_request(statement: Statement, revision: Revision, person: Account, organization: Organization) -> Message:
    """To somebody who answers for an organization: the text is ready to be answered."""
    coalition = statement.campaign.coalition
    plain = to_plain(revision.text)
    return Message(
        to=person.email,
        to_name=person.name,
        template="statements/mail/review",
        context={
            "person": person.name,
            "organization": organization.name,
            "coalition": coalition.name,
            "sender_name": coalition.name,
            "campaign": statement.campaign.title,
            "title": statement.title,
            "number": revision.number,
            "beginning": plain if len(plain) <= BEGINNING else plain[:BEGINNING].rsplit(" ", 1)[0] + " …",
            "answer_path": f"/work/{coalition.slug}/statements/{statement.slug}/answer",
            "demo": coalition.is_demo,
        },
        priority=Priority.RECEIPT,
        from_name=coalition.name,
    )
