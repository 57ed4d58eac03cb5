"""Every write to coalitions and organizations."""

from app.coalitions.commands.forming import (
    NewCoalition,
    NewOrganization,
    NewParty,
    OrganizationFacts,
    add_organization,
    add_party,
    create_coalition,
    edit_organization,
)
from app.coalitions.commands.importing import import_organizations, read_organizations, take_organizations
from app.coalitions.commands.inviting import (
    InvitationOver,
    NewInvitation,
    invitation_behind,
    invitation_path,
    invite,
    invite_contacts,
    resend_invitation,
    revoke_invitation,
)
from app.coalitions.commands.joining import Acceptance, accept_invitation
from app.coalitions.commands.people import NewRole, change_role, remove_member
from app.coalitions.commands.settling import CoalitionSettings, settle_coalition

__all__ = [
    "Acceptance",
    "CoalitionSettings",
    "InvitationOver",
    "NewCoalition",
    "NewInvitation",
    "NewOrganization",
    "NewParty",
    "NewRole",
    "OrganizationFacts",
    "accept_invitation",
    "add_organization",
    "add_party",
    "change_role",
    "create_coalition",
    "edit_organization",
    "import_organizations",
    "invitation_behind",
    "invitation_path",
    "invite",
    "invite_contacts",
    "read_organizations",
    "remove_member",
    "resend_invitation",
    "revoke_invitation",
    "settle_coalition",
    "take_organizations",
]
