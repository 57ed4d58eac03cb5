"""The letters to people who are invited and to organizations in whose name something was done."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.coalitions.models import Coalition, Invitation, Organization
from app.core.clock import spoken
from app.mail.message import Message, Priority

# An invitation that would arrive on its last day only makes its reader ask for another.
LEAST_LEFT = timedelta(days=1)


def invitation(row: Invitation, path: str, inviter: str, reply_to: str) -> Message:
    """The invitation itself, into a coalition or to colleagues."""
    coalition = row.coalition
    return Message(
        to=row.email,
        to_name=row.name,
        template="coalitions/mail/invitation",
        context={
            "name": row.name,
            "inviter": inviter,
            "organization_name": row.organization.name,
            "coalition_name": coalition.name if coalition else "",
            "purpose": coalition.purpose if coalition else "",
            "role": row.role.value,
            "expires": spoken(row.expires_at, coalition.zone if coalition else "UTC"),
            "invitation_path": path,
        },
        priority=Priority.CONFIRMATION,
        from_name=coalition.name if coalition else row.organization.name,
        demo=bool(coalition and coalition.is_demo),
        reply_to=reply_to,
        useless_after=row.expires_at - LEAST_LEFT,
    )


def joined_notice(organization: Organization, coalition: Coalition, to: str, person: str, reply_to: str) -> Message:
    """Tells an organization's public address that somebody joined in its name."""
    return Message(
        to=to,
        to_name=organization.name,
        template="coalitions/mail/joined_notice",
        context={"organization_name": organization.name, "coalition_name": coalition.name, "person": person},
        priority=Priority.RECEIPT,
        reply_to=reply_to,
        demo=coalition.is_demo,
    )


def address_changed(organization: Organization, to: str, person: str, now: datetime) -> Message:
    """Tells an organization's old public address that notices go elsewhere from now on."""
    return Message(
        to=to,
        to_name=organization.name,
        template="coalitions/mail/address_changed",
        context={"organization_name": organization.name, "person": person, "at": spoken(now)},
        priority=Priority.RECEIPT,
        demo=False,  # the organization's own matter, in no coalition
    )
