"""The letters of drafting: asking an organization for its answer."""

from __future__ import annotations

from app.accounts.models import Account
from app.coalitions.models import Organization
from app.core.markup import beginning
from app.mail.message import Message, Priority
from app.statements.models import Revision, Statement
from app.statements.rules import without_title

BEGINNING = 600


def review_request(statement: Statement, revision: Revision, person: Account, organization: Organization) -> Message:
    """To somebody who answers for an organization: the text is ready to be answered."""
    coalition = statement.campaign.coalition
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
            "beginning": beginning(without_title(statement.title, revision.text), BEGINNING),
            "answer_path": f"/work/{coalition.slug}/statements/{statement.slug}/answer",
        },
        priority=Priority.RECEIPT,
        from_name=coalition.name,
        demo=coalition.is_demo,
    )
