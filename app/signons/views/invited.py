"""Answering by a mailed link, without an account. Opening a page changes nothing; only posting its form does."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.signons import commands, queries
from app.signons.commands import Decline, NewSignOn
from app.signons.models import SignOnRequest
from app.signons.rules import receipt_went_to
from app.signons.views.blueprint import blueprint, desk, holder, kept, returnable
from app.web.forms import form_state, posted, redisplays
from app.web.pages import page, see_other
from app.web.security import link_holder

LINK = "link"


def _initial(asked: SignOnRequest) -> dict[str, str]:
    return {
        "listed_as": asked.organization.name,
        "signatory_name": asked.name,
        "signatory_title": asked.title,
        "signatory_email": asked.email,
        "digest": asked.statement.digest or "",
    }


@blueprint.get("/sign-on/<token>")
@link_holder
def show(token: str) -> ResponseReturnValue:
    """The letter and the form; or what was answered already; or that it is over."""
    with reading() as session:
        asked = queries.request_by_link(session, token, now=utc_now())
        known = queries.sign_on_for(session, asked.statement_id, asked.organization_id)
        shared = desk(asked.statement, asked.organization, known)
        form, base = form_state(_initial(asked)), f"/sign-on/{token}"
        if known is not None and known.stands():
            mine = receipt_went_to(known, asked.email)
            manage = queries.manage_link(known, now=utc_now()) if mine else ""
            inside = f"/work/{shared['coalition'].slug}/statements/{asked.statement.slug}/sign"
            onward = f"{inside}?for={asked.organization.slug}"
            return page("signons/signed.html", form=form, base=base, manage=manage, inside=onward, **shared)
        if not shared["open"]:
            return page("signons/closed.html", form=form, base=base, **shared)
        return returnable(page("signons/sign.html", form=form, base=base, **shared))


@blueprint.post("/sign-on/<token>/change")
@link_holder
def change(token: str) -> ResponseReturnValue:
    """Back from the review to the form, with what was typed."""
    with reading() as session:
        asked = queries.request_by_link(session, token, now=utc_now())
        known = queries.sign_on_for(session, asked.statement_id, asked.organization_id)
        shared = desk(asked.statement, asked.organization, known)
        form = form_state(kept(request.form) | {"digest": asked.statement.digest or ""})
        return page("signons/sign.html", form=form, base=f"/sign-on/{token}", **shared)


@blueprint.post("/sign-on/<token>/review")
@link_holder
@redisplays(show)
def review(token: str) -> ResponseReturnValue:
    """The last look before it binds: the words, the name as printed, who signs, and how to take it back."""
    with reading() as session:
        asked = queries.request_by_link(session, token, now=utc_now())
        entry = posted(NewSignOn)
        organization = asked.organization
        by = holder(organization, LINK)
        known = commands.refuse_unless_signable(session, asked.statement, organization, entry, by=by, now=utc_now())
        shared = desk(asked.statement, organization, known)
        if shared["stands"]:
            return see_other(f"/sign-on/{token}")
        return page("signons/review.html", entry=entry, fields=kept(request.form), base=f"/sign-on/{token}", **shared)


@blueprint.post("/sign-on/<token>")
@link_holder
@redisplays(show)
def sign(token: str) -> ResponseReturnValue:
    """It binds. Pressed twice, it binds once."""
    with transaction() as session:
        asked = queries.request_by_link(session, token, now=utc_now())
        by = holder(asked.organization, LINK)
        commands.sign_on(session, asked.statement, asked.organization, posted(NewSignOn), by=by, now=utc_now())
    return see_other(f"/sign-on/{token}")


@blueprint.get("/sign-on/<token>/decline")
@link_holder
def ask_decline(token: str) -> ResponseReturnValue:
    """Saying no, with a reason or without."""
    with reading() as session:
        asked = queries.request_by_link(session, token, now=utc_now())
        known = queries.sign_on_for(session, asked.statement_id, asked.organization_id)
        shared = desk(asked.statement, asked.organization, known)
        form = form_state({"reason": known.reason if known is not None else ""})
        return returnable(page("signons/decline.html", form=form, base=f"/sign-on/{token}", **shared))


@blueprint.post("/sign-on/<token>/decline")
@link_holder
@redisplays(ask_decline)
def decline(token: str) -> ResponseReturnValue:
    """Say no."""
    with transaction() as session:
        asked = queries.request_by_link(session, token, now=utc_now())
        by = holder(asked.organization, LINK)
        commands.decline(session, asked.statement, asked.organization, posted(Decline), by=by, now=utc_now())
    return see_other(f"/sign-on/{token}")
