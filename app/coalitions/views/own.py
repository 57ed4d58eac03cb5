"""One's own organization: its people and their roles, colleagues invited, and what is publicly said of it."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from app.coalitions import commands, queries
from app.coalitions.commands import NewInvitation, NewRole, OrganizationFacts
from app.coalitions.models import Invitation, Role
from app.coalitions.roles import Right
from app.coalitions.views.frame import LEGAL, ROLES, SCOPES, blueprint, invitation_state
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import NotFound
from app.web.forms import form_state, posted, redisplays
from app.web.pages import page, see_other
from app.web.security import actor, signed_in

MANAGE = Right.MANAGE_PEOPLE


@blueprint.get("/organizations/<slug>")
@signed_in
def organization(slug: str, **_acted_on: object) -> ResponseReturnValue:
    """People, coalitions, facts."""
    now = utc_now()
    with reading() as session:
        ours = queries.organization_for(session, slug, by=actor())
        people = queries.members(session, ours.id)
        me = next(member for member in people if member.account_id == actor().account_id)
        admin = me.role is Role.ADMIN
        invited = queries.invitations(session, organization_id=ours.id) if admin else []
        return page(
            "coalitions/organization.html",
            organization=ours,
            people=people,
            me=me,
            admin=admin,
            coalitions=queries.parties_of(session, ours.id),
            invitations=[(row, *invitation_state(row, now)) for row in invited if row.accepted_at is None],
            form=form_state({"role": Role.VIEWER}),
            roles=ROLES,
            legal=dict(LEGAL),
        )


@blueprint.get("/organizations/<slug>/edit")
@signed_in
def edit_form(slug: str) -> ResponseReturnValue:
    """What is publicly said of the organization."""
    with reading() as session:
        ours = queries.organization_for(session, slug, by=actor(), right=MANAGE)
        first = {name: getattr(ours, name) for name in OrganizationFacts.model_fields if name != "aliases"}
        form = form_state({**first, "aliases": "\n".join(alias.name for alias in ours.aliases)})
        return page("coalitions/edit_organization.html", organization=ours, form=form, legal=LEGAL, scopes=SCOPES)


@blueprint.post("/organizations/<slug>/edit")
@signed_in
@redisplays(edit_form)
def edit(slug: str) -> ResponseReturnValue:
    """Change it."""
    with transaction() as session:
        ours = queries.organization_for(session, slug, by=actor(), right=MANAGE)
        commands.edit_organization(session, ours, posted(OrganizationFacts), by=actor(), now=utc_now())
    return see_other(f"/organizations/{slug}", "What is said of your organization is saved.")


@blueprint.post("/organizations/<slug>/invitations")
@signed_in
@redisplays(organization)
def invite_colleague(slug: str) -> ResponseReturnValue:
    """Invite a colleague with a role."""
    with transaction() as session:
        ours = queries.organization_for(session, slug, by=actor(), right=MANAGE)
        entry = posted(NewInvitation)
        commands.invite(session, None, ours, entry, by=actor(), now=utc_now())
    return see_other(f"/organizations/{slug}", f"The invitation to {entry.email} is on its way.")


@blueprint.post("/organizations/<slug>/invitations/<int:invitation>/<act>")
@signed_in
@redisplays(organization)
def settle_colleague(slug: str, invitation: int, act: str) -> ResponseReturnValue:
    """Send a colleague's invitation again, or take it back."""
    with transaction() as session:
        ours = queries.organization_for(session, slug, by=actor(), right=MANAGE)
        row = session.get(Invitation, invitation)
        if row is None or row.organization_id != ours.id or row.coalition_id is not None:
            raise NotFound
        if act == "resend":
            commands.resend_invitation(session, row, by=actor(), now=utc_now())
        elif act == "revoke":
            commands.revoke_invitation(session, row, by=actor(), now=utc_now())
        else:
            raise NotFound
    words = "is on its way again. Earlier links stopped working." if act == "resend" else "is taken back."
    return see_other(f"/organizations/{slug}", f"The invitation to {row.email} {words}")


@blueprint.post("/organizations/<slug>/people/<int:account>/role")
@signed_in
@redisplays(organization)
def change_role(slug: str, account: int) -> ResponseReturnValue:
    """Give a colleague another role."""
    with transaction() as session:
        ours = queries.organization_for(session, slug, by=actor())
        member = commands.change_role(session, ours, account, posted(NewRole), by=actor(), now=utc_now())
        words = f"{member.account.name} is {member.role.value} now."
    return see_other(f"/organizations/{slug}", words)


@blueprint.post("/organizations/<slug>/people/<int:account>/remove")
@signed_in
@redisplays(organization)
def remove(slug: str, account: int) -> ResponseReturnValue:
    """End a colleague's membership, or one's own."""
    with transaction() as session:
        ours = queries.organization_for(session, slug, by=actor())
        commands.remove_member(session, ours, account, by=actor(), now=utc_now())
        name = ours.name
    if account == actor().account_id:
        return see_other("/home", f"You left {name}.")
    return see_other(f"/organizations/{slug}", f"The membership in {name} is ended.")
