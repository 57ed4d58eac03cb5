"""Answering from the workroom, for people who may sign for an organization of the coalition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import request
from flask.typing import ResponseReturnValue

from app.coalitions.models import Membership, Organization
from app.coalitions.queries import acting_for, organizations_acting
from app.coalitions.roles import Right
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import Conflict
from app.signons import commands, queries
from app.signons.commands import Correction, Decline, NewSignOn, Withdrawal
from app.signons.models import SignOn
from app.signons.views.blueprint import blueprint, desk, kept
from app.signons.views.managing import correction_of
from app.statements.models import Statement
from app.statements.queries import statement_for
from app.web.forms import form_state, posted, redisplays
from app.web.pages import page, see_other
from app.web.security import actor, signed_in

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Seat:
    """Somebody's place at the table: the statement, and the organization they answer for."""

    statement: Statement
    organization: Organization
    others: list[Organization]
    known: SignOn | None
    base: str
    query: str


def _seat(session: Session, coalition: str, slug: str) -> Seat:
    """The statement and the organization chosen by ``?for=<slug>``, or the first that this person may sign for."""
    by = actor()
    statement = statement_for(session, slug, by=by, right=Right.SIGN, within=coalition)
    coalition_id = statement.campaign.coalition_id
    mine = organizations_acting(session, coalition_id, by=by, right=Right.SIGN)
    chosen = next((one.id for one in mine if one.slug == request.args.get("for")), None)
    organization = acting_for(session, coalition_id, by=by, right=Right.SIGN, organization_id=chosen)
    if statement.before_opening():
        message = "This text is not open for sign-on yet. Its organizers open it once the words are frozen."
        raise Conflict(message)
    return Seat(
        statement=statement,
        organization=organization,
        others=[one for one in mine if one.id != organization.id],
        known=queries.sign_on_for(session, statement.id, organization.id),
        base=f"/work/{coalition}/statements/{slug}/sign",
        query=f"?for={organization.slug}",
    )


def _initial(session: Session, seat: Seat) -> dict[str, str]:
    membership = (
        session.query(Membership)
        .filter_by(account_id=actor().account_id, organization_id=seat.organization.id)
        .one_or_none()
    )
    return {
        "listed_as": seat.organization.name,
        "signatory_name": membership.account.name if membership else "",
        "signatory_title": membership.title if membership else "",
        "signatory_email": membership.account.email if membership else "",
        "digest": seat.statement.digest or "",
    }


@blueprint.get("/work/<coalition>/statements/<slug>/sign")
@signed_in
def sign_inside(coalition: str, slug: str) -> ResponseReturnValue:
    """The letter and the form for my organization; once signed, how it stands."""
    with reading() as session:
        seat = _seat(session, coalition, slug)
        shared = desk(seat.statement, seat.organization, seat.known)
        if shared["stands"] and seat.known is not None:
            form = form_state(correction_of(seat.known))
            return page(
                "signons/inside_signed.html", form=form, leaving=form_state(name="withdraw"), seat=seat, **shared
            )
        refusing = form_state({"reason": seat.known.reason if seat.known else ""}, name="decline")
        return page(
            "signons/inside.html", form=form_state(_initial(session, seat)), refusing=refusing, seat=seat, **shared
        )


@blueprint.post("/work/<coalition>/statements/<slug>/sign/change")
@signed_in
def change_inside(coalition: str, slug: str) -> ResponseReturnValue:
    """Back from the review to the form, with what was typed."""
    with reading() as session:
        seat = _seat(session, coalition, slug)
        shared = desk(seat.statement, seat.organization, seat.known)
        form = form_state(kept(request.form) | {"digest": seat.statement.digest or ""})
        return page("signons/inside.html", form=form, refusing=form_state(name="decline"), seat=seat, **shared)


@blueprint.post("/work/<coalition>/statements/<slug>/sign/review")
@signed_in
@redisplays(sign_inside)
def review_inside(coalition: str, slug: str) -> ResponseReturnValue:
    """The last look before it binds."""
    with reading() as session:
        seat = _seat(session, coalition, slug)
        entry = posted(NewSignOn)
        commands.refuse_unless_signable(session, seat.statement, seat.organization, entry, by=actor(), now=utc_now())
        shared = desk(seat.statement, seat.organization, seat.known)
        if shared["stands"]:
            return see_other(seat.base + seat.query)
        return page("signons/inside_review.html", entry=entry, fields=kept(request.form), seat=seat, **shared)


@blueprint.post("/work/<coalition>/statements/<slug>/sign")
@signed_in
@redisplays(sign_inside)
def bind_inside(coalition: str, slug: str) -> ResponseReturnValue:
    """It binds."""
    with transaction() as session:
        seat = _seat(session, coalition, slug)
        commands.sign_on(session, seat.statement, seat.organization, posted(NewSignOn), by=actor(), now=utc_now())
    return see_other(seat.base + seat.query, f"{seat.organization.name} has signed. A receipt is on its way.")


@blueprint.post("/work/<coalition>/statements/<slug>/sign/decline")
@signed_in
@redisplays(sign_inside, name="decline")
def decline_inside(coalition: str, slug: str) -> ResponseReturnValue:
    """Say no for my organization."""
    with transaction() as session:
        seat = _seat(session, coalition, slug)
        commands.decline(session, seat.statement, seat.organization, posted(Decline), by=actor(), now=utc_now())
    return see_other(seat.base + seat.query, f"The organizers see that {seat.organization.name} does not sign.")


def _standing(seat: Seat) -> SignOn:
    if seat.known is None:
        message = f"{seat.organization.name} has not answered yet."
        raise Conflict(message)
    return seat.known


@blueprint.post("/work/<coalition>/statements/<slug>/sign/correct")
@signed_in
@redisplays(sign_inside)
def correct_inside(coalition: str, slug: str) -> ResponseReturnValue:
    """Correct how the name is printed."""
    with transaction() as session:
        seat = _seat(session, coalition, slug)
        commands.correct(session, _standing(seat), posted(Correction), by=actor(), now=utc_now())
    return see_other(seat.base + seat.query, "The name is corrected.")


@blueprint.post("/work/<coalition>/statements/<slug>/sign/withdraw")
@signed_in
@redisplays(sign_inside, name="withdraw")
def withdraw_inside(coalition: str, slug: str) -> ResponseReturnValue:
    """Take the name back."""
    with transaction() as session:
        seat = _seat(session, coalition, slug)
        commands.withdraw(session, _standing(seat), posted(Withdrawal), by=actor(), now=utc_now())
    return see_other(seat.base + seat.query, f"{seat.organization.name} is off the roll.")
