"""The organizations of a coalition: who is in, who was asked, bringing in more, one by one or from a file."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from app.coalitions import commands, queries
from app.coalitions.commands import NewInvitation, NewOrganization, NewParty
from app.coalitions.models import Invitation, LegalStatus, PartyRole, Role, Scope
from app.coalitions.roles import Right
from app.coalitions.views.frame import LEGAL, PLACES, ROLES, SCOPES, blueprint, invitation_state
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import Invalid, NotFound
from app.core.tables import ImportResult, lots
from app.web.forms import form_state, posted, redisplays, typed
from app.web.pages import page, see_other
from app.web.security import actor, signed_in

INVITE = Right.INVITE_ORGANIZATIONS


@blueprint.get("/work/<coalition>/organizations")
@signed_in
def organizations(coalition: str) -> ResponseReturnValue:
    """The table; contacts and invitations only for those who may invite. ``?show=`` and ``?q=`` narrow it."""
    show, text, now = request.args.get("show", ""), request.args.get("q", "").strip(), utc_now()
    with reading() as session:
        ours = queries.coalition_for(session, coalition, by=actor())
        rows = queries.party_rows(session, ours.id, show=show, text=text, after=request.args.get("after", ""))
        shown = rows[: queries.PAGE]
        return page(
            "coalitions/organizations.html",
            coalition=ours,
            demo=ours.is_demo,
            organizing=queries.holds(session, ours.id, by=actor(), right=INVITE),
            rows=[(row, *invitation_state(row.invitation, now)) for row in shown],
            further=shown[-1].party.organization.name_normal if len(rows) > queries.PAGE else None,
            counts=queries.party_counts(session, ours.id),
            askable=queries.askable(session, ours.id, now=now),
            show=show,
            text=text,
        )


@blueprint.post("/work/<coalition>/organizations/invite")
@signed_in
def invite_contacts(coalition: str) -> ResponseReturnValue:
    """Invite every noted contact who was not asked yet."""
    with transaction() as session:
        ours = queries.coalition_for(session, coalition, by=actor(), right=INVITE)
        sent = commands.invite_contacts(session, ours, by=actor(), now=utc_now())
    words = "Nobody is left to invite." if not sent else f"{len(sent)} invitations are on their way."
    return see_other(f"/work/{coalition}/organizations", "One invitation is on its way." if len(sent) == 1 else words)


@blueprint.get("/work/<coalition>/organizations/new")
@signed_in
def new_organization(coalition: str) -> ResponseReturnValue:
    """Bring in one organization; one that is already on this site is offered instead of made twice."""
    with reading() as session:
        ours = queries.coalition_for(session, coalition, by=actor(), right=INVITE)
        first = {"role": PartyRole.PARTNER, "legal_status": LegalStatus.OTHER, "scope": Scope.LOCAL}
        form = form_state(first)
        known = queries.known_as(session, [str(form.values.get("name", ""))]) if form.errors else None
        return page(
            "coalitions/new_organization.html",
            coalition=ours,
            demo=ours.is_demo,
            form=form,
            known=known,
            legal=LEGAL,
            scopes=SCOPES,
            places=PLACES,
        )


@blueprint.post("/work/<coalition>/organizations/new")
@signed_in
@redisplays(new_organization)
def add_organization(coalition: str) -> ResponseReturnValue:
    """Add it, new or known."""
    with transaction() as session:
        ours = queries.coalition_for(session, coalition, by=actor(), right=INVITE)
        known = typed("known")
        if known:
            group = queries.organization_called(session, known)
            commands.add_party(session, ours, group, posted(NewParty), by=actor(), now=utc_now())
        else:
            group = commands.add_organization(session, ours, posted(NewOrganization), by=actor(), now=utc_now())
        path = f"/work/{coalition}/organizations/{group.slug}"
    return see_other(path, f"{group.name} is listed. It joins when somebody accepts an invitation.")


@blueprint.get("/work/<coalition>/organizations/import")
@signed_in
def import_form(coalition: str) -> ResponseReturnValue:
    """Choose a file."""
    with reading() as session:
        ours = queries.coalition_for(session, coalition, by=actor(), right=INVITE)
        return page("coalitions/import.html", coalition=ours, demo=ours.is_demo, form=form_state(), result=None)


@blueprint.post("/work/<coalition>/organizations/import")
@signed_in
@redisplays(import_form)
def import_file(coalition: str) -> ResponseReturnValue:
    """Take the good lines, name the bad ones. Sending the file again changes nothing, so the page may be reloaded."""
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Invalid({"file": "Choose a CSV file."})
    with reading() as session:
        ours = queries.coalition_for(session, coalition, by=actor(), right=INVITE)
    read = commands.read_organizations(file.read())
    result = ImportResult(problems=read.problems)
    for lot in lots(read.rows):
        with transaction() as session:
            ours = queries.coalition_for(session, coalition, by=actor(), right=INVITE)
            result.join(commands.take_organizations(session, ours, lot, by=actor(), now=utc_now()))
    form = form_state()
    return page("coalitions/import.html", coalition=ours, demo=ours.is_demo, form=form, result=result)


@blueprint.get("/work/<coalition>/organizations/<organization>")
@signed_in
def party(coalition: str, organization: str, **_acted_on: object) -> ResponseReturnValue:
    """One organization's place in the coalition: its contact and every invitation."""
    with reading() as session:
        ours = queries.coalition_for(session, coalition, by=actor(), right=INVITE)
        place = queries.party_called(session, ours.id, organization)
        now = utc_now()
        rows = queries.invitations(session, coalition_id=ours.id, organization_id=place.organization_id)
        first = {"email": place.contact_email, "name": place.contact_name, "role": Role.ADMIN}
        return page(
            "coalitions/party.html",
            coalition=ours,
            demo=ours.is_demo,
            party=place,
            people=len(queries.members(session, place.organization_id)),
            invitations=[(row, *invitation_state(row, now)) for row in rows],
            form=form_state(first),
            roles=ROLES,
        )


@blueprint.post("/work/<coalition>/organizations/<organization>/invitations")
@signed_in
@redisplays(party)
def invite(coalition: str, organization: str) -> ResponseReturnValue:
    """Invite somebody to bring the organization in."""
    with transaction() as session:
        ours = queries.coalition_for(session, coalition, by=actor(), right=INVITE)
        place = queries.party_called(session, ours.id, organization)
        entry = posted(NewInvitation)
        commands.invite(session, ours, place.organization, entry, by=actor(), now=utc_now())
    return see_other(
        f"/work/{coalition}/organizations/{organization}", f"The invitation to {entry.email} is on its way."
    )


@blueprint.post("/work/<coalition>/organizations/<organization>/invitations/<int:invitation>/<act>")
@signed_in
@redisplays(party)
def settle(coalition: str, organization: str, invitation: int, act: str) -> ResponseReturnValue:
    """Send an invitation again, or take it back."""
    with transaction() as session:
        ours = queries.coalition_for(session, coalition, by=actor(), right=INVITE)
        row = session.get(Invitation, invitation)
        if row is None or row.coalition_id != ours.id or row.organization.slug != organization:
            raise NotFound
        if act == "resend":
            commands.resend_invitation(session, row, by=actor(), now=utc_now())
            words = f"The invitation to {row.email} is on its way again. Earlier links stopped working."
        elif act == "revoke":
            commands.revoke_invitation(session, row, by=actor(), now=utc_now())
            words = f"The invitation to {row.email} is taken back."
        else:
            raise NotFound
    return see_other(f"/work/{coalition}/organizations/{organization}", words)
