"""Writing further subjects to compare, choosing one where the numbers do not tell, and counting visits.

A visit is counted by our own page's script and not when the page is opened: programs that look at links run none.
"""

from __future__ import annotations

from contextlib import suppress

from flask import request
from flask.typing import ResponseReturnValue

from app.broadcasts import commands, queries
from app.broadcasts.models import BroadcastState, Comparison, Measure
from app.broadcasts.views.frame import ONE, act, blueprint
from app.broadcasts.views.progress import compared
from app.broadcasts.views.showing import update
from app.coalitions.roles import Right
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import NotFound, TooMany
from app.web.forms import form_state, posted, redisplays, typed
from app.web.pages import page
from app.web.security import actor, public, signed_in


@blueprint.get(f"{ONE}/subjects")
@signed_in
def subjects(coalition: str, ident: int) -> ResponseReturnValue:
    """The form with the further subjects."""
    by = actor()
    with reading() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by, right=Right.WRITE_UPDATE)
        comparison = queries.comparison_of(session, broadcast)
        shown: dict[str, object] = {"percent": "10", "hours": "4", "measure": Measure.CLICKS.value}
        if comparison is not None:
            words = [one.subject for one in comparison.subjects[1:]] + [""]
            shown = {
                "second": words[0],
                "third": words[1],
                "percent": str(comparison.percent),
                "hours": str(comparison.hours),
                "measure": comparison.measure.value,
            }
        ours = broadcast.campaign.coalition
        return page(
            "broadcasts/subjects.html",
            coalition=ours,
            demo=ours.is_demo,
            broadcast=broadcast,
            readers=queries.audience_size(session, broadcast, now=utc_now()),
            action=request.path,
            form=form_state(shown),
        )


@blueprint.post(f"{ONE}/subjects")
@signed_in
@redisplays(subjects)
def write_subjects(coalition: str, ident: int) -> ResponseReturnValue:
    """Keep them; they are approved with the words."""

    def notice(made: Comparison | None) -> str:
        words = "The subjects are saved" if made else "There is one subject now"
        return f"{words}. An approval given before does not cover them."

    return act(coalition, ident, commands.compare, posted(commands.Compared), notice=notice)


@blueprint.get(f"{ONE}/subjects/choose")
@signed_in
def review_choice(coalition: str, ident: int) -> ResponseReturnValue:
    """Which subject the rest would get, what each has brought so far, and to how many, before it is done."""
    now, variant = utc_now(), request.args.get("variant", 0, type=int)
    with reading() as session:
        broadcast = queries.sent_by(session, coalition, ident, by=actor())
        comparison, ours = queries.comparison_of(session, broadcast), broadcast.campaign.coalition
        if comparison is None or not 0 <= variant < len(comparison.subjects):
            raise NotFound
        under_way = broadcast.state in {BroadcastState.SENDING, BroadcastState.PAUSED}
        choosable = under_way and comparison.sampled_at is not None and comparison.winner is None
        return page(
            "broadcasts/choose.html",
            coalition=ours,
            demo=ours.is_demo,
            broadcast=broadcast,
            choosable=choosable,
            comparison=compared(session, broadcast, comparison),
            variant=variant,
            rest=queries.unplanned(session, broadcast) if choosable else 0,
            read_at=now,
        )


@blueprint.post(f"{ONE}/subjects/choose")
@signed_in
@redisplays(update)
def choose_subject(coalition: str, ident: int) -> ResponseReturnValue:
    """Say which subject the rest gets."""
    notice = "The rest gets the subject you chose."
    return act(coalition, ident, commands.choose, posted(commands.Chosen), notice=notice)


@blueprint.post("/visits")
@public
def count_visit() -> ResponseReturnValue:
    """One of our pages was reached by a link with a code. Nothing is answered, set or kept of who it was."""
    code = typed("via")[:32]
    with reading() as session:
        # Looked at first, because whoever makes codes up must not take their turn from those who write.
        if not code or not queries.is_compared(session, code):
            return "", 204
    with transaction() as session, suppress(TooMany):
        commands.count_visit(session, code, by=actor(), now=utc_now())
    return "", 204
