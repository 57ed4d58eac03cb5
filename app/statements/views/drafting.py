"""Beginning a statement and editing its text; what to do when somebody else saved meanwhile."""

from __future__ import annotations

from flask import make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from app.campaigns.queries import campaign_for
from app.coalitions.queries import organizations_acting
from app.coalitions.roles import Right
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.diffs import word_diff
from app.statements import queries
from app.statements.commands import NewRevision, NewStatement, save_revision, start_statement
from app.statements.rules import Overtaken
from app.statements.views.shared import PAGE, acting, at, blueprint, common, found, home
from app.web.forms import FormState, form_state, posted, redisplays
from app.web.pages import page, see_other
from app.web.security import actor, signed_in

NEW = "/work/<coalition>/campaigns/<campaign>/statements/new"


@blueprint.get(NEW)
@signed_in
def new(coalition: str, campaign: str) -> ResponseReturnValue:
    """The form that begins a statement."""
    with reading() as session:
        demand = campaign_for(session, campaign, by=actor(), right=Right.ORGANIZE, within=coalition)
        return page(
            "statements/new.html",
            coalition=demand.coalition,
            demo=demand.coalition.is_demo,
            campaign=demand,
            organizations=organizations_acting(session, demand.coalition_id, by=actor(), right=Right.ORGANIZE),
            form=form_state({"title": "", "text": ""}),
        )


@blueprint.post(NEW)
@signed_in
@redisplays(new)
def begin(coalition: str, campaign: str) -> ResponseReturnValue:
    """Begin the statement."""
    entry = posted(NewStatement)
    with transaction() as session:
        demand = campaign_for(session, campaign, by=actor(), right=Right.ORGANIZE, within=coalition)
        statement = start_statement(session, demand, entry, by=actor(), now=utc_now())
        path = home(statement)
    return see_other(path, "Saved as revision 1.")


@blueprint.get(f"{PAGE}/edit")
@signed_in
def edit(coalition: str, slug: str) -> ResponseReturnValue:
    """The text in a field, with the number of the revision it is."""
    with reading() as session:
        statement = found(session, coalition, slug, Right.DRAFT)
        head = queries.head_of(session, statement)
        return page(
            "statements/edit.html",
            **common(session, statement),
            head=head,
            organizations=acting(session, statement, Right.DRAFT),
            form=form_state({"text": head.text, "based_on": head.number, "note": ""}),
        )


@blueprint.post(f"{PAGE}/edit")
@signed_in
@redisplays(edit)
def save(coalition: str, slug: str) -> ResponseReturnValue:
    """Save a revision; when both changed one passage, show both and a draft that joins them."""
    entry, now = posted(NewRevision), utc_now()
    try:
        with transaction() as session:
            statement = found(session, coalition, slug, Right.DRAFT)
            saved = save_revision(session, statement, entry, by=actor(), now=now)
    except Overtaken as overtaken:
        return _both(coalition, slug, entry, overtaken)
    if saved.created_at != now:
        return see_other(
            at(coalition, slug), f"These words are revision {saved.number} already, so nothing was saved again."
        )
    if saved.merged():
        notice = (
            f"Saved as revision {saved.number}. Somebody saved while you were writing: "
            "your changes and theirs are both in the text. Read it once more."
        )
        return see_other(f"{at(coalition, slug)}/revisions/{saved.number}", notice)
    return see_other(at(coalition, slug), f"Saved as revision {saved.number}.")


def _both(coalition: str, slug: str, entry: NewRevision, overtaken: Overtaken) -> Response:
    """Theirs, mine, and the draft to finish; nothing typed is lost, and the second try begins from theirs."""
    values = {
        "text": overtaken.merge.text,
        "based_on": str(overtaken.head_number),
        "note": entry.note,
        "organization_id": request.form.get("organization_id", ""),
    }
    with reading() as session:
        statement = found(session, coalition, slug, Right.DRAFT)
        theirs = queries.revision_of(session, statement, overtaken.head_number)
        base = queries.revision_of(session, statement, entry.based_on)
        shown = page(
            "statements/conflict.html",
            **common(session, statement),
            theirs=theirs,
            base=base,
            their_changes=word_diff(base.text, theirs.text),
            my_changes=word_diff(base.text, overtaken.mine),
            form=FormState(values=values, errors={"": overtaken.sentence}),
        )
    response = make_response(shown, overtaken.status)
    response.headers["Cache-Control"] = "no-store"
    return response
