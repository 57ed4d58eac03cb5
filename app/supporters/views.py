"""A supporter's own pages: leave one sender by one click, see and change every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from app.coalitions.queries import only_demonstrations
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.mailings import commands as mailings
from app.supporters import commands, queries, rules
from app.web.forms import form_state
from app.web.pages import page, see_other
from app.web.security import from_anywhere, link_holder

if TYPE_CHECKING:
    from app.coalitions.models import Organization

blueprint = Blueprint("supporters", __name__)


@blueprint.get("/unsubscribe/<token>")
@link_holder
def unsubscribe(token: str) -> ResponseReturnValue:
    """One button; opening the page leaves nothing."""
    with reading() as session:
        _, organization = queries.by_unsubscribe_link(session, token, now=utc_now())
        demo = only_demonstrations(session, [organization.id] if organization else [])
    return _page(token, organization, "asked", demo=demo)


@blueprint.post("/unsubscribe/<token>")
@link_holder
@from_anywhere
def leave(token: str) -> ResponseReturnValue:
    """Leave one sender at once: by the button, or by a mail program's one-click post (RFC 8058)."""
    now = utc_now()
    one_click = request.form.get("List-Unsubscribe") == "One-Click"
    with transaction() as session:
        supporter, organization = queries.by_unsubscribe_link(session, token, now=now)
        if supporter is not None and organization is not None:
            source = "one-click unsubscribe" if one_click else "unsubscribe page"
            words = rules.ONE_CLICK if one_click else rules.leaving(organization.name)
            commands.leave(session, supporter, organization, words=words, source=source, now=now)
            mailings.left(session, queries.mailing_of_link(token, now=now), supporter.id, now=now)
        demo = only_demonstrations(session, [organization.id] if organization else [])
    return _page(token, organization, "left", demo=demo, to_a_program=one_click)


@blueprint.post("/unsubscribe/<token>/back")
@link_holder
def stay(token: str) -> ResponseReturnValue:
    """Take it back. Not by a program: only a button on our own page leads here."""
    now = utc_now()
    with transaction() as session:
        supporter, organization = queries.by_unsubscribe_link(session, token, now=now)
        stays = False
        if supporter is not None and organization is not None:
            stays = commands.stay(session, supporter, organization, source="unsubscribe page", now=now)
        demo = only_demonstrations(session, [organization.id] if organization else [])
    return _page(token, organization, "back" if stays else "nothing", demo=demo)


def _page(
    token: str, organization: Organization | None, state: str, *, demo: bool, to_a_program: bool = False
) -> ResponseReturnValue:
    """The same words after leaving for everybody, erased or not. A program gets no link to a person's answers."""
    name, now = organization.name if organization else "this sender", utc_now()
    # No longer than the link in the letter: whoever it was forwarded to gains no time by it.
    lasts = queries.end_of_link(token) - now
    manage = rules.preferences_path(queries.reader_of_link(token, now=now), now, lasts=lasts)
    return page(
        "supporters/unsubscribe.html",
        state=state,
        sender=name,
        demo=demo,
        token=token,
        button=rules.leaving(name),
        back=rules.staying(name),
        manage="" if to_a_program or state == "asked" else manage,
    )


@blueprint.get("/preferences/<token>")
@link_holder
def preferences(token: str) -> ResponseReturnValue:
    """Every answer, with the words it was given to."""
    with reading() as session:
        supporter = queries.by_preferences_link(session, token, now=utc_now())
        answers = queries.answers(session, supporter) if supporter else []
        return page(
            "supporters/preferences.html",
            supporter=supporter,
            demo=queries.in_a_demonstration(session, supporter),
            answers=answers,
            token=token,
            asked_again=rules.asked_again,
            leave_all=rules.LEAVE_ALL,
            form=form_state({f"answer-{one.organization.id}": "yes" if one.yes else "no" for one in answers}),
            saved=request.args.get("saved") == "yes",
        )


@blueprint.post("/preferences/<token>")
@link_holder
def change_preferences(token: str) -> ResponseReturnValue:
    """Take the new answers."""
    now = utc_now()
    with transaction() as session:
        supporter = queries.by_preferences_link(session, token, now=now)
        if supporter is not None:
            if request.form.get("everything") == "leave":
                commands.leave_all(session, supporter, source="preferences page", now=now)
            else:
                commands.change_consents(session, supporter, _chosen(queries.answers(session, supporter)), now=now)
    return see_other(f"/preferences/{token}?saved=yes")


def _chosen(answers: list[queries.Answered]) -> dict[int, bool]:
    """``answer-7=yes`` from the form as {7: True}; what is neither yes nor no, or was never asked, changes nothing."""
    given = {one.organization.id: request.form.get(f"answer-{one.organization.id}") for one in answers}
    return {ident: value == "yes" for ident, value in given.items() if value in {"yes", "no"}}
