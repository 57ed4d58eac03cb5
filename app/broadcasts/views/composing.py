"""Writing an update and choosing its readers, with a count of them before anything is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import g, request
from flask.typing import ResponseReturnValue

from app.broadcasts import commands, queries, rules
from app.broadcasts.views.frame import ONE, back, blueprint
from app.campaigns.queries import campaign_for
from app.coalitions.queries import organizations_acting
from app.coalitions.roles import Right
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import Invalid
from app.core.inputs import LARGEST_ID, storable
from app.web.forms import FormState, asked, form_state, posted, redisplays
from app.web.pages import page, see_other
from app.web.security import actor, signed_in

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.broadcasts.models import Broadcast
    from app.campaigns.models import Campaign

ROOT = "/work/<coalition>/campaigns/<campaign>/updates"
NOT_COUNTED: dict[str, object] = {"reach": None, "reasons": []}


class Counted(rules.Audience):
    """The part of the form that says whom an update would reach."""

    organization_id: int | None = None


@blueprint.get(f"{ROOT}/new")
@signed_in
def new_update(coalition: str, campaign: str) -> ResponseReturnValue:
    """The empty form."""
    with reading() as session:
        found = campaign_for(session, campaign, by=actor(), right=Right.WRITE_UPDATE, within=coalition)
        return _form(session, found, None)


@blueprint.post(f"{ROOT}/new")
@signed_in
@redisplays(new_update)
def write_update(coalition: str, campaign: str) -> ResponseReturnValue:
    """Write the update down as a draft."""
    by, entry = actor(), posted(commands.NewBroadcast)
    with transaction() as session:
        found = campaign_for(session, campaign, by=by, right=Right.WRITE_UPDATE, within=coalition)
        broadcast = commands.compose(session, found, entry, by=by, now=utc_now())
    return see_other(f"/work/{coalition}/updates/{broadcast.id}", "The draft is saved.")


@blueprint.get(f"{ROOT}/reach")
@signed_in
def reach(coalition: str, campaign: str) -> ResponseReturnValue:
    """How many an audience reaches and why others are left out, as a piece of the form."""
    with reading() as session:
        found = campaign_for(session, campaign, by=actor(), right=Right.WRITE_UPDATE, within=coalition)
        try:
            return page("broadcasts/reach.html", faults=[], **_reach(session, found, asked(Counted)))
        except Invalid as refusal:
            return page("broadcasts/reach.html", faults=list(refusal.problems.values()), reach=None, reasons=[])


@blueprint.post(f"{ROOT}/reach")
@signed_in
def count_readers(coalition: str, campaign: str) -> ResponseReturnValue:
    """The form again with the count, where no script asks for it. Nothing is saved."""
    by, ident = actor(), request.form.get("broadcast_id", 0, type=int)
    given = {key: request.form.getlist(key) for key in request.form}
    values = {key: one if len(one) > 1 else str(storable(one[0])) for key, one in given.items()}
    with reading() as session:
        found = campaign_for(session, campaign, by=by, right=Right.WRITE_UPDATE, within=coalition)
        known = 0 < ident <= LARGEST_ID
        broadcast = queries.broadcast_for(session, coalition, ident, by=by) if known else None
        g.failed_form = FormState(values=values)
        try:
            return _form(session, found, broadcast, counting=posted(Counted))
        except Invalid as refusal:
            g.failed_form = FormState(values=values, errors=refusal.problems)
            return _form(session, found, broadcast), refusal.status


@blueprint.get(f"{ONE}/edit")
@signed_in
def edit_update(coalition: str, ident: int) -> ResponseReturnValue:
    """The form with the words as they are."""
    with reading() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=actor(), right=Right.WRITE_UPDATE)
        return _form(session, broadcast.campaign, broadcast)


@blueprint.post(f"{ONE}/edit")
@signed_in
@redisplays(edit_update)
def change_update(coalition: str, ident: int) -> ResponseReturnValue:
    """Change the words or the audience."""
    by, entry = actor(), posted(commands.NewBroadcast)
    with transaction() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by, right=Right.WRITE_UPDATE)
        commands.edit(session, broadcast, entry, by=by)
    return back(coalition, ident, "The draft is saved. An earlier approval does not cover the new words.")


def _reach(session: Session, campaign: Campaign, wish: Counted) -> dict[str, object]:
    imagined = commands.imagined(session, campaign, wish, wish.organization_id, by=actor())
    found = queries.reach(session, imagined, now=utc_now())
    return {"reach": found, "reasons": rules.reasons(wish, found.left_out)}


def _form(session: Session, campaign: Campaign, broadcast: Broadcast | None, *, counting: Counted | None = None) -> str:
    by, here = actor(), f"/work/{campaign.coalition.slug}"
    senders = organizations_acting(session, campaign.coalition_id, by=by, right=Right.WRITE_UPDATE)
    form = form_state(_initial(broadcast))
    wish = counting or _as_it_is(broadcast, senders[0].id if senders else None)
    reached = _as_typed(session, campaign) if form.errors else _reach(session, campaign, wish) if wish else NOT_COUNTED
    return page(
        "broadcasts/edit.html",
        coalition=campaign.coalition,
        demo=campaign.coalition.is_demo,
        campaign=campaign,
        broadcast=broadcast,
        action=f"{here}/updates/{broadcast.id}/edit" if broadcast else f"{here}/campaigns/{campaign.slug}/updates/new",
        reach_path=f"{here}/campaigns/{campaign.slug}/updates/reach",
        form=form,
        senders=[(str(sender.id), f"{sender.writes_as}") for sender in senders],
        petitions=[(str(one.id), one.title) for one in queries.petitions_of(session, campaign.coalition_id)],
        districts=queries.districts(session, campaign.id),
        numbers=[("", "The petition it goes to, or the first there is"), *_numbers(session, campaign)],
        fields=rules.FIELD_HINTS,
        faults=[],
        **reached,
    )


def _as_typed(session: Session, campaign: Campaign) -> dict[str, object]:
    """The count of what was typed into a form that comes back; none where the readers are what has to be mended."""
    try:
        return _reach(session, campaign, posted(Counted))
    except Invalid:
        return NOT_COUNTED


def _numbers(session: Session, campaign: Campaign) -> list[tuple[str, str]]:
    return [(one.key, one.words) for one in queries.countables(session, campaign.id)]


def _initial(broadcast: Broadcast | None) -> dict[str, object]:
    if broadcast is None:
        return {}
    kept = rules.audience_of(broadcast)
    chosen = {"on_behalf": "yes" if kept.on_behalf else "", "unwritten": "yes" if kept.unwritten else ""}
    typed = {name: ", ".join(getattr(kept, name)) for name in ("postal_prefixes", "countries", "languages")}
    counted = f"petition:{broadcast.petition_id}" if broadcast.petition_id else ""
    return {
        "subject": broadcast.subject,
        "body": broadcast.body,
        "organization_id": broadcast.organization_id,
        "signed": kept.signed,
        "districts": kept.districts,
        "quiet_days": kept.quiet_days,
        "counted_from": f"statement:{broadcast.statement_id}" if broadcast.statement_id else counted,
        **typed,
        **chosen,
    }


def _as_it_is(broadcast: Broadcast | None, first_sender: int | None) -> Counted | None:
    """What the form shows when it is opened."""
    if broadcast is None:
        return None if first_sender is None else Counted(organization_id=first_sender)
    return Counted.model_validate({**broadcast.audience, "organization_id": broadcast.organization_id})
