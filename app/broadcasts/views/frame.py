"""What the pages of updates share: the blueprint, the letter as it would leave, what our pages know of its words."""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from app.broadcasts import messages, queries, rules
from app.mail import render
from app.web.pages import see_other

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from app.broadcasts.models import Broadcast
    from app.mail.render import Rendered

blueprint = Blueprint("broadcasts", __name__)
MOST_PAGES = 30  # of ours that a check of links asks for


def back(coalition: str, ident: int, notice: str) -> ResponseReturnValue:
    """Go to the update's page."""
    return see_other(f"/work/{coalition}/updates/{ident}", notice)


def sample(session: Session, broadcast: Broadcast) -> dict[rules.Field, str]:
    """What stands in the update for somebody called Ewa, where no real reader is looked at."""
    number = queries.count_now(session, broadcast)
    known = {} if number is None else {rules.Field.COUNT: f"{number:,}"}
    return {rules.Field.GIVEN_NAME: "Ewa", **known}


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


def missing(paths: Iterable[str]) -> frozenset[str]:
    """Which of these paths are no public page of ours. The app is asked in this process, without network."""
    stranger = current_app.test_client(use_cookies=False)

    def lacks(path: str) -> bool:
        # Quoted and with one slash: what stands behind two is read as a host, and not every text is one.
        with stranger.get(quote(f"/{path.lstrip('/')}")) as answer:
            return answer.status_code >= 400 or answer.headers.get("Location", "").startswith("/sign-in")

    # In a context of its own: Flask would lend this request's to the one within, and with it who is signed in.
    return frozenset(path for path in list(paths)[:MOST_PAGES] if contextvars.Context().run(lacks, path))
