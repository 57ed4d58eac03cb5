"""Signing in and out, passwords, and one's own account. No answer tells who has an account."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, make_response, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.accounts import commands, queries, rules
from app.accounts.commands import AccountFacts, Mailbox, NewPassword, PasswordChange, PasswordSignIn, Try
from app.accounts.models import Account, LinkPurpose
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.tokens import StaleLink
from app.mail.queries import nothing_leaves
from app.web import login
from app.web.forms import form_state, posted, redisplays
from app.web.login import Person
from app.web.pages import page, see_other
from app.web.security import actor, link_holder, safe_next, signed_in, visitor

blueprint = Blueprint("accounts", __name__)


def load_person(account_id: int, epoch: int) -> Person | None:
    """The person of a session, unless the account signed out everywhere since."""
    with reading() as session:
        account = session.get(Account, account_id)
        if account is None or account.epoch != epoch:
            return None
        return Person.of(account)


@blueprint.get("/sign-in")
@visitor
def sign_in() -> ResponseReturnValue:
    """One address, and either a password or a link by mail."""
    onward = safe_next(request.args.get("next"))
    if current_user.is_authenticated:
        return see_other(onward)
    form = form_state({"next": onward})
    return page("accounts/sign_in.html", form=form, signed_out="signed-out" in request.args)


@blueprint.post("/sign-in")
@visitor
@redisplays(sign_in)
def sign_in_now() -> ResponseReturnValue:
    """Sign in with a password, or have a link mailed."""
    onward = safe_next(request.form.get("next"))
    if request.form.get("how") == "link":
        return _mail_link(onward)
    entry, now = posted(PasswordSignIn), utc_now()
    with transaction() as session:
        commands.spend_try(session, Try.SIGN_IN, entry.email, by=actor(), now=now)
    with reading() as session:
        proven = commands.sign_in_with_password(session, entry)
        account_id, epoch, old_hash = proven.id, proven.epoch, proven.password_hash
    new_hash = rules.hashed(entry.password) if old_hash and rules.outdated(old_hash) else None
    with transaction() as session:
        account = commands.note_sign_in(session, account_id, epoch=epoch, new_hash=new_hash, now=now)
    login.start(Person.of(account))
    return see_other(onward)


def _mail_link(onward: str) -> ResponseReturnValue:
    entry, now = posted(Mailbox), utc_now()
    with transaction() as session:
        commands.spend_try(session, Try.SIGN_IN_LINK, entry.email, by=actor(), now=now)
    with transaction() as session:
        wanted = entry.model_copy(update={"next": "" if onward == safe_next(None) else onward})
        commands.request_sign_in_link(session, wanted, by=actor(), now=now)
    return see_other("/sign-in/sent")


@blueprint.get("/sign-in/sent")
@visitor
def sent() -> ResponseReturnValue:
    """The same page for a known and an unknown address."""
    return _on_its_way(commands.LINK_LASTS, reset=False)


def _on_its_way(lasts: timedelta, *, reset: bool) -> ResponseReturnValue:
    """What to expect of the mailbox. Nothing here depends on whether a letter was written at all."""
    with reading() as session:
        delayed = nothing_leaves(session, now=utc_now())
    return page(
        "accounts/sent.html",
        minutes=int(lasts.total_seconds() // 60),
        wanted=int(commands.WANTED.total_seconds() // 60),
        reset=reset,
        delayed=delayed,
    )


@blueprint.get("/sign-in/link/<token>")
@link_holder
def link(token: str) -> ResponseReturnValue:
    """Opening the link shows a button; a mail scanner that opens it signs nobody in."""
    try:
        with reading() as session:
            found = queries.link(session, token, LinkPurpose.SIGN_IN, now=utc_now())
            account = queries.account(session, found.account_id)
            return page("accounts/link.html", account=account, action=request.full_path.rstrip("?"))
    except StaleLink as refusal:
        return _stale(refusal, reset=False)


@blueprint.post("/sign-in/link/<token>")
@link_holder
def use_link(token: str) -> ResponseReturnValue:
    """Sign in, once."""
    try:
        with transaction() as session:
            account = commands.use_link(session, token, by=actor(), now=utc_now())
    except StaleLink as refusal:
        return _stale(refusal, reset=False)
    login.start(Person.of(account))
    return see_other(safe_next(request.args.get("next")))


def _stale(refusal: StaleLink, *, reset: bool) -> ResponseReturnValue:
    return make_response(page("accounts/stale.html", reset=reset), refusal.status)


@blueprint.post("/sign-out")
@visitor
def sign_out() -> ResponseReturnValue:
    """End this browser's session. Another site cannot post here, and nothing is lost if the session is gone."""
    login.end()
    return see_other("/sign-in?signed-out")


