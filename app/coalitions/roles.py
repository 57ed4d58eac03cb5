"""Who may do what: one table. A right is held through a role in an organization; some only in a lead organization."""

from __future__ import annotations

from enum import Enum

from app.coalitions.models import PartyRole, Role


class Right(Enum):
    """An act that needs a role."""

    SEE = "see the workroom of the coalition"
    COMMENT = "comment and suggest changes to a draft"
    DRAFT = "save revisions of a draft"
    TAKE_POSITION = "answer for the organization in a review"
    SIGN = "put the organization's name to a statement, correct it, withdraw it"
    REACT = "put the organization's words beside an event of the timeline"
    WRITE_UPDATE = "write an update in the organization's name"
    APPROVE_UPDATE = "approve an update that somebody else wrote"
    MANAGE_PEOPLE = "invite colleagues, change their roles, edit the organization"
    ORGANIZE = "run campaigns, targets, statements, petitions and deliveries"
    INVITE_ORGANIZATIONS = "invite organizations into the coalition"
    READ_AUDIT = "read the audit trail"


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.SEE}),
    Role.DRAFTER: frozenset(
        {
            Right.SEE,
            Right.COMMENT,
            Right.DRAFT,
            Right.REACT,
            Right.WRITE_UPDATE,
            Right.ORGANIZE,
            Right.INVITE_ORGANIZATIONS,
            Right.READ_AUDIT,
        }
    ),
    Role.SIGNATORY: frozenset(
        {Right.SEE, Right.COMMENT, Right.TAKE_POSITION, Right.SIGN, Right.REACT, Right.APPROVE_UPDATE}
    ),
    Role.ADMIN: frozenset(Right),
}

ONLY_IN_A_LEAD = frozenset({Right.ORGANIZE, Right.INVITE_ORGANIZATIONS, Right.READ_AUDIT})


def roles_with(right: Right) -> frozenset[Role]:
    """The roles that hold a right."""
    return frozenset(role for role, rights in RIGHTS.items() if right in rights)


def parties_with(right: Right) -> frozenset[PartyRole]:
    """The places in a coalition from which a right can be held."""
    return frozenset({PartyRole.LEAD}) if right in ONLY_IN_A_LEAD else frozenset(PartyRole)


def allows(role: Role, party: PartyRole, right: Right) -> bool:
    """Whether somebody in this role of an organization in this place holds the right."""
    return right in RIGHTS[role] and party in parties_with(right)
