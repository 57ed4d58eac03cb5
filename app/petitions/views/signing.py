"""The public page and its form. It sets no cookie, and answers everybody alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from app.core.clock import utc_now
from app.core.countries import country_choices
from app.core.db import reading, transaction
from app.mail.queries import nothing_leaves
from app.mail.render import house
from app.petitions import commands, queries, rules
from app.petitions.models import ConsentAsk
from app.petitions.views.base import blueprint
from app.web.errors import wants_json
from app.web.forms import form_state, posted, redisplays
from app.web.pages import page, see_other
from app.web.security import actor, link_holder, public


@blueprint.get("/petitions/<slug>")
@public
def petition(slug: str) -> ResponseReturnValue:
    """The text, the count, and the form beside it."""
    typed = form_state({"country": "US"})
    country, countries = country_choices(str(typed.values.get("country") or "US"))
    with reading() as session:
        found = queries.public_petition(session, slug)
        return page(
            "petitions/show.html",
            petition=found,
            coalition=found.campaign.coalition,
            demo=found.campaign.coalition.is_demo,
            asks=queries.asks(session, found.id),
            goal=rules.next_goal(found.counted, found.goal),
            open=found.accepts_signatures(utc_now()),
            form=replace(typed, values={**typed.values, "country": country}),
            countries=countries,
            canonical=f"{house().base_url}/petitions/{found.slug}",
            share_image=f"{house().base_url}/petitions/{found.slug}/share.png",
        )


@blueprint.post("/petitions/<slug>/sign")
@public
@redisplays(petition)
def sign(slug: str) -> ResponseReturnValue:
    """Take a signature. What follows is the same for a new, a known and a refused one."""
    given = _sent_by_program() if request.is_json else request.form
    entry = commands.NewSignature.of(given) if request.is_json else posted(commands.NewSignature)
    with transaction() as session:
        found = queries.public_petition(session, slug)
        answers = _answers(queries.asks(session, found.id), given)
        commands.sign(session, found, entry, answers, by=actor(), now=utc_now())
    if wants_json():
        return jsonify({"status": "check your e-mail to confirm"}), 202
    return see_other(f"/petitions/{slug}/thanks")


@blueprint.get("/petitions/<slug>/thanks")
@link_holder
def thanks(slug: str) -> ResponseReturnValue:
    """What to do next, said to everybody in the same words."""
    with reading() as session:
        found = queries.public_petition(session, slug)
        delayed = nothing_leaves(session, now=utc_now())
        demo = found.campaign.coalition.is_demo
        return page("petitions/thanks.html", petition=found, demo=demo, delayed=delayed)


def _sent_by_program() -> Mapping[str, Any]:
    """A program's JSON object; what is no object has no answers, and an answer is never a list or an object."""
    try:
        typed = request.get_json(silent=True)
    except RecursionError:  # brackets without end
        typed = None
    answers = typed if isinstance(typed, dict) else {}
    return {key: None if isinstance(value, list | dict) else value for key, value in answers.items()}


def _answers(asks: list[ConsentAsk], typed: Mapping[str, Any]) -> dict[int, bool]:
    """``consent-<slug>`` = yes or no; anything else, of whatever type a program sends, is no answer."""
    given = {ask.organization_id: typed.get(f"consent-{ask.organization.slug}") for ask in asks}
    return {ident: value == "yes" for ident, value in given.items() if value in ("yes", "no")}