@blueprint.get("/password/forgotten")
@visitor
def forgotten() -> ResponseReturnValue:
    """Ask for a link to choose a new password."""
    return page("accounts/forgotten.html", form=form_state())


@blueprint.post("/password/forgotten")
@visitor
@redisplays(forgotten)
def forgotten_now() -> ResponseReturnValue:
    """Mail the link, if the address is known; say the same if it is not."""
    entry, now = posted(Mailbox), utc_now()
    with transaction() as session:
        commands.spend_try(session, Try.RESET_LINK, entry.email, by=actor(), now=now)
    with transaction() as session:
        commands.request_password_reset(session, entry, by=actor(), now=now)
    return see_other("/password/forgotten/sent")


@blueprint.get("/password/forgotten/sent")
@visitor
def forgotten_sent() -> ResponseReturnValue:
    """The same page for a known and an unknown address."""
    return _on_its_way(commands.RESET_LASTS, reset=True)


@blueprint.get("/password/reset/<token>")
@link_holder
def reset(token: str) -> ResponseReturnValue:
    """Choose a new password."""
    try:
        with reading() as session:
            found = queries.link(session, token, LinkPurpose.RESET_PASSWORD, now=utc_now())
            account = queries.account(session, found.account_id)
            return page("accounts/reset.html", form=form_state(), account=account, action=request.path)
    except StaleLink as refusal:
        return _stale(refusal, reset=True)


@blueprint.post("/password/reset/<token>")
@link_holder
@redisplays(reset)
def reset_now(token: str) -> ResponseReturnValue:
    """Set it, end every other session, and sign in."""
    try:
        with transaction() as session:
            account = commands.reset_password(session, token, posted(NewPassword), by=actor(), now=utc_now())
    except StaleLink as refusal:
        return _stale(refusal, reset=True)
    login.start(Person.of(account))
    return see_other("/account", "Your new password is set, and every other session was signed out.")


@blueprint.get("/account")
@signed_in
def account() -> ResponseReturnValue:
    """One's own account."""
    with reading() as session:
        mine = queries.account(session, actor().account_id)
        facts, password = form_state({"name": mine.name}, name="facts"), form_state(name="password")
        form = password if password.errors else facts
        return page("accounts/account.html", account=mine, facts=facts, password=password, form=form)


@blueprint.post("/account")
@signed_in
@redisplays(account, name="facts")
def edit_account() -> ResponseReturnValue:
    """Change one's name."""
    with transaction() as session:
        mine = queries.account(session, actor().account_id)
        commands.edit_account(session, mine.id, posted(AccountFacts), by=actor(), now=utc_now())
    return see_other("/account", "Your name is saved.")


@blueprint.post("/account/password")
@signed_in
@redisplays(account, name="password")
def change_password() -> ResponseReturnValue:
    """Set a new password; this session goes on, all others end."""
    entry, now = posted(PasswordChange), utc_now()
    with transaction() as session:
        commands.spend_try(session, Try.PASSWORD_CHANGE, str(current_user.email), by=actor(), now=now)
    with transaction() as session:
        mine = queries.account(session, actor().account_id)
        mine = commands.change_password(session, mine.id, entry, by=actor(), now=now)
    login.start(Person.of(mine))
    return see_other("/account", "Your new password is set, and every other session was signed out.")


@blueprint.post("/account/sign-out-everywhere")
@signed_in
def sign_out_everywhere() -> ResponseReturnValue:
    """End every session, this one too."""
    with transaction() as session:
        mine = queries.account(session, actor().account_id)
        commands.sign_out_everywhere(session, mine, by=actor(), now=utc_now())
    login.end()
    return see_other("/sign-in?signed-out")
