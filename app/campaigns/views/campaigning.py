"""Starting a campaign, its page, its words and targets, going live, ending."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from app.campaigns import commands, queries
from app.campaigns.views.shared import PAGE, ROOT, at, blueprint, common, found
from app.coalitions.queries import coalition_for, rights_of
from app.coalitions.roles import Right
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.targets.queries import chosen, targets_of
from app.targets.rules import heads, spoken
from app.web.forms import form_state, posted, redisplays
from app.web.pages import page, see_other
from app.web.security import actor, signed_in


def _ticked() -> list[int]:
    """The targets that were chosen in the form."""
    return [int(value) for value in request.form.getlist("targets") if value.isdecimal() and len(value) < 15]


@blueprint.get(ROOT)
@signed_in
def index(coalition: str) -> ResponseReturnValue:
    """The coalition's campaigns."""
    with reading() as session:
        ours = coalition_for(session, coalition, by=actor())
        campaigns = queries.campaigns_of(session, ours.id)
        return page(
            "campaigns/index.html",
            coalition=ours,
            demo=ours.is_demo,
            campaigns=campaigns,
            to={one.id: spoken(one.targets) for one in campaigns},
            may_organize=Right.ORGANIZE in rights_of(session, ours.id, by=actor()),
        )


@blueprint.get(f"{ROOT}/new")
@signed_in
def new(coalition: str) -> ResponseReturnValue:
    """The form that begins a campaign."""
    with reading() as session:
        ours = coalition_for(session, coalition, by=actor(), right=Right.ORGANIZE)
        return page(
            "campaigns/new.html",
            coalition=ours,
            demo=ours.is_demo,
            targets=targets_of(session, ours.id),
            form=form_state({"title": "", "demand": "", "targets": []}),
        )


@blueprint.post(f"{ROOT}/new")
@signed_in
@redisplays(new)
def start(coalition: str) -> ResponseReturnValue:
    """Write it down."""
    entry = posted(commands.NewCampaign)
    with transaction() as session:
        ours = coalition_for(session, coalition, by=actor(), right=Right.ORGANIZE)
        targets = chosen(session, ours.id, _ticked())
        row = commands.start_campaign(session, ours, entry, targets, by=actor(), now=utc_now())
        path = at(coalition, row.slug)
    return see_other(path, "The campaign is written down. Only the coalition sees it until it goes live.")


@blueprint.get(PAGE)
@signed_in
def show(coalition: str, slug: str) -> ResponseReturnValue:
    """The demand, its targets, what they promised, and the way to everything else of the campaign."""
    with reading() as session:
        row = found(session, coalition, slug)
        return page(
            "campaigns/show.html",
            **common(session, row),
            heads=heads(row.targets),
            commitments=queries.timeline(session, row.id),
            form=form_state(),
        )


@blueprint.get(f"{PAGE}/edit")
@signed_in
def edit(coalition: str, slug: str) -> ResponseReturnValue:
    """The demand and its targets in a form."""
    with reading() as session:
        row = found(session, coalition, slug, Right.ORGANIZE)
        initial = {"title": row.title, "demand": row.demand, "targets": [target.id for target in row.targets]}
        return page(
            "campaigns/edit.html",
            **common(session, row),
            targets=targets_of(session, row.coalition_id),
            form=form_state(initial),
        )


@blueprint.post(f"{PAGE}/edit")
@signed_in
@redisplays(edit)
def save(coalition: str, slug: str) -> ResponseReturnValue:
    """Save both."""
    entry = posted(commands.NewCampaign)
    with transaction() as session:
        row = found(session, coalition, slug, Right.ORGANIZE)
        commands.edit_campaign(session, row, entry, by=actor(), now=utc_now())
        targets = chosen(session, row.coalition_id, _ticked())
        commands.choose_targets(session, row, targets, by=actor(), now=utc_now())
    return see_other(at(coalition, slug), "Saved.")


@blueprint.post(f"{PAGE}/live")
@signed_in
@redisplays(show)
def live(coalition: str, slug: str) -> ResponseReturnValue:
    """Publish it."""
    with transaction() as session:
        row = found(session, coalition, slug, Right.ORGANIZE)
        commands.go_live(session, row, by=actor(), now=utc_now())
    return see_other(at(coalition, slug), "The campaign is public now.")


@blueprint.post(f"{PAGE}/finish")
@signed_in
@redisplays(show)
def finish(coalition: str, slug: str) -> ResponseReturnValue:
    """End it."""
    entry = posted(commands.Ending)
    with transaction() as session:
        row = found(session, coalition, slug, Right.ORGANIZE)
        commands.finish(session, row, entry, by=actor(), now=utc_now())
    return see_other(at(coalition, slug), f"The campaign is {entry.outcome}. Its pages stay.")
