"""A statement's page in the workroom, the list of them, its revisions, and the preview of what is being typed."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from app.coalitions.queries import coalition_for, rights_of
from app.coalitions.roles import Right
from app.core import markup
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.diffs import word_diff
from app.core.text import short_digest
from app.statements import queries
from app.statements.commands import Restoring, restore_revision
from app.statements.rules import stage
from app.statements.views.shared import LABELS, NUMBER, PAGE, SAID, TONES, acting, at, blueprint, common, found, home
from app.web.forms import form_state, posted, redisplays
from app.web.pages import cursor, page, see_other
from app.web.security import actor, signed_in

LONGEST_PREVIEW = 100_000
REVISIONS_PER_PAGE = 50


@blueprint.post("/work/preview")
@signed_in
def preview() -> ResponseReturnValue:
    """The typed Markdown as safe HTML, for the box below a text field."""
    return markup.to_html(request.form.get("text", "")[:LONGEST_PREVIEW], prefix="preview")


@blueprint.get("/work/<coalition>/statements")
@signed_in
def index(coalition: str) -> ResponseReturnValue:
    """Every statement of a coalition and where it stands."""
    with reading() as session:
        ours = coalition_for(session, coalition, by=actor())
        rows = queries.statements_in(session, ours.id)
        return page(
            "statements/list.html",
            coalition=ours,
            demo=ours.is_demo,
            zone=ours.zone,
            statements=[(row, home(row), stage(row).value) for row in rows],
            labels={one.value: label for one, label in LABELS.items()},
            may_organize=Right.ORGANIZE in rights_of(session, ours.id, by=actor()),
        )


@blueprint.get(PAGE)
@signed_in
def show(coalition: str, slug: str, number: int | None = None) -> ResponseReturnValue:
    """Where the text stands, the one next act, who says what, and what is open."""
    _ = number  # a refused act on a suggestion or comment comes back here
    with reading() as session:
        statement = found(session, coalition, slug)
        table = queries.review_table(session, statement)
        answering = {organization.id for organization in acting(session, statement, Right.TAKE_POSITION)}
        suggestions = queries.suggestions_of(session, statement, open_only=True)
        return page(
            "statements/show.html",
            **common(session, statement),
            head=queries.head_of(session, statement),
            table=table,
            answered=sum(row.current for row in table),
            objections=sum(row.current and row.position.answer.value == "object" for row in table if row.position),
            owed=[
                row.party.organization for row in table if row.party.organization_id in answering and not row.current
            ],
            own={organization.id for organization in acting(session, statement, Right.COMMENT)},
            suggestions=[(row, word_diff(row.passage, row.replacement)) for row in suggestions],
            comments=queries.comments_of(session, statement),
            tones=TONES,
            said=SAID,
            short=short_digest,
            form=form_state(),
        )


@blueprint.get(f"{PAGE}/revisions")
@signed_in
def revisions(coalition: str, slug: str) -> ResponseReturnValue:
    """Every revision: who, for which organization, when, with which digest."""
    with reading() as session:
        statement = found(session, coalition, slug)
        rows = queries.revisions_of(session, statement, before=cursor(), limit=REVISIONS_PER_PAGE + 1)
        older = rows[REVISIONS_PER_PAGE - 1].number if len(rows) > REVISIONS_PER_PAGE else None
        return page(
            "statements/revisions.html",
            **common(session, statement),
            revisions=rows[:REVISIONS_PER_PAGE],
            older=older,
            short=short_digest,
        )


@blueprint.get(f"{PAGE}/revisions/{NUMBER}")
@signed_in
def revision(coalition: str, slug: str, number: int) -> ResponseReturnValue:
    """One revision and what it changed, against the one before or ``?against=``."""
    with reading() as session:
        statement = found(session, coalition, slug)
        row = queries.revision_of(session, statement, number)
        against = request.args.get("against", type=int)
        if against is None or not 1 <= against <= statement.head_number:
            against = number - 1
        other = queries.revision_of(session, statement, against) if against else None
        return page(
            "statements/revision.html",
            **common(session, statement),
            revision=row,
            other=other,
            parts_of_change=word_diff(other.text, row.text) if other is not None else [],
            form=form_state({"against": against}),
        )


@blueprint.post(f"{PAGE}/revisions/{NUMBER}/restore")
@signed_in
@redisplays(revision)
def restore(coalition: str, slug: str, number: int) -> ResponseReturnValue:
    """Bring this text back as a new revision."""
    entry = posted(Restoring)
    with transaction() as session:
        statement = found(session, coalition, slug)
        saved = restore_revision(session, statement, entry, by=actor(), now=utc_now())
    return see_other(at(coalition, slug), f"The text of revision {number} is back, as revision {saved.number}.")
