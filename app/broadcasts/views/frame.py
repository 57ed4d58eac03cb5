"""What the pages of updates share: the blueprint, the letter as it would leave, what our pages know of its words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.broadcasts import messages, queries, rules
from app.coalitions.roles import Right
from app.mail import mass, render
from app.web.acts import carried_out
from app.web.asking import missing
from app.web.pages import see_other
from app.web.security import actor

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.broadcasts.models import Broadcast
    from app.mail.render import Rendered

Result = TypeVar("Result")
blueprint = Blueprint("broadcasts", __name__)
ALL = "/work/<coalition>/updates"
ONE = f"{ALL}/<int:ident>"


def act(
    coalition: str,
    ident: int,
    command: Callable[..., Result],
    *entry: object,
    notice: str | Callable[[Result], str],
    right: Right = Right.WRITE_UPDATE,
) -> ResponseReturnValue:
    """Have a command done to an update of which ``by`` holds the right, and go back to its page."""

    def find(session: Session) -> Broadcast:
        return queries.broadcast_for(session, coalition, ident, by=actor(), right=right)

    return carried_out(find, command, *entry, onward=f"/work/{coalition}/updates/{ident}", notice=notice)


def back(coalition: str, ident: int, notice: str) -> ResponseReturnValue:
    """Go to the update's page."""
    return see_other(f"/work/{coalition}/updates/{ident}", notice)


def sample(session: Session, broadcast: Broadcast) -> dict[rules.Field, str]:
    """What stands in the update for somebody called Ewa, where no real reader is looked at."""
    number = queries.count_now(session, broadcast)
    known = {} if number is None else {rules.Field.COUNT: f"{number:,}"}
    return {rules.Field.GIVEN_NAME: "Ewa", **known}


def held_for() -> str:
    """How long the mail provider holds each letter before it sends it, in words; empty where it holds none."""
    recalls = mass.recalls()
    return "" if recalls is None else rules.duration(recalls.recall_delay).removeprefix("about ")


def letter(broadcast: Broadcast, values: rules.Values, *, language: str = "en") -> Rendered:
    """The letter as a reader gets it, with links that lead nowhere in place of the reader's own. No transaction."""
    return render.render(messages.for_reader(broadcast, values, language=language))


def around(broadcast: Broadcast, *, values: rules.Values, has_districts: bool) -> rules.Surroundings:
    """What the house knows of the words: its own missing pages and the letter's size. No transaction."""
    own_host = render.house().base_url.partition("://")[2].partition("/")[0].partition(":")[0]
    words = letter(broadcast, values)
    return rules.Surroundings(
        own_host=own_host.casefold().removeprefix("www."),
        missing=missing(rules.own_paths(broadcast.body, own_host)),
        # A letter too large for its HTML goes as text: then there is none, and that is the finding.
        size=len(words.html.encode()) or render.HTML_LIMIT,
        has_districts=has_districts,
    )


def looked_at(broadcast: Broadcast, values: rules.Values, *, has_districts: bool) -> list[rules.Finding]:
    """What should be looked at in the words before they leave. No transaction."""
    known = around(broadcast, values=values, has_districts=has_districts)
    return rules.findings(broadcast.subject, broadcast.body, known)
