"""A coalition at a glance, what it settled, and forming one."""

from __future__ import annotations

from zoneinfo import available_timezones

from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from app.coalitions import commands, queries
from app.coalitions.commands import CoalitionSettings, NewCoalition, NewInvitation, NewOrganization
from app.coalitions.models import Coalition, Role
from app.coalitions.roles import Right
from app.coalitions.views.frame import blueprint
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import Invalid, NotFound
from app.web.forms import form_state, posted, redisplays, typed
from app.web.pages import page, see_other
from app.web.security import actor, signed_in

FIRST_ZONES = [
    *("America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles"),
    *("America/Anchorage", "Pacific/Honolulu", "UTC"),
]
REGIONS = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")


def _zones() -> list[tuple[str, str]]:
    others = sorted(name for name in available_timezones() if name.startswith(REGIONS) and name not in FIRST_ZONES)
    return [(name, name.replace("_", " ")) for name in [*FIRST_ZONES, *others]]


@blueprint.get("/work/<coalition>")
@signed_in
def overview(coalition: str) -> ResponseReturnValue:
    """Who is in it, what I am in it, and what waits."""
    with reading() as session:
        ours = queries.coalition_for(session, coalition, by=actor())
        places = queries.parties(session, ours.id)
        now = utc_now()
        organizing = queries.holds(session, ours.id, by=actor(), right=Right.INVITE_ORGANIZATIONS)
        waiting = [row for row in queries.invitations(session, coalition_id=ours.id) if row.usable(now)]
        return page(
            "coalitions/overview.html",
            coalition=ours,
            demo=ours.is_demo,
            joined=[place for place in places if place.joined_at],
            absent=[place for place in places if not place.joined_at],
            waiting=waiting if organizing else [],
            organizing=organizing,
            may_read_audit=queries.holds(session, ours.id, by=actor(), right=Right.READ_AUDIT),
            may_organize=queries.holds(session, ours.id, by=actor(), right=Right.ORGANIZE),
            mine=queries.my_memberships(session, ours.id, by=actor()),
        )


@blueprint.get("/work/new")
@signed_in
def new() -> ResponseReturnValue:
    """Form a coalition around an organization of mine; an operator also around a new one."""
    with reading() as session:
        mine = queries.organizations_administered(session, by=actor())
        if not mine and not current_user.is_operator:
            raise NotFound
        leads = [(one.slug, one.name) for one in mine]
        form = form_state({"zone": FIRST_ZONES[0], "lead": leads[0][0] if leads else ""})
        return page("coalitions/new.html", form=form, leads=leads, zones=_zones(), may_add=current_user.is_operator)


@blueprint.post("/work/new")
@signed_in
@redisplays(new)
def create() -> ResponseReturnValue:
    """Form it; a new lead's first admin is invited in the same act."""
    entry = posted(NewCoalition).model_copy(update={"is_demo": False})
    with transaction() as session:
        if typed("lead"):
            lead = queries.organization_for(session, typed("lead"), by=actor(), right=Right.MANAGE_PEOPLE)
            coalition = commands.create_coalition(session, entry, lead, by=actor(), now=utc_now())
            return see_other(f"/work/{coalition.slug}", f"{coalition.name} is formed. Now bring in organizations.")
        coalition = _with_new_lead(session, entry)
    return see_other("/work/new", f"{coalition.name} is formed. Its lead was invited by e-mail.")


def _with_new_lead(session: Session, entry: NewCoalition) -> Coalition:
    names = {"name": "lead_name", "email": "admin_email"}
    form = {key: typed(field) for key, field in names.items()}
    try:
        lead = NewOrganization.of({"name": form["name"]})
        first = NewInvitation.of({"email": form["email"], "role": Role.ADMIN})
        coalition = commands.create_coalition(session, entry, lead, by=actor(), now=utc_now())
    except Invalid as refusal:
        raise Invalid({names.get(key, key): sentence for key, sentence in refusal.problems.items()}) from refusal
    group = queries.parties(session, coalition.id)[0].organization
    commands.invite(session, coalition, group, first, by=actor(), now=utc_now())
    return coalition


@blueprint.get("/work/<coalition>/settings")
@signed_in
def settings(coalition: str) -> ResponseReturnValue:
    """How updates are approved in this coalition."""
    with reading() as session:
        ours = queries.coalition_for(session, coalition, by=actor(), right=Right.ORGANIZE)
        form = form_state({"other_organization_approves": "yes" if ours.other_organization_approves else ""})
        return page("coalitions/settings.html", coalition=ours, demo=ours.is_demo, form=form)


@blueprint.post("/work/<coalition>/settings")
@signed_in
@redisplays(settings)
def settle_coalition(coalition: str) -> ResponseReturnValue:
    """Settle it."""
    with transaction() as session:
        ours = queries.coalition_for(session, coalition, by=actor(), right=Right.ORGANIZE)
        commands.settle_coalition(session, ours, posted(CoalitionSettings), by=actor(), now=utc_now())
    return see_other(f"/work/{coalition}", "The settings are saved.")
