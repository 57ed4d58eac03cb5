"""An invitation as its holder sees it. Opening the link shows who asks and into what; only the button joins."""

from __future__ import annotations

from flask import make_response, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.accounts import queries as people
from app.coalitions import commands
from app.coalitions.commands import Acceptance, InvitationOver
from app.coalitions.views.frame import blueprint
from app.core.actor import Actor
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import Refusal
from app.core.text import canonical_email
from app.core.tokens import StaleLink
from app.web import login
from app.web.forms import form_state, posted, redisplays
from app.web.login import Person
from app.web.pages import page, see_other
from app.web.security import actor, link_holder


def _signed_in_as(email: str) -> bool:
    return bool(current_user.is_authenticated) and canonical_email(current_user.email) == canonical_email(email)


@blueprint.get("/invitation/<token>")
@link_holder
def invitation(token: str) -> ResponseReturnValue:
    """Who invites, into what, as what."""
    try:
        with reading() as session:
            row = commands.invitation_behind(session, token, now=utc_now())
            inviter = people.account(session, row.invited_by_id) if row.invited_by_id else None
            known = people.by_email(session, row.email)
            return page(
                "coalitions/invitation.html",
                row=row,
                inviter=inviter,
                known=known,
                demo=bool(row.coalition and row.coalition.is_demo),
                other=current_user if current_user.is_authenticated and not _signed_in_as(row.email) else None,
                form=form_state({"name": row.name, "account": "mailed"}),
                action=request.path,
            )
    except (InvitationOver, StaleLink) as refusal:
        return _over(refusal)


@blueprint.post("/invitation/<token>")
@link_holder
@redisplays(invitation)
def accept(token: str) -> ResponseReturnValue:
    """Join. A new account is signed in; one that exists signs in itself, for an invitation may have been passed on."""
    by, now = actor(), utc_now()
    if current_user.is_authenticated and request.form.get("account") == "mine":
        by = Actor(label=current_user.name, account_id=int(current_user.get_id()), address=by.address)
    try:
        with transaction() as session:
            row = commands.invitation_behind(session, token, now=now)
            is_new = by.account_id is None and people.by_email(session, row.email) is None
            account = commands.accept_invitation(session, token, posted(Acceptance), by=by, now=now)
            onward = f"/work/{row.coalition.slug}" if row.coalition else f"/organizations/{row.organization.slug}"
            words = f"You act for {row.organization.name} now."
    except (InvitationOver, StaleLink) as refusal:
        return _over(refusal)
    if is_new:
        login.start(Person.of(account))
        return see_other(onward, words)
    if current_user.is_authenticated and int(current_user.get_id()) == account.id:
        return see_other(onward, words)
    return see_other(f"/sign-in?next={onward}")


def _over(refusal: Refusal) -> ResponseReturnValue:
    state = refusal.state if isinstance(refusal, InvitationOver) else "stale"
    return make_response(
        page("coalitions/invitation_over.html", sentence=refusal.sentence, state=state), refusal.status
    )
