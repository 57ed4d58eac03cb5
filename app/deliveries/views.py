"""The deliveries of a coalition: what is known of each, the very bytes that left, and what came back."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from app.coalitions.queries import coalition_for, rights_of
from app.coalitions.roles import Right
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import NotFound
from app.deliveries import commands, queries
from app.deliveries.models import DeliveryState, Document
from app.deliveries.rules import IN_TROUBLE, SAYS, TONES
from app.returns.queries import file_of, replies_to
from app.web.forms import form_state, posted, redisplays
from app.web.pages import cursor, download, page, see_other
from app.web.security import actor, signed_in

blueprint = Blueprint("deliveries", __name__)
REPLIES = 100


@blueprint.get("/work/<coalition>/deliveries")
@signed_in
def index(coalition: str) -> ResponseReturnValue:
    """Every delivery, newest first; ``?state=bounced`` shows only those."""
    with reading() as session:
        ours = coalition_for(session, coalition, by=actor())
        state = _state(request.args.get("state"))
        rows = queries.deliveries_of(session, ours.id, state=state, before=cursor())
        older = rows[queries.PAGE - 1].id if len(rows) > queries.PAGE else None
        counts = queries.counts(session, ours.id)
        return page(
            "deliveries/index.html",
            coalition=ours,
            demo=ours.is_demo,
            deliveries=rows[: queries.PAGE],
            older=older,
            state=state,
            states=list(DeliveryState),
            counts=counts,
            parts=[(one.value.capitalize(), counts.get(one, 0), TONES[one]) for one in DeliveryState],
            tones=TONES,
            organizes=Right.ORGANIZE in rights_of(session, ours.id, by=actor()),
            waiting=queries.waiting_targets(session, ours.id),
        )


def _state(value: str | None) -> DeliveryState | None:
    try:
        return DeliveryState(value) if value else None
    except ValueError:
        return None


@blueprint.get("/work/<coalition>/deliveries/<int:delivery>")
@signed_in
def show(coalition: str, delivery: int) -> ResponseReturnValue:
    """One delivery: where it stands, what left, what was answered."""
    with reading() as session:
        ours = coalition_for(session, coalition, by=actor())
        row = queries.delivery_for(session, ours.id, delivery, by=actor())
        organizes = Right.ORGANIZE in rights_of(session, ours.id, by=actor())
        replies = replies_to(session, queries.answers_to(row.id), limit=REPLIES) if organizes else []
        chosen = next((one for one in replies if one.id == request.args.get("reply", type=int)), None)
        filled = {"kind": "answered", "words": chosen.words} if chosen else {"kind": "", "words": row.answer}
        return page(
            "deliveries/show.html",
            coalition=ours,
            demo=ours.is_demo,
            delivery=row,
            replies=replies,
            organizes=organizes,
            says=SAYS[row.state],
            tone=TONES[row.state],
            troubled=row.state in IN_TROUBLE,
            waiting=row.state is DeliveryState.QUEUED,
            form=form_state(filled),
        )


@blueprint.get("/work/<coalition>/deliveries/<int:delivery>/document.pdf")
@signed_in
def document(coalition: str, delivery: int) -> ResponseReturnValue:
    """The PDF, the very bytes that were attached."""
    with reading() as session:
        ours = coalition_for(session, coalition, by=actor())
        row = queries.delivery_for(session, ours.id, delivery, by=actor()).document
        return download(row.body, row.filename, "application/pdf")


@blueprint.get("/work/<coalition>/deliveries/<int:delivery>/letter.eml")
@signed_in
def letter(coalition: str, delivery: int) -> ResponseReturnValue:
    """The whole letter byte for byte as it was handed over."""
    with reading() as session:
        ours = coalition_for(session, coalition, by=actor())
        row = queries.delivery_for(session, ours.id, delivery, by=actor())
        if row.email is None or row.email.raw is None:
            sentence = "The letter has not left yet. Its bytes are kept from the moment it does."
            raise NotFound(sentence)
        return download(row.email.raw, f"delivery-{row.id}.eml", "message/rfc822")


@blueprint.post("/work/<coalition>/deliveries/<int:delivery>/answer")
@signed_in
@redisplays(show)
def answer(coalition: str, delivery: int) -> ResponseReturnValue:
    """Write down what the target said."""
    with transaction() as session:
        ours = coalition_for(session, coalition, by=actor(), right=Right.ORGANIZE)
        row = queries.delivery_for(session, ours.id, delivery, by=actor())
        commands.record_answer(session, row, posted(commands.TargetAnswer), by=actor(), now=utc_now())
    return see_other(f"/work/{coalition}/deliveries/{delivery}", "What the target said is recorded.")


@blueprint.get("/work/<coalition>/deliveries/<int:delivery>/files/<int:file>")
@signed_in
def reply_file(coalition: str, delivery: int, file: int) -> ResponseReturnValue:
    """A file that came with an answer to this delivery, for those whom the answer concerns; never opened by us."""
    with reading() as session:
        ours = coalition_for(session, coalition, by=actor())
        row = queries.delivery_for(session, ours.id, delivery, by=actor(), right=Right.ORGANIZE)
        found = file_of(session, queries.answers_to(row.id), file)
        return download(found.body, found.filename, "application/octet-stream")


@blueprint.post("/work/<coalition>/deliveries/<int:delivery>/replies/<int:reply>/aside")
@signed_in
def set_reply_aside(coalition: str, delivery: int, reply: int) -> ResponseReturnValue:
    """A reply holds nothing to record."""
    with transaction() as session:
        ours = coalition_for(session, coalition, by=actor())
        row = queries.delivery_for(session, ours.id, delivery, by=actor(), right=Right.ORGANIZE)
        commands.set_reply_aside(session, row, reply, by=actor(), now=utc_now())
    return see_other(f"/work/{coalition}/deliveries/{delivery}", "The reply stays here and waits for nobody.")


@blueprint.post("/work/<coalition>/deliveries/<int:delivery>/again")
@signed_in
@redisplays(show)
def again(coalition: str, delivery: int) -> ResponseReturnValue:
    """Send once more after a failure, at the target's present address."""
    with transaction() as session:
        ours = coalition_for(session, coalition, by=actor(), right=Right.ORGANIZE)
        row = queries.delivery_for(session, ours.id, delivery, by=actor())
        commands.send_again(session, row, by=actor(), now=utc_now())
    return see_other(f"/work/{coalition}/deliveries/{delivery}", "The letter is on its way again.")


@blueprint.post("/work/<coalition>/deliveries/documents/<int:ident>/send")
@signed_in
def send(coalition: str, ident: int) -> ResponseReturnValue:
    """Send a document to the targets that the campaign got after it was delivered."""
    with transaction() as session:
        ours = coalition_for(session, coalition, by=actor(), right=Right.ORGANIZE)
        row = session.get(Document, ident)
        if row is None or row.campaign.coalition_id != ours.id:
            raise NotFound
        waiting = [missing for document, missing in queries.waiting_targets(session, ours.id) if document.id == ident]
        for missing in waiting:
            commands.send_document(session, row, missing, by=actor(), now=utc_now())
    return see_other(f"/work/{coalition}/deliveries", "The document is on its way to every target of the campaign.")
