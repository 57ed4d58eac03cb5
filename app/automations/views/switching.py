"""A test to oneself, and what is reviewed on a screen of its own before it is done: approval, and the switch."""

from __future__ import annotations

from functools import partial

from flask import make_response
from flask.typing import ResponseReturnValue

from app.automations import commands, queries
from app.automations.views.frame import ONE, about, act, around, as_ewa, blueprint, has_districts
from app.automations.views.showing import automation
from app.broadcasts.rules import findings
from app.core.clock import utc_now
from app.core.db import reading
from app.mail import render
from app.mail.queries import hindrances, workers
from app.web.acts import WordsShown
from app.web.forms import posted, redisplays
from app.web.pages import page
from app.web.security import actor, signed_in, with_frames


@blueprint.post(f"{ONE}/test")
@signed_in
@redisplays(automation)
def test_automation(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """Send it to oneself."""
    return act(coalition, slug, ident, commands.send_test, notice="A test is on its way to you.")


@blueprint.get(f"{ONE}/approve")
@signed_in
def review_approval(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """The words, who gets them and what was found in them, before somebody stands behind them."""
    by = actor()
    with reading() as session:
        found = queries.automation_for(session, coalition, slug, ident, by=by)
        refused = commands.why_not_approvable(session, found, by=by)
        letter, districts = as_ewa(session, found), has_districts(session, found)
        known = about(found)
    # Rendered and asked outside of the transaction: the check of links opens pages of its own.
    said = [] if refused else findings(found.subject, found.body, around(found, letter, has_districts=districts))
    words = render.render(letter)
    answer = page("automations/approve.html", refused=refused, findings=said, letter=words, **known)
    return with_frames(make_response(answer))


@blueprint.post(f"{ONE}/approve")
@signed_in
@redisplays(review_approval)
def approve_automation(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """Stand behind the words that were shown."""
    by, shown = actor(), posted(WordsShown)
    with reading() as session:
        found = queries.automation_for(session, coalition, slug, ident, by=by)
        letter, districts = as_ewa(session, found), has_districts(session, found)
    approve = partial(commands.approve, around=around(found, letter, has_districts=districts))
    return act(coalition, slug, ident, approve, shown.version, notice="Approved. It can be switched on now.")


@blueprint.get(f"{ONE}/on")
@signed_in
def review_switching_on(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """To whom it would write from then on, to how many at once, and how to take that back, before it is done."""
    by, now = actor(), utc_now()
    with reading() as session:
        found = queries.automation_for(session, coalition, slug, ident, by=by)
        zone = found.petition.campaign.coalition.zone
        known = about(found) | {
            "refused": commands.why_not_on(session, found, by=by),
            "at_once": queries.due_at_once(session, found, now=now),
            "open": found.petition.accepts_signatures(now),
            "hindrances": hindrances(session, now=now, zone=zone),
            "anybody_works": bool(workers(session, now=now).names),
            "read_at": now,
        }
        letter = as_ewa(session, found)
    words = render.render(letter)
    return with_frames(make_response(page("automations/on.html", letter=words, **known)))


@blueprint.post(f"{ONE}/on")
@signed_in
@redisplays(review_switching_on)
def switch_on(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """Let the words that were shown go out by themselves."""
    return act(coalition, slug, ident, commands.switch_on, posted(WordsShown).version, notice="It is on.")


@blueprint.get(f"{ONE}/off")
@signed_in
def review_switching_off(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """What would not leave any more, and what is out already, before it is done."""
    by, now = actor(), utc_now()
    with reading() as session:
        found = queries.automation_for(session, coalition, slug, ident, by=by)
        commands.require_writer(session, found, by=by)
        refused = "" if found.on_since else "It is off already."
        known = about(found) | {"refused": refused, "read_at": now}
        return page("automations/off.html", figures=queries.figures(session, found), **known)


@blueprint.post(f"{ONE}/off")
@signed_in
@redisplays(review_switching_off)
def switch_off(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """Let it write nothing more."""
    return act(coalition, slug, ident, commands.switch_off, notice="It is off. What had not left does not leave.")
