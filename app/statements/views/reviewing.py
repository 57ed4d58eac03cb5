"""Asking for review, answering for an organization, suggesting, remarking."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from app.coalitions.queries import acting_for
from app.coalitions.roles import Right
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.statements import commands, queries
from app.statements.commands import Decision, NewComment, NewPosition, NewSuggestion
from app.statements.views.shared import NUMBER, PAGE, SAID, acting, at, blueprint, common, found
from app.statements.views.showing import show
from app.web.forms import form_state, posted, redisplays
from app.web.pages import page, see_other
from app.web.security import actor, signed_in


@blueprint.post(f"{PAGE}/review")
@signed_in
@redisplays(show)
def review(coalition: str, slug: str) -> ResponseReturnValue:
    """Ask every organization for its answer."""
    with transaction() as session:
        statement = found(session, coalition, slug)
        commands.ask_for_review(session, statement, by=actor(), now=utc_now())
    return see_other(at(coalition, slug), "The organizations have been asked by e-mail for their answers.")


@blueprint.post(f"{PAGE}/drafting")
@signed_in
@redisplays(show)
def drafting_again(coalition: str, slug: str) -> ResponseReturnValue:
    """Take the text out of review."""
    with transaction() as session:
        statement = found(session, coalition, slug)
        commands.back_to_drafting(session, statement, by=actor(), now=utc_now())
    return see_other(at(coalition, slug), "The text is a draft again. Answers stay with the revisions they are about.")


@blueprint.get(f"{PAGE}/answer")
@signed_in
def answer(coalition: str, slug: str) -> ResponseReturnValue:
    """The text, and the three answers to it."""
    with reading() as session:
        statement = found(session, coalition, slug, Right.TAKE_POSITION)
        head = queries.head_of(session, statement)
        organizations = acting(session, statement, Right.TAKE_POSITION)
        wanted = request.args.get("for", type=int)
        chosen = next((one for one in organizations if one.id == wanted), organizations[0])
        table = queries.review_table(session, statement)
        before = next((row for row in table if row.party.organization_id == chosen.id), None)
        return page(
            "statements/answer.html",
            **common(session, statement),
            head=head,
            organizations=organizations,
            chosen=chosen,
            before=before,
            said=SAID,
            form=form_state({"answer": "", "words": "", "revision": head.number, "organization_id": chosen.id}),
        )


@blueprint.post(f"{PAGE}/answer")
@signed_in
@redisplays(answer)
def take_position(coalition: str, slug: str) -> ResponseReturnValue:
    """Answer for the organization."""
    entry = posted(NewPosition)
    with transaction() as session:
        statement = found(session, coalition, slug, Right.TAKE_POSITION)
        organization = acting_for(
            session,
            statement.campaign.coalition_id,
            by=actor(),
            right=Right.TAKE_POSITION,
            organization_id=request.form.get("organization_id", type=int),
        )
        commands.take_position(session, statement, entry, organization, by=actor(), now=utc_now())
        notice = f"{organization.name} {SAID[entry.answer].lower()}. The answer may change until the next revision."
    return see_other(at(coalition, slug), notice)


@blueprint.get(f"{PAGE}/suggest")
@signed_in
def suggestion_form(coalition: str, slug: str) -> ResponseReturnValue:
    """The text to quote from, and the form that proposes other words."""
    with reading() as session:
        statement = found(session, coalition, slug, Right.COMMENT)
        return page(
            "statements/suggest.html",
            **common(session, statement),
            head=queries.head_of(session, statement),
            organizations=acting(session, statement, Right.COMMENT),
            form=form_state({"passage": "", "replacement": "", "reason": ""}),
        )


@blueprint.post(f"{PAGE}/suggest")
@signed_in
@redisplays(suggestion_form)
def suggest(coalition: str, slug: str) -> ResponseReturnValue:
    """Propose other words for a passage."""
    entry = posted(NewSuggestion)
    with transaction() as session:
        statement = found(session, coalition, slug, Right.COMMENT)
        commands.suggest(session, statement, entry, by=actor(), now=utc_now())
    return see_other(f"{at(coalition, slug)}#suggestions", "Your suggestion stands beside the text.")


@blueprint.post(f"{PAGE}/suggestions/{NUMBER}/decide")
@signed_in
@redisplays(show)
def decide(coalition: str, slug: str, number: int) -> ResponseReturnValue:
    """Accept or reject a suggestion."""
    entry = posted(Decision)
    with transaction() as session:
        statement = found(session, coalition, slug)
        suggestion = queries.suggestion_of(session, statement, number)
        commands.decide_suggestion(session, suggestion, entry, by=actor(), now=utc_now())
        accepted = f"The suggestion is accepted; the text is now revision {statement.head_number}."
    return see_other(at(coalition, slug), accepted if entry.accept else "The suggestion is rejected.")


@blueprint.post(f"{PAGE}/suggestions/{NUMBER}/withdraw")
@signed_in
@redisplays(show)
def withdraw(coalition: str, slug: str, number: int) -> ResponseReturnValue:
    """Take a suggestion back."""
    with transaction() as session:
        statement = found(session, coalition, slug)
        suggestion = queries.suggestion_of(session, statement, number)
        commands.withdraw_suggestion(session, suggestion, by=actor(), now=utc_now())
    return see_other(at(coalition, slug), "The suggestion is withdrawn.")


@blueprint.get(f"{PAGE}/comment")
@signed_in
def comment_form(coalition: str, slug: str) -> ResponseReturnValue:
    """The text to quote from, and the form for a remark."""
    with reading() as session:
        statement = found(session, coalition, slug, Right.COMMENT)
        return page(
            "statements/comment.html",
            **common(session, statement),
            head=queries.head_of(session, statement),
            organizations=acting(session, statement, Right.COMMENT),
            form=form_state({"passage": "", "body": ""}),
        )


@blueprint.post(f"{PAGE}/comment")
@signed_in
@redisplays(comment_form)
def comment(coalition: str, slug: str) -> ResponseReturnValue:
    """Remark on a passage or the whole text."""
    entry = posted(NewComment)
    with transaction() as session:
        statement = found(session, coalition, slug, Right.COMMENT)
        commands.comment(session, statement, entry, by=actor(), now=utc_now())
    return see_other(f"{at(coalition, slug)}#comments", "Your comment stands beside the text.")


@blueprint.post(f"{PAGE}/comments/{NUMBER}/resolve")
@signed_in
@redisplays(show)
def resolve(coalition: str, slug: str, number: int) -> ResponseReturnValue:
    """Settle a remark."""
    with transaction() as session:
        statement = found(session, coalition, slug)
        remark = queries.comment_of(session, statement, number)
        commands.resolve_comment(session, remark, by=actor(), now=utc_now())
    return see_other(f"{at(coalition, slug)}#comments", "The comment is settled.")
