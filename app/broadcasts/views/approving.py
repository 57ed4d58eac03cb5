"""A test to oneself and to colleagues, and a second person who reviews an update and stands behind it."""

from __future__ import annotations

from functools import partial

from flask import make_response
from flask.typing import ResponseReturnValue

from app.broadcasts import commands, queries, rules
from app.broadcasts.views.frame import ONE, act, around, back, blueprint, letter, looked_at, sample
from app.broadcasts.views.showing import update
from app.coalitions.roles import Right
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.web.acts import WordsShown
from app.web.forms import form_state, posted, redisplays
from app.web.pages import page
from app.web.security import actor, signed_in, with_frames


@blueprint.post(f"{ONE}/test")
@signed_in
@redisplays(update)
def test_update(coalition: str, ident: int) -> ResponseReturnValue:
    """Send it to oneself and to colleagues."""
    by, entry = actor(), posted(commands.TestReaders)
    known = _known(coalition, ident, Right.WRITE_UPDATE)
    with transaction() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by, right=Right.WRITE_UPDATE)
        commands.send_test(session, broadcast, entry, around=known, by=by, now=utc_now())
        called = broadcast.tested_at is not None
    others = len(set(entry.colleagues) - {by.account_id})
    to = f" and {others} {'colleague' if others == 1 else 'colleagues'}" if others else ""
    if not called:
        sentence = "Nobody was asked to approve: mend the mistakes below first, then send a test again."
        return back(coalition, ident, f"A test is on its way to you{to}. {sentence}")
    return back(coalition, ident, f"A test is on its way to you{to}, and those who may approve have been asked.")


@blueprint.get(f"{ONE}/approve")
@signed_in
def review_approval(coalition: str, ident: int) -> ResponseReturnValue:
    """The words, who gets them and what was found in them, before somebody stands behind them."""
    by, now = actor(), utc_now()
    with reading() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by)
        values, found = sample(session, broadcast), queries.reach(session, broadcast, now=now)
        comparison = queries.comparison_of(session, broadcast)
        others = queries.further_subjects(session, broadcast)
        known = {
            "coalition": broadcast.campaign.coalition,
            "demo": broadcast.campaign.coalition.is_demo,
            "broadcast": broadcast,
            "refused": commands.why_not_approvable(session, broadcast, by=by),
            "subjects": [rules.fill_subject(one, values) for one in (broadcast.subject, *others)],
            "comparison": comparison,
            "reach": found,
            "reasons": rules.reasons(rules.audience_of(broadcast), found.left_out),
            "audience_words": queries.audience_in_words(session, broadcast),
            "read_at": now,
        }
        has_districts = bool(queries.districts(session, broadcast.campaign_id))
        _ = broadcast.author, broadcast.organization
    # Rendered and asked outside of the transaction: the check of links opens pages of its own.
    words = letter(broadcast, values)
    findings = [] if known["refused"] else looked_at(broadcast, values, has_districts=has_districts)
    shown = page("broadcasts/approve.html", letter=words, findings=findings, form=form_state(), **known)
    return with_frames(make_response(shown))


@blueprint.post(f"{ONE}/approve")
@signed_in
@redisplays(review_approval)
def approve_update(coalition: str, ident: int) -> ResponseReturnValue:
    """Stand behind the words that were shown."""
    shown, right = posted(WordsShown), Right.APPROVE_UPDATE
    approve = partial(commands.approve, around=_known(coalition, ident, right))
    notice = "Approved. Its sender can send it now."
    return act(coalition, ident, approve, shown.version, notice=notice, right=right)


def _known(coalition: str, ident: int, right: Right) -> rules.Surroundings:
    with reading() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=actor(), right=right)
        values, has_districts = sample(session, broadcast), bool(queries.districts(session, broadcast.campaign_id))
        _ = broadcast.campaign.coalition, broadcast.organization
    return around(broadcast, values=values, has_districts=has_districts)
