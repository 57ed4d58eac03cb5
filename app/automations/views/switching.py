"""A test to oneself, approving the words that were shown, and the switch."""

from __future__ import annotations

from functools import partial

from flask.typing import ResponseReturnValue

from app.automations import commands, queries
from app.automations.views.frame import ONE, act, around, as_ewa, blueprint, has_districts
from app.automations.views.showing import automation
from app.core.db import reading
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
    return act(coalition, slug, ident, commands.send_test, notice="A test is on its way to you.")


@blueprint.post(f"{ONE}/approve")
@signed_in
@redisplays(automation)
def approve_automation(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """Stand behind the words that were shown."""
    by, shown = actor(), posted(Shown)
    with reading() as session:
        found = queries.automation_for(session, coalition, slug, ident, by=by)
        letter, districts = as_ewa(session, found), has_districts(session, found)
    approve = partial(commands.approve, around=around(found, letter, has_districts=districts))
    return act(coalition, slug, ident, approve, shown.version, notice="Approved. It can be switched on now.")


@blueprint.post(f"{ONE}/on")
@signed_in
@redisplays(automation)
def switch_on(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """Let it write by itself."""
    return act(coalition, slug, ident, commands.switch_on, notice="It is on.")


@blueprint.post(f"{ONE}/off")
@signed_in
@redisplays(automation)
def switch_off(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """Let it write nothing more."""
    return act(coalition, slug, ident, commands.switch_off, notice="It is off. What had not left does not leave.")
