"""Correcting, withdrawing and disputing by the links of the receipt and of the notice to the organization."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.signons import commands, queries
from app.signons.commands import Correction, Dispute, Withdrawal
from app.signons.models import SignOn
from app.signons.views.blueprint import blueprint, desk, holder
from app.web.forms import form_state, posted, redisplays
from app.web.pages import page, see_other
from app.web.security import link_holder

MANAGE, DISPUTE = "sign-on-manage", "sign-on-dispute"


def correction_of(row: SignOn) -> dict[str, str]:
    """What the form for a correction starts with."""
    return {
        "listed_as": row.listed_as,
        "signatory_name": row.signatory_name,
        "signatory_title": row.signatory_title,
    }


@blueprint.get("/sign-on/manage/<token>")
@link_holder
def manage(token: str) -> ResponseReturnValue:
    """How the name stands; while the sign-on is open, forms to correct it and to take it back."""
    with reading() as session:
        row = queries.sign_on_by_link(session, MANAGE, token, now=utc_now())
        shared = desk(row.statement, row.organization, row)
        form, leaving = form_state(correction_of(row)), form_state(name="withdraw")
        base = f"/sign-on/manage/{token}"
        return page("signons/manage.html", form=form, leaving=leaving, base=base, **shared)


@blueprint.post("/sign-on/manage/<token>/correct")
@link_holder
@redisplays(manage)
def correct(token: str) -> ResponseReturnValue:
    """Correct the name as it is printed, or who signed."""
    with transaction() as session:
        row = queries.sign_on_by_link(session, MANAGE, token, now=utc_now())
        by = holder(row.organization, "receipt")
        commands.correct(session, row, posted(Correction), by=by, now=utc_now())
    return see_other(f"/sign-on/manage/{token}")


@blueprint.post("/sign-on/manage/<token>/withdraw")
@link_holder
@redisplays(manage, name="withdraw")
def withdraw(token: str) -> ResponseReturnValue:
    """Take the name back."""
    with transaction() as session:
        row = queries.sign_on_by_link(session, MANAGE, token, now=utc_now())
        by = holder(row.organization, "receipt")
        commands.withdraw(session, row, posted(Withdrawal), by=by, now=utc_now())
    return see_other(f"/sign-on/manage/{token}")


@blueprint.get("/sign-on/dispute/<token>")
@link_holder
def ask_dispute(token: str) -> ResponseReturnValue:
    """Who signed in the organization's name, and the form that says: not us."""
    with reading() as session:
        row = queries.sign_on_by_link(session, DISPUTE, token, now=utc_now())
        shared = desk(row.statement, row.organization, row)
        return page("signons/dispute.html", form=form_state(), base=f"/sign-on/dispute/{token}", **shared)


@blueprint.post("/sign-on/dispute/<token>")
@link_holder
@redisplays(ask_dispute)
def dispute(token: str) -> ResponseReturnValue:
    """Take the name off the roll and tell the organizers."""
    with transaction() as session:
        row = queries.sign_on_by_link(session, DISPUTE, token, now=utc_now())
        by = holder(row.organization, "notice")
        commands.dispute(session, row, posted(Dispute), by=by, now=utc_now())
    return see_other(f"/sign-on/dispute/{token}")
