"""Confirming and taking back a signature by the mailed link, and erasing oneself. Opening a link changes nothing."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.petitions import commands, exports, queries, rules
from app.petitions.models import SignatureState
from app.petitions.views.base import blueprint
from app.supporters.queries import by_preferences_link, in_a_demonstration
from app.supporters.rules import preferences_path
from app.web.forms import form_state, redisplays
from app.web.pages import download, page, see_other
from app.web.security import actor, link_holder


@blueprint.get("/confirm/<token>")
@link_holder
def confirmation(token: str) -> ResponseReturnValue:
    """What will be confirmed, and the button that does it; afterwards, that it was and how to take it back."""
    with reading() as session:
        signature = queries.by_link(session, token, now=utc_now())
        found = signature.petition
        names = {ask.organization_id: ask.organization.name for ask in found.asks}
        return page(
            "petitions/confirm.html",
            token=token,
            petition=found,
            demo=found.campaign.coalition.is_demo,
            signature=signature,
            shown=rules.fingerprint(signature),
            duplicate=signature.reason == rules.MAILBOX_FULL,
            preferences=preferences_path(signature.supporter_id, utc_now()) if signature.supporter_id else "",
            answers=[
                (names[one.organization_id], one.yes) for one in signature.answers if one.organization_id in names
            ],
            states=SignatureState,
            taking_back=request.args.get("take") == "back",
            form=form_state(),
        )


@blueprint.post("/confirm/<token>")
@link_holder
@redisplays(confirmation)
def confirm(token: str) -> ResponseReturnValue:
    """The signature counts from now on; pressing twice counts once."""
    with transaction() as session:
        commands.confirm(session, token, shown=request.form.get("shown", ""), by=actor(), now=utc_now())
    return see_other(f"/confirm/{token}")


@blueprint.post("/confirm/<token>/withdraw")
@link_holder
def withdraw(token: str) -> ResponseReturnValue:
    """The name is taken off the count."""
    with transaction() as session:
        commands.withdraw_signature(session, token, by=actor(), now=utc_now())
    return see_other(f"/confirm/{token}")


@blueprint.get("/preferences/<token>/data.json")
@link_holder
def own_data(token: str) -> ResponseReturnValue:
    """Everything that is held about the holder of this link, as a file."""
    with reading() as session:
        body = exports.own_data(session, by_preferences_link(session, token, now=utc_now()))
    return download(body, "what-we-hold-about-you.json", "application/json")


@blueprint.get("/preferences/<token>/erase")
@link_holder
def erasing(token: str) -> ResponseReturnValue:
    """What will be erased and what stays."""
    with reading() as session:
        supporter = by_preferences_link(session, token, now=utc_now())
        demo = in_a_demonstration(session, supporter)
        return page("petitions/erase.html", supporter=supporter, demo=demo, token=token)


@blueprint.post("/preferences/<token>/erase")
@link_holder
def erase(token: str) -> ResponseReturnValue:
    """Erase everything that names the holder of this link."""
    now = utc_now()
    with transaction() as session:
        supporter = by_preferences_link(session, token, now=now)
        if supporter is not None:
            commands.forget_signer(session, supporter, now=now)
    return see_other(f"/preferences/{token}/erase")
