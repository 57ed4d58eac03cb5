"""The screens on which the words are fixed, opened for sign-on, and given more time."""

from __future__ import annotations

from datetime import timedelta

from flask.typing import ResponseReturnValue

from app.coalitions.roles import Right
from app.core.clock import local, spoken, utc_now
from app.core.db import reading, transaction
from app.core.text import digest
from app.statements import commands, queries
from app.statements.commands import Freezing, Opening
from app.statements.models import Answer
from app.statements.views.shared import PAGE, at, blueprint, common, found
from app.statements.views.showing import show
from app.web.forms import form_state, posted, redisplays
from app.web.pages import page, see_other
from app.web.security import actor, signed_in

TWO_WEEKS = timedelta(days=14)
CLOSE_OF_BUSINESS = "17:00"


@blueprint.get(f"{PAGE}/freeze")
@signed_in
def freeze_review(coalition: str, slug: str) -> ResponseReturnValue:
    """The words, their digest, what is still open, and what freezing means."""
    with reading() as session:
        statement = found(session, coalition, slug, Right.ORGANIZE)
        head = queries.head_of(session, statement)
        table = queries.review_table(session, statement)
        return page(
            "statements/freeze.html",
            **common(session, statement),
            head=head,
            digest=digest(head.text),
            silent=[row.party.organization.name for row in table if not row.current],
            objecting=[
                row.party.organization.name
                for row in table
                if row.current and row.position is not None and row.position.answer is Answer.OBJECT
            ],
            suggestions=len(queries.suggestions_of(session, statement, open_only=True)),
            comments=sum(remark.resolved_at is None for remark in queries.comments_of(session, statement)),
            form=form_state(),
        )


@blueprint.post(f"{PAGE}/freeze")
@signed_in
@redisplays(freeze_review)
def freeze(coalition: str, slug: str) -> ResponseReturnValue:
    """Freeze the revision that was shown."""
    entry = posted(Freezing)
    with transaction() as session:
        statement = found(session, coalition, slug)
        commands.freeze(session, statement, entry, by=actor(), now=utc_now())
    return see_other(at(coalition, slug), "The words are frozen. Nobody can sign yet: open the text for sign-on next.")


@blueprint.post(f"{PAGE}/unfreeze")
@signed_in
@redisplays(show)
def unfreeze(coalition: str, slug: str) -> ResponseReturnValue:
    """Let the words change again."""
    with transaction() as session:
        statement = found(session, coalition, slug)
        commands.unfreeze(session, statement, by=actor(), now=utc_now())
    return see_other(at(coalition, slug), "The words can be changed again.")


@blueprint.get(f"{PAGE}/open")
@signed_in
def open_review(coalition: str, slug: str) -> ResponseReturnValue:
    """The frozen words and the deadline."""
    with reading() as session:
        statement = found(session, coalition, slug, Right.ORGANIZE)
        zone = statement.campaign.coalition.zone
        proposed = local(utc_now() + TWO_WEEKS, zone).date().isoformat()
        return page(
            "statements/open.html",
            **common(session, statement),
            head=queries.head_of(session, statement),
            clock=spoken(utc_now(), zone),
            form=form_state({"deadline_date": proposed, "deadline_time": CLOSE_OF_BUSINESS}),
        )


@blueprint.post(f"{PAGE}/open")
@signed_in
@redisplays(open_review)
def open_for_sign_on(coalition: str, slug: str) -> ResponseReturnValue:
    """Publish the words and let organizations sign."""
    entry = posted(Opening)
    with transaction() as session:
        statement = found(session, coalition, slug)
        commands.open_for_sign_on(session, statement, entry, by=actor(), now=utc_now())
        until = spoken(statement.deadline, statement.campaign.coalition.zone) if statement.deadline else ""
    return see_other(at(coalition, slug), f"Open for sign-on until {until}.")


@blueprint.get(f"{PAGE}/extend")
@signed_in
def extend_review(coalition: str, slug: str) -> ResponseReturnValue:
    """The present deadline, and a later one."""
    with reading() as session:
        statement = found(session, coalition, slug, Right.ORGANIZE)
        zone = statement.campaign.coalition.zone
        present = local(statement.deadline or utc_now(), zone)
        return page(
            "statements/extend.html",
            **common(session, statement),
            clock=spoken(utc_now(), zone),
            form=form_state({"deadline_date": present.date().isoformat(), "deadline_time": f"{present:%H:%M}"}),
        )


@blueprint.post(f"{PAGE}/extend")
@signed_in
@redisplays(extend_review)
def extend(coalition: str, slug: str) -> ResponseReturnValue:
    """Move the deadline."""
    entry = posted(Opening)
    with transaction() as session:
        statement = found(session, coalition, slug)
        commands.extend_deadline(session, statement, entry, by=actor(), now=utc_now())
        until = spoken(statement.deadline, statement.campaign.coalition.zone) if statement.deadline else ""
    return see_other(at(coalition, slug), f"The sign-on is open until {until}.")


@blueprint.post(f"{PAGE}/archive")
@signed_in
@redisplays(show)
def archive(coalition: str, slug: str) -> ResponseReturnValue:
    """Put a delivered letter away."""
    with transaction() as session:
        commands.archive(session, found(session, coalition, slug), by=actor(), now=utc_now())
    return see_other(at(coalition, slug), "The letter is archived. It stays public at its address.")


@blueprint.post(f"{PAGE}/unarchive")
@signed_in
@redisplays(show)
def unarchive(coalition: str, slug: str) -> ResponseReturnValue:
    """Take it out again."""
    with transaction() as session:
        commands.take_from_archive(session, found(session, coalition, slug), by=actor(), now=utc_now())
    return see_other(at(coalition, slug), "The letter is back among the delivered ones.")
