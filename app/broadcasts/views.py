"""Writing, testing, approving and sending updates, and watching them go."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from app.broadcasts import commands, queries, rules
from app.broadcasts.models import Broadcast, BroadcastState
from app.campaigns.models import Campaign
from app.campaigns.queries import campaign_for
from app.coalitions.queries import coalition_for, organizations_acting
from app.coalitions.roles import Right
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import NotFound
from app.core.inputs import Input
from app.returns.queries import count_replies, file_of, replies_to
from app.web.forms import form_state, posted, redisplays
from app.web.pages import cursor, download, page, see_other
from app.web.security import actor, signed_in

blueprint = Blueprint("broadcasts", __name__)
PAGE = 50


class Shown(Input):
    """Which version of the words stood on the page."""

    version: int


@blueprint.get("/work/<coalition>/updates")
@signed_in
def updates(coalition: str) -> ResponseReturnValue:
    """Every update of a coalition."""
    by = actor()
    with reading() as session:
        found = coalition_for(session, coalition, by=by)
        rows = queries.broadcasts_of(session, found.id, before=cursor(), limit=PAGE + 1)
        return page(
            "broadcasts/list.html",
            coalition=found,
            demo=found.is_demo,
            broadcasts=rows[:PAGE],
            older=f"?before={rows[PAGE - 1].id}" if len(rows) > PAGE else None,
            may_write=bool(organizations_acting(session, found.id, by=by, right=Right.WRITE_UPDATE)),
        )


@blueprint.get("/work/<coalition>/campaigns/<campaign>/updates/new")
@signed_in
def new_update(coalition: str, campaign: str) -> ResponseReturnValue:
    """The empty form."""
    by = actor()
    with reading() as session:
        found = campaign_for(session, campaign, by=by, right=Right.WRITE_UPDATE, within=coalition)
        return _form(found, None, **_choices(found, coalition))


@blueprint.post("/work/<coalition>/campaigns/<campaign>/updates/new")
@signed_in
@redisplays(new_update)
def write_update(coalition: str, campaign: str) -> ResponseReturnValue:
    """Write the update down as a draft."""
    by, entry = actor(), posted(commands.NewBroadcast)
    with transaction() as session:
        found = campaign_for(session, campaign, by=by, right=Right.WRITE_UPDATE, within=coalition)
        broadcast = commands.compose(session, found, entry, by=by, now=utc_now())
    return see_other(f"/work/{coalition}/updates/{broadcast.id}", "The draft is saved.")


@blueprint.get("/work/<coalition>/updates/<int:ident>")
@signed_in
def update(coalition: str, ident: int) -> ResponseReturnValue:
    """One update: its words, its audience, its one next act, and how far it has come."""
    by = actor()
    with reading() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by)
        acting = organizations_acting(session, broadcast.campaign.coalition_id, by=by, right=Right.WRITE_UPDATE)
        approving = organizations_acting(session, broadcast.campaign.coalition_id, by=by, right=Right.APPROVE_UPDATE)
        return page(
            "broadcasts/show.html",
            coalition=broadcast.campaign.coalition,
            demo=broadcast.campaign.coalition.is_demo,
            broadcast=broadcast,
            states=BroadcastState,
            subject=rules.filled(broadcast.subject, "Ewa"),
            body=rules.filled_markdown(broadcast.body, "Ewa"),
            audience=queries.audience_size(session, broadcast),
            undecided=queries.undecided(session, broadcast),
            progress=queries.progress(session, broadcast),
            replied=count_replies(session, queries.answers_to(broadcast)),
            reads=queries.may_read_answers(session, broadcast, by=by),
            may_write=any(organization.id == broadcast.organization_id for organization in acting),
            may_approve=bool(approving) and by.account_id != broadcast.author_id,
            form=form_state(),
        )


@blueprint.get("/work/<coalition>/updates/<int:ident>/replies")
@signed_in
def replies(coalition: str, ident: int) -> ResponseReturnValue:
    """What people answered to an update, for its sender only."""
    with reading() as session:
        broadcast = queries.answered_broadcast(session, coalition, ident, by=actor())
        found = replies_to(session, queries.answers_to(broadcast), before=cursor(), limit=PAGE + 1)
        return page(
            "broadcasts/replies.html",
            coalition=broadcast.campaign.coalition,
            demo=broadcast.campaign.coalition.is_demo,
            broadcast=broadcast,
            replies=found[:PAGE],
            older=f"?before={found[PAGE - 1].id}" if len(found) > PAGE else None,
        )


@blueprint.get("/work/<coalition>/updates/<int:ident>/replies/files/<int:file>")
@signed_in
def reply_file(coalition: str, ident: int, file: int) -> ResponseReturnValue:
    """A file that came with an answer to an update."""
    with reading() as session:
        broadcast = queries.answered_broadcast(session, coalition, ident, by=actor())
        found = file_of(session, queries.answers_to(broadcast), file)
        return download(found.body, found.filename, "application/octet-stream")


@blueprint.get("/work/<coalition>/updates/<int:ident>/edit")
@signed_in
def edit_update(coalition: str, ident: int) -> ResponseReturnValue:
    """The form with the words as they are."""
    by = actor()
    with reading() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by, right=Right.WRITE_UPDATE)
        return _form(broadcast.campaign, broadcast, **_choices(broadcast.campaign, coalition))


@blueprint.post("/work/<coalition>/updates/<int:ident>/edit")
@signed_in
@redisplays(edit_update)
def change_update(coalition: str, ident: int) -> ResponseReturnValue:
    """Change the words."""
    by, entry = actor(), posted(commands.NewBroadcast)
    with transaction() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by, right=Right.WRITE_UPDATE)
        commands.edit(session, broadcast, entry, by=by)
    return _back(coalition, ident, "The draft is saved. An earlier approval does not cover the new words.")


@blueprint.post("/work/<coalition>/updates/<int:ident>/test")
@signed_in
@redisplays(update)
def test_update(coalition: str, ident: int) -> ResponseReturnValue:
    """Send it to oneself."""
    by = actor()
    with transaction() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by, right=Right.WRITE_UPDATE)
        commands.send_test(session, broadcast, by=by, now=utc_now())
    return _back(coalition, ident, "A test is on its way to you, and those who may approve have been asked.")


@blueprint.post("/work/<coalition>/updates/<int:ident>/approve")
@signed_in
@redisplays(update)
def approve_update(coalition: str, ident: int) -> ResponseReturnValue:
    """Stand behind the words that were shown."""
    by, shown = actor(), posted(Shown)
    with transaction() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by, right=Right.APPROVE_UPDATE)
        commands.approve(session, broadcast, shown.version, by=by, now=utc_now())
    return _back(coalition, ident, "Approved. Its sender can send it now.")


@blueprint.post("/work/<coalition>/updates/<int:ident>/send")
@signed_in
@redisplays(update)
def send_update(coalition: str, ident: int) -> ResponseReturnValue:
    """Freeze the audience and begin."""
    by = actor()
    with transaction() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by, right=Right.WRITE_UPDATE)
        commands.send(session, broadcast, by=by, now=utc_now())
    return _back(coalition, ident, "Sending. You can leave this page; it goes on without you.")


@blueprint.post("/work/<coalition>/updates/<int:ident>/stop")
@signed_in
@redisplays(update)
def stop_update(coalition: str, ident: int) -> ResponseReturnValue:
    """Stop what has not been handed over."""
    by = actor()
    with transaction() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by, right=Right.WRITE_UPDATE)
        commands.stop(session, broadcast, by=by, now=utc_now())
    return _back(coalition, ident, "Stopped. Letters not yet handed over will not leave.")


@blueprint.post("/work/<coalition>/updates/<int:ident>/pause")
@signed_in
@redisplays(update)
def pause_update(coalition: str, ident: int) -> ResponseReturnValue:
    """Let no further letter leave for now."""
    by = actor()
    with transaction() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by, right=Right.WRITE_UPDATE)
        commands.pause(session, broadcast, by=by, now=utc_now())
    return _back(coalition, ident, "Paused. A batch that was on its way is the last until you go on.")


@blueprint.post("/work/<coalition>/updates/<int:ident>/resume")
@signed_in
@redisplays(update)
def resume_update(coalition: str, ident: int) -> ResponseReturnValue:
    """Go on where it was paused."""
    by = actor()
    with transaction() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by, right=Right.WRITE_UPDATE)
        commands.resume(session, broadcast, by=by, now=utc_now())
    return _back(coalition, ident, "Sending goes on. Nobody gets it twice.")


@blueprint.post("/work/<coalition>/updates/<int:ident>/unknown/resend")
@signed_in
@redisplays(update)
def resend_unknown(coalition: str, ident: int) -> ResponseReturnValue:
    """Send uncertain letters again."""
    by = actor()
    with transaction() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by, right=Right.WRITE_UPDATE)
        again = commands.resend_unknown(session, broadcast, by=by, now=utc_now())
    return _back(coalition, ident, f"{again:,} uncertain {'letter goes' if again == 1 else 'letters go'} out again.")


@blueprint.post("/work/<coalition>/updates/<int:ident>/unknown/leave")
@signed_in
@redisplays(update)
def leave_unknown(coalition: str, ident: int) -> ResponseReturnValue:
    """Leave uncertain letters as they are."""
    by = actor()
    with transaction() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by, right=Right.WRITE_UPDATE)
        commands.leave_unknown(session, broadcast, by=by, now=utc_now())
    return _back(coalition, ident, "The uncertain letters stay as they are.")


def _back(coalition: str, ident: int, notice: str) -> ResponseReturnValue:
    return see_other(f"/work/{coalition}/updates/{ident}", notice)


def _choices(campaign: Campaign, coalition: str) -> dict[str, object]:
    by = actor()
    if campaign.coalition.slug != coalition:
        raise NotFound
    with reading() as session:
        senders = organizations_acting(session, campaign.coalition_id, by=by, right=Right.WRITE_UPDATE)
        petitions = queries.petitions_of(session, campaign.coalition_id)
        everybody = ("", "Everybody who said yes to the sender")
        return {
            "senders": [(str(sender.id), sender.name) for sender in senders],
            "petitions": [everybody, *((str(one.id), f"Signers of “{one.title}” who said yes") for one in petitions)],
        }


def _form(campaign: Campaign, broadcast: Broadcast | None, **choices: object) -> str:
    initial = (
        {}
        if broadcast is None
        else {
            "subject": broadcast.subject,
            "body": broadcast.body,
            "organization_id": broadcast.organization_id,
            "petition_id": broadcast.petition_id or "",
        }
    )
    return page(
        "broadcasts/edit.html",
        coalition=campaign.coalition,
        demo=campaign.coalition.is_demo,
        campaign=campaign,
        broadcast=broadcast,
        action=request.path,
        form=form_state(initial),
        **choices,
    )
