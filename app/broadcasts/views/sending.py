"""Pausing an update, going on, stopping, and deciding about letters whose outcome nobody knows."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from app.broadcasts import commands
from app.broadcasts.views.frame import ONE, act, blueprint
from app.broadcasts.views.showing import update
from app.core.inputs import Input
from app.web.forms import posted, redisplays
from app.web.security import signed_in


class Decided(Input):
    """How many letters the page called uncertain when a person decided about them."""

    letters: int


@blueprint.post(f"{ONE}/send")
@signed_in
@redisplays(update)
def send_update(coalition: str, ident: int) -> ResponseReturnValue:
    """Freeze the audience and begin."""
    return act(coalition, ident, commands.send, notice="Sending. You can leave this page; it goes on without you.")


@blueprint.post(f"{ONE}/stop")
@signed_in
@redisplays(update)
def stop_update(coalition: str, ident: int) -> ResponseReturnValue:
    """Stop what has not been handed over."""
    return act(coalition, ident, commands.stop, notice="Stopped. Letters not yet handed over will not leave.")


@blueprint.post(f"{ONE}/pause")
@signed_in
@redisplays(update)
def pause_update(coalition: str, ident: int) -> ResponseReturnValue:
    """Let no further letter leave for now."""
    notice = "Paused. A batch that was on its way is the last until you go on."
    return act(coalition, ident, commands.pause, notice=notice)


@blueprint.post(f"{ONE}/resume")
@signed_in
@redisplays(update)
def resume_update(coalition: str, ident: int) -> ResponseReturnValue:
    """Go on where it was paused."""
    return act(coalition, ident, commands.resume, notice="Sending goes on. Nobody gets it twice.")


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
