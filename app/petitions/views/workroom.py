"""Petitions for organizers: start, open, watch, report, close; and each organization's own signers as a table."""

from __future__ import annotations

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.campaigns.models import Campaign
from app.campaigns.queries import campaign_for
from app.coalitions.models import Organization
from app.coalitions.queries import coalition_for, organization_for, organizations_acting, parties, rights_of
from app.coalitions.roles import Right
from app.core.clock import local, utc_now
from app.core.db import LOT, in_lots, reading, transaction
from app.core.errors import Invalid, NotFound
from app.deliveries.rules import recipients
from app.petitions import commands, exports, queries
from app.petitions.models import Petition, Signature
from app.petitions.views.base import blueprint
from app.web.forms import form_state, posted, redisplays
from app.web.pages import page, see_other, stream
from app.web.security import actor, signed_in

WORDS = "May {name} write to you with news of this campaign?"
CHOICES = 5


@blueprint.get("/work/<coalition>/campaigns/<campaign>/petitions/new")
@signed_in
def new_petition(coalition: str, campaign: str) -> ResponseReturnValue:
    """The empty form."""
    by = actor()
    with reading() as session:
        found = campaign_for(session, campaign, by=by, right=Right.ORGANIZE, within=coalition)
        return _form(session, found, coalition, {"goal": "100"})


@blueprint.post("/work/<coalition>/campaigns/<campaign>/petitions/new")
@signed_in
@redisplays(new_petition)
def start_petition(coalition: str, campaign: str) -> ResponseReturnValue:
    """Write the petition down as a draft."""
    by, entry = actor(), posted(commands.NewPetition)
    with transaction() as session:
        found = campaign_for(session, campaign, by=by, right=Right.ORGANIZE, within=coalition)
        petition = commands.start_petition(session, found, entry, _asks(session, found), by=by, now=utc_now())
    return see_other(_path(coalition, petition), "The draft is saved. Read it once more, then open it.")


@blueprint.get("/work/<coalition>/petitions")
@signed_in
def index(coalition: str) -> ResponseReturnValue:
    """The coalition's petitions and how many stand under each."""
    with reading() as session:
        ours = coalition_for(session, coalition, by=actor())
        found = queries.petitions_in(session, ours.id)
        return page("petitions/list.html", coalition=ours, demo=ours.is_demo, petitions=found)


@blueprint.get("/work/<coalition>/petitions/<slug>")
@signed_in
def petition_page(coalition: str, slug: str) -> ResponseReturnValue:
    """How a petition stands, and its one next act."""
    by = actor()
    with reading() as session:
        found = queries.petition_for(session, slug, by=by, coalition=coalition)
        states = queries.states(session, found.id)
        return page(
            "petitions/workroom.html",
            coalition=found.campaign.coalition,
            demo=found.campaign.coalition.is_demo,
            petition=found,
            states={state.value: count for state, count in states.items()},
            received=sum(states.values()),
            duplicates=queries.duplicates(session, found.id),
            per_day=[(f"{day:%B} {day.day}", number) for day, number in queries.per_day(session, found)],
            asked=queries.answers_by_organization(session, found),
            comments=queries.recent_comments(session, found.id),
            reports=queries.reports(session, found.id),
            organizes=Right.ORGANIZE in rights_of(session, found.campaign.coalition_id, by=by),
            own=[
                group.id
                for group in organizations_acting(session, found.campaign.coalition_id, by=by, right=Right.WRITE_UPDATE)
            ],
            form=form_state(),
        )


@blueprint.get("/work/<coalition>/petitions/<slug>/edit")
@signed_in
def edit_petition(coalition: str, slug: str) -> ResponseReturnValue:
    """The form with the draft's words."""
    by = actor()
    with reading() as session:
        found = queries.petition_for(session, slug, by=by, right=Right.ORGANIZE, coalition=coalition)
        initial: dict[str, Any] = {"title": found.title, "text": found.text, "goal": str(found.goal)}
        if found.closes_at is not None:
            initial["closes"] = local(found.closes_at, found.campaign.coalition.zone).date().isoformat()
        initial["asks"] = [str(ask.organization_id) for ask in found.asks]
        return _form(session, found.campaign, coalition, initial, found)


@blueprint.post("/work/<coalition>/petitions/<slug>/edit")
@signed_in
@redisplays(edit_petition)
def change_petition(coalition: str, slug: str) -> ResponseReturnValue:
    """Change a draft."""
    by, entry = actor(), posted(commands.NewPetition)
    with transaction() as session:
        found = queries.petition_for(session, slug, by=by, right=Right.ORGANIZE, coalition=coalition)
        commands.edit_petition(session, found, entry, _asks(session, found.campaign), by=by, now=utc_now())
    return see_other(_path(coalition, found), "The draft is saved.")


