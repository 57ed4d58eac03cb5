"""A test to oneself, approving the words that were shown, and the switch."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from app.automations import commands, queries
from app.automations.views.frame import ONE, around, as_ewa, back, blueprint, has_districts
from app.automations.views.showing import automation
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.inputs import Input
from app.web.forms import posted, redisplays
from app.web.security import actor, signed_in


class Shown(Input):
    """Which version of the words stood on the page."""

    version: int


@blueprint.post(f"{ONE}/test")
@signed_in
@redisplays(automation)
def test_automation(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """Send it to oneself."""
    by = actor()
    with transaction() as session:
        found = queries.automation_for(session, coalition, slug, ident, by=by)
        commands.send_test(session, found, by=by, now=utc_now())
    return back(coalition, slug, ident, "A test is on its way to you.")


@blueprint.post(f"{ONE}/approve")
@signed_in
@redisplays(automation)
def approve_automation(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """Stand behind the words that were shown."""
    by, shown = actor(), posted(Shown)
    with reading() as session:
        found = queries.automation_for(session, coalition, slug, ident, by=by)
        letter, districts = as_ewa(session, found), has_districts(session, found)
    known = around(found, letter, has_districts=districts)
    with transaction() as session:
        found = queries.automation_for(session, coalition, slug, ident, by=by)
        commands.approve(session, found, shown.version, around=known, by=by, now=utc_now())
    return back(coalition, slug, ident, "Approved. It can be switched on now.")


@blueprint.post(f"{ONE}/on")
@signed_in
@redisplays(automation)
def switch_on(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """Let it write by itself."""
    by = actor()
    with transaction() as session:
        found = queries.automation_for(session, coalition, slug, ident, by=by)
        commands.switch_on(session, found, by=by, now=utc_now())
    return back(coalition, slug, ident, "It is on.")


@blueprint.post(f"{ONE}/off")
@signed_in
@redisplays(automation)
def switch_off(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """Let it write nothing more."""
    by = actor()
    with transaction() as session:
        found = queries.automation_for(session, coalition, slug, ident, by=by)
        commands.switch_off(session, found, by=by, now=utc_now())
    return back(coalition, slug, ident, "It is off. What had not left does not leave.")
