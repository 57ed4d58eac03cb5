"""What the pages of automated letters share: the blueprint, the letter, what our pages know of its words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.automations import messages, queries
from app.broadcasts import queries as updates
from app.broadcasts.rules import Field, Surroundings, own_paths
from app.mail import render
from app.web.acts import carried_out
from app.web.asking import missing
from app.web.forms import form_state
from app.web.pages import see_other
from app.web.security import actor

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.automations.models import Automation
    from app.mail.message import Message

blueprint = Blueprint("automations", __name__)
ROOT = "/work/<coalition>/petitions/<slug>/automation"
ONE = f"{ROOT}/<int:ident>"


def back(coalition: str, slug: str, ident: int, notice: str) -> ResponseReturnValue:
    """Go to the letter's page."""
    return see_other(f"/work/{coalition}/petitions/{slug}/automation/{ident}", notice)


def act(
    coalition: str, slug: str, ident: int, command: Callable[..., object], *entry: object, notice: str
) -> ResponseReturnValue:
    """Have a command done to a letter, and go back to its page."""

    def find(session: Session) -> Automation:
        return queries.automation_for(session, coalition, slug, ident, by=actor())

    onward = f"/work/{coalition}/petitions/{slug}/automation/{ident}"
    return carried_out(find, command, *entry, onward=onward, notice=notice)


def about(automation: Automation) -> dict[str, object]:
    """What every page of a letter shows of it, loaded while there is a session."""
    petition = automation.petition
    _ = automation.author, automation.approver, automation.approver_organization, automation.organization
    return {
        "coalition": petition.campaign.coalition,
        "demo": petition.campaign.coalition.is_demo,
        "petition": petition,
        "automation": automation,
        "form": form_state(),
    }


def as_ewa(session: Session, automation: Automation) -> Message:
    """The letter as somebody called Ewa gets it; rendered by the caller, outside of the transaction."""
    return messages.preview(automation, queries.fixed(session, automation) | {Field.GIVEN_NAME: "Ewa"})


def has_districts(session: Session, automation: Automation) -> bool:
    """Whether some reader's official can be known."""
    return bool(updates.districts(session, automation.petition.campaign_id))


def around(automation: Automation, letter: Message, *, has_districts: bool) -> Surroundings:
    """What the house knows of the words: its own missing pages and the letter's size. No transaction."""
    own_host = render.house().base_url.partition("://")[2].partition("/")[0].partition(":")[0]
    words = render.render(letter)
    return Surroundings(
        own_host=own_host.casefold().removeprefix("www."),
        missing=missing(own_paths(automation.body, own_host)),
        # A letter too large for its HTML goes as text: then there is none, and that is the finding.
        size=len(words.html.encode()) or render.HTML_LIMIT,
        has_districts=has_districts,
    )