@blueprint.post("/work/<coalition>/petitions/<slug>/open")
@signed_in
@redisplays(petition_page)
def open_petition(coalition: str, slug: str) -> ResponseReturnValue:
    """Let people sign."""
    by = actor()
    with transaction() as session:
        found = queries.petition_for(session, slug, by=by, right=Right.ORGANIZE, coalition=coalition)
        commands.open_petition(session, found, by=by, now=utc_now())
    return see_other(_path(coalition, found), "The petition is open.")


@blueprint.post("/work/<coalition>/petitions/<slug>/close")
@signed_in
@redisplays(petition_page)
def close_petition(coalition: str, slug: str) -> ResponseReturnValue:
    """Take no more signatures."""
    by = actor()
    with transaction() as session:
        found = queries.petition_for(session, slug, by=by, right=Right.ORGANIZE, coalition=coalition)
        commands.close_petition(session, found, by=by, now=utc_now())
    return see_other(_path(coalition, found), "The petition is closed. Confirmations already mailed still count.")


@blueprint.get("/work/<coalition>/petitions/<slug>/report")
@signed_in
def review_report(coalition: str, slug: str) -> ResponseReturnValue:
    """What the report says and to whom it goes, before it goes."""
    by = actor()
    with reading() as session:
        found = queries.petition_for(session, slug, by=by, right=Right.ORGANIZE, coalition=coalition)
        return page(
            "petitions/report.html",
            coalition=found.campaign.coalition,
            demo=found.campaign.coalition.is_demo,
            petition=found,
            reports=queries.reports(session, found.id),
            places=queries.by_place(session, found.id),
            comments=queries.recent_comments(session, found.id),
            targets=recipients(found.campaign.targets),
            form=form_state(),
        )


@blueprint.post("/work/<coalition>/petitions/<slug>/report")
@signed_in
@redisplays(review_report)
def send_report(coalition: str, slug: str) -> ResponseReturnValue:
    """Report to the targets."""
    by = actor()
    with transaction() as session:
        found = queries.petition_for(session, slug, by=by, right=Right.ORGANIZE, coalition=coalition)
        commands.send_report(session, found, by=by, now=utc_now())
    return see_other(_path(coalition, found), "The report is being made and goes to every target with an address.")


@blueprint.get("/work/<coalition>/petitions/<slug>/signers/<organization>.csv")
@signed_in
def signers(coalition: str, slug: str, organization: str) -> ResponseReturnValue:
    """The people who said yes to one's own organization."""
    by = actor()
    with reading() as session:
        found = queries.petition_for(session, slug, by=by, coalition=coalition)
        group = organization_for(session, organization, by=by, right=Right.WRITE_UPDATE)
        petition_id, group_id = found.id, group.id

    def lot(session: Session, last: int | None) -> list[Signature]:
        return queries.consenting(session, petition_id, group_id, after=last, limit=LOT)

    return stream(exports.signers(in_lots(lot)), f"{slug}-{organization}.csv", "text/csv")


def _path(coalition: str, petition: Petition) -> str:
    return f"/work/{coalition}/petitions/{petition.slug}"


def _asks(session: Session, campaign: Campaign) -> list[commands.Ask]:
    """The organizations chosen on the form, each with the words that will be shown."""
    members = {str(group.id): group for group in _members(session, campaign)}
    chosen = [members[ident] for ident in dict.fromkeys(request.form.getlist("asks")) if ident in members]
    if len(chosen) > CHOICES:
        raise Invalid({"asks": f"Choose at most {CHOICES}: a form that asks more questions is not answered."})
    return [(organization, WORDS.format(name=organization.name)) for organization in chosen]


def _members(session: Session, campaign: Campaign) -> list[Organization]:
    """Who may ask signers for consent: whoever joined; an invitation is not yet a membership."""
    return [place.organization for place in parties(session, campaign.coalition_id) if place.joined_at is not None]


def _form(
    session: Session, campaign: Campaign, coalition: str, initial: dict[str, Any], petition: Petition | None = None
) -> str:
    if campaign.coalition.slug != coalition:
        raise NotFound
    return page(
        "petitions/edit.html",
        coalition=campaign.coalition,
        demo=campaign.coalition.is_demo,
        campaign=campaign,
        petition=petition,
        action=request.path,
        members=[(str(group.id), group.name) for group in _members(session, campaign)],
        form=form_state(initial),
    )
