"""The organizers' table of who answered what, and their acts: ask, ask again, take back, settle a dispute, close."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from flask import request
from flask.typing import ResponseReturnValue
from pydantic import Field

from app.coalitions.queries import parties
from app.coalitions.roles import Right
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import NotFound
from app.core.inputs import Input
from app.deliveries.rules import recipients
from app.signons import commands, queries
from app.signons.commands import Lifting
from app.signons.models import SignOn, SignOnRequest
from app.signons.rules import withdraw_until
from app.signons.views.blueprint import blueprint
from app.statements.models import Statement
from app.statements.queries import statement_for
from app.web.forms import form_state, posted, redisplays
from app.web.pages import page, see_other
from app.web.security import actor, signed_in

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

BASE = "/work/<coalition>/statements/<slug>/sign-ons"


def _ours(session: Session, coalition: str, slug: str) -> Statement:
    return statement_for(session, slug, by=actor(), right=Right.ORGANIZE, within=coalition)


def _here(coalition: str, slug: str) -> str:
    return f"/work/{coalition}/statements/{slug}/sign-ons"


@blueprint.get(BASE)
@signed_in
def answers(coalition: str, slug: str) -> ResponseReturnValue:
    """Who has answered what; ``?show=asked`` shows only those."""
    with reading() as session:
        statement = _ours(session, coalition, slug)
        rows = queries.answers(session, statement)
        counts = Counter(row.standing for row in rows)
        show = request.args.get("show", "")
        show = show if show in queries.STANDINGS else ""
        return page(
            "signons/answers.html",
            statement=statement,
            coalition=statement.campaign.coalition,
            demo=statement.campaign.coalition.is_demo,
            base=_here(coalition, slug),
            open=statement.accepts_signons(utc_now()),
            rows=[row for row in rows if show in {"", row.standing}],
            askable=[row for row in rows if row.standing in {"not asked", "request taken back"} and row.address],
            unreachable=[row for row in rows if row.standing == "not asked" and not row.address],
            counts=counts,
            standings=queries.STANDINGS,
            parts=[(name.capitalize(), counts[name], tone) for name, tone in queries.STANDINGS.items()],
            show=show,
            by_day=queries.signed_by_day(session, statement),
            edition=queries.edition_of(session, statement.id),
            form=form_state(),
        )


class Chosen(Input):
    """The organizations, or the one request, an organizer means; nothing chosen means all."""

    organization_id: list[int] = Field(default=[])
    request_id: int | None = None


@blueprint.post(f"{BASE}/ask")
@signed_in
@redisplays(answers)
def ask(coalition: str, slug: str) -> ResponseReturnValue:
    """Ask the chosen organizations, or all that were not asked yet."""
    with transaction() as session:
        statement = _ours(session, coalition, slug)
        chosen = set(posted(Chosen).organization_id)
        known = {row.organization.id for row in queries.answers(session, statement) if row.standing != "not asked"}
        groups = [
            party.organization
            for party in parties(session, statement.campaign.coalition_id)
            if (party.organization_id in chosen if chosen else party.organization_id not in known)
        ]
        asked = commands.ask_to_sign(session, statement, groups, by=actor(), now=utc_now())
    return see_other(_here(coalition, slug), _counted(len(asked), "asked"))


def _counted(number: int, act: str) -> str:
    if number == 0:
        return "There was nobody to write to."
    return f"{number} organizations were {act}." if number > 1 else f"One organization was {act}."


@blueprint.post(f"{BASE}/resend")
@signed_in
@redisplays(answers)
def resend(coalition: str, slug: str) -> ResponseReturnValue:
    """Send a new link to one organization, or to all that were asked and have not answered."""
    with transaction() as session:
        statement = _ours(session, coalition, slug)
        one = posted(Chosen).request_id
        if one is not None:
            commands.resend_request(session, _request(session, statement, one), by=actor(), now=utc_now())
            number = 1
        else:
            number = len(commands.resend_to_unanswered(session, statement, by=actor(), now=utc_now()))
    return see_other(_here(coalition, slug), _counted(number, "asked again"))


def _request(session: Session, statement: Statement, ident: int | None) -> SignOnRequest:
    row = session.get(SignOnRequest, ident or 0)
    if row is None or row.statement_id != statement.id:
        raise NotFound
    return row


@blueprint.post(f"{BASE}/revoke")
@signed_in
@redisplays(answers)
def revoke(coalition: str, slug: str) -> ResponseReturnValue:
    """Take a request back."""
    with transaction() as session:
        statement = _ours(session, coalition, slug)
        row = _request(session, statement, posted(Chosen).request_id)
        commands.revoke_request(session, row, by=actor(), now=utc_now())
    return see_other(_here(coalition, slug), f"The link sent to {row.organization.name} no longer works.")


@blueprint.get(f"{BASE}/<int:sign_on>/dispute")
@signed_in
def ask_lift(coalition: str, slug: str, sign_on: int) -> ResponseReturnValue:
    """What an organization disputes, and the form that settles it."""
    with reading() as session:
        statement = _ours(session, coalition, slug)
        row = _sign_on(session, statement, sign_on)
        return page(
            "signons/lift.html",
            statement=statement,
            coalition=statement.campaign.coalition,
            demo=statement.campaign.coalition.is_demo,
            base=_here(coalition, slug),
            row=row,
            form=form_state(),
        )


def _sign_on(session: Session, statement: Statement, ident: int) -> SignOn:
    row = session.get(SignOn, ident)
    if row is None or row.statement_id != statement.id:
        raise NotFound
    return row


@blueprint.post(f"{BASE}/<int:sign_on>/dispute")
@signed_in
@redisplays(ask_lift)
def lift(coalition: str, slug: str, sign_on: int) -> ResponseReturnValue:
    """Put a disputed name back."""
    with transaction() as session:
        row = _sign_on(session, _ours(session, coalition, slug), sign_on)
        commands.lift_dispute(session, row, posted(Lifting), by=actor(), now=utc_now())
    return see_other(_here(coalition, slug), f"{row.organization.name} is on the roll again.")


@blueprint.get(f"{BASE}/close")
@signed_in
def ask_close(coalition: str, slug: str) -> ResponseReturnValue:
    """What closing does, before it is done: the roll as it will be fixed and whom the letter goes to."""
    with reading() as session:
        statement = _ours(session, coalition, slug)
        return page(
            "signons/close.html",
            statement=statement,
            coalition=statement.campaign.coalition,
            demo=statement.campaign.coalition.is_demo,
            base=_here(coalition, slug),
            groups=queries.roll_groups(session, statement.id),
            number=queries.count(session, statement.id),
            waiting=len(queries.unanswered(session, statement.id)),
            targets=recipients(statement.campaign.targets),
            is_open=statement.accepts_signons(utc_now()),
            withdraw_until=withdraw_until(statement),
            form=form_state(),
        )


@blueprint.post(f"{BASE}/close")
@signed_in
@redisplays(ask_close)
def close(coalition: str, slug: str) -> ResponseReturnValue:
    """Close now."""
    with transaction() as session:
        edition = commands.close(session, _ours(session, coalition, slug), by=actor(), now=utc_now())
        names = len(edition.names) if edition is not None else 0
    done = (
        f"The sign-on is closed with {names} names. The letter is being set and sent."
        if names
        else ("The sign-on is closed. Nobody signed, so nothing is sent.")
    )
    return see_other(_here(coalition, slug), done)
