"""Pausing an update, going on, stopping for good, and deciding about letters whose outcome nobody knows."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from app.broadcasts import commands, queries
from app.broadcasts.models import Broadcast, BroadcastState
from app.broadcasts.views.frame import ONE, act, blueprint
from app.broadcasts.views.progress import lateness
from app.broadcasts.views.showing import update
from app.core.clock import utc_now
from app.core.db import reading
from app.core.inputs import Input
from app.mail.queries import hindrances
from app.mailings.models import MailingState
from app.mailings.queries import Held, held_by_provider
from app.mailings.rules import uncertain
from app.web.forms import posted, redisplays
from app.web.pages import page
from app.web.security import actor, signed_in


class Decided(Input):
    """How many letters the page called uncertain when a person decided about them."""

    letters: int


@blueprint.get(f"{ONE}/stop")
@signed_in
def review_stop(coalition: str, ident: int) -> ResponseReturnValue:
    """What stopping does and what it cannot bring back, before it is done."""
    now = utc_now()
    with reading() as session:
        broadcast = queries.sent_by(session, coalition, ident, by=actor())
        known = queries.progress(session, broadcast)
        mailing_id = broadcast.mailing_id
        held = Held() if mailing_id is None else held_by_provider(session, mailing_id, now=now)
        stoppable = broadcast.state in {BroadcastState.SENDING, BroadcastState.PAUSED}
        return page(
            "broadcasts/stop.html",
            **_around(broadcast),
            stoppable=stoppable,
            progress=known,
            rest=known.waiting + (queries.unplanned(session, broadcast) if stoppable else 0),
            held=held,
            is_late=broadcast.mailing is not None and broadcast.mailing.state is MailingState.LATE,
            read_at=now,
        )


@blueprint.post(f"{ONE}/stop")
@signed_in
@redisplays(update)
def stop_update(coalition: str, ident: int) -> ResponseReturnValue:
    """Stop what has not been handed over."""
    return act(coalition, ident, commands.stop, notice="Stopped for good.")


@blueprint.get(f"{ONE}/late")
@signed_in
def review_late(coalition: str, ident: int) -> ResponseReturnValue:
    """Whose hour has passed, and what can be done about it, before it is done."""
    now = utc_now()
    with reading() as session:
        broadcast = queries.sent_by(session, coalition, ident, by=actor())
        return page("broadcasts/late.html", **_around(broadcast), **lateness(session, broadcast), read_at=now)


@blueprint.post(f"{ONE}/late")
@signed_in
@redisplays(update)
def decide_late(coalition: str, ident: int) -> ResponseReturnValue:
    """Let it go to them now, or leave them out."""

    def notice(decided: tuple[bool, int]) -> str:
        send, number = decided
        people = f"{number:,} {'person' if number == 1 else 'people'}"
        return f"Sending goes on. It goes to {people} now." if send else f"Sending goes on without {people}."

    return act(coalition, ident, commands.decide_late, posted(commands.LateDecided), notice=notice)


@blueprint.post(f"{ONE}/pause")
@signed_in
@redisplays(update)
def pause_update(coalition: str, ident: int) -> ResponseReturnValue:
    """Let no further letter leave for now."""
    notice = "Paused. What is on its way already is the last until you go on."
    return act(coalition, ident, commands.pause, notice=notice)


@blueprint.post(f"{ONE}/resume")
@signed_in
@redisplays(update)
def resume_update(coalition: str, ident: int) -> ResponseReturnValue:
    """Go on where it was paused."""
    return act(coalition, ident, commands.resume, notice="Sending goes on. Nobody gets it twice.")


@blueprint.get(f"{ONE}/unknown/resend")
@signed_in
def review_resend(coalition: str, ident: int) -> ResponseReturnValue:
    """To how many uncertain letters would go once more, and what that means, before it is done."""
    now = utc_now()
    with reading() as session:
        broadcast = queries.sent_by(session, coalition, ident, by=actor())
        undecided = queries.undecided(session, broadcast)
        return page(
            "broadcasts/resend.html",
            **_around(broadcast),
            undecided=undecided,
            uncertain=sum(map(uncertain, undecided)),
            hindrances=hindrances(session, now=now, zone=broadcast.campaign.coalition.zone),
            read_at=now,
        )


@blueprint.post(f"{ONE}/unknown/resend")
@signed_in
@redisplays(update)
def resend_unknown(coalition: str, ident: int) -> ResponseReturnValue:
    """Send uncertain letters again."""

    def notice(again: int) -> str:
        return f"{again:,} uncertain {'letter goes' if again == 1 else 'letters go'} out again."

    return act(coalition, ident, commands.resend_unknown, posted(Decided).letters, notice=notice)


@blueprint.post(f"{ONE}/unknown/leave")
@signed_in
@redisplays(update)
def leave_unknown(coalition: str, ident: int) -> ResponseReturnValue:
    """Leave uncertain letters as they are."""
    return act(coalition, ident, commands.leave_unknown, notice="The uncertain letters stay as they are.")


def _around(broadcast: Broadcast) -> dict[str, object]:
    ours = broadcast.campaign.coalition
    return {"coalition": ours, "demo": ours.is_demo, "broadcast": broadcast}
