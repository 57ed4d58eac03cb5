"""One letter for operators: its way, its words as they left, what is known, and what a person may decide about it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from flask.typing import ResponseReturnValue

from app.core import audit
from app.core.clock import utc_now
from app.core.db import reading
from app.core.errors import NotFound
from app.mail import commands, evidence, queries, render, rules, samples
from app.mail.models import Email
from app.mail.views.blueprint import as_html, blueprint
from app.web.acts import carried_out
from app.web.forms import typed
from app.web.pages import page
from app.web.security import operator

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@blueprint.get("/operator/mail/<int:email>")
@operator
def letter(email: int) -> ResponseReturnValue:
    """Everything that is known of one letter."""
    now = utc_now()
    with reading() as session:
        row = _known(session, email)
        attempts = queries.attempts(session, email)
        return page(
            "mail/letter.html",
            letter=row,
            text=render.without_keys(row.text or ""),
            about=samples.about(row.template),
            label=rules.label(row, now),
            tone=rules.tone(row, now),
            known=rules.known(row, attempts, now=now),
            ahead=rules.ahead(row, hindered=queries.troubles(session, now=now), most=commands.MOST_ATTEMPTS, now=now),
            way=rules.way(row, attempts, now=now),
            evidence=evidence.of(session, row),
            acts={act.value for act in rules.acts(row, now)},
            decided=[
                (one, rules.told(one.act, one.actor, one.detail)) for one in audit.of_subject(session, Email, email)
            ],
            lane=rules.LANES[row.rank],
        )


@blueprint.get("/operator/mail/<int:email>/html")
@operator
def letter_html(email: int) -> ResponseReturnValue:
    """The letter as its reader's mail program shows it."""
    with reading() as session:
        row = _known(session, email)
        if not row.html:
            raise NotFound
        return as_html(render.without_keys(row.html))


@blueprint.post("/operator/mail/<int:email>/retry")
@operator
def retry(email: int) -> ResponseReturnValue:
    """Try a failed letter again."""
    return _decided(email, commands.retry, "It is tried again.")


@blueprint.post("/operator/mail/<int:email>/send-again")
@operator
def send_again(email: int) -> ResponseReturnValue:
    """Send an unknown letter a second time."""
    again = partial(commands.send_again, though_left=typed("though_left") == "yes")
    return _decided(email, again, "It is sent once more.")


@blueprint.post("/operator/mail/<int:email>/leave")
@operator
def leave(email: int) -> ResponseReturnValue:
    """Leave an unknown letter as it is."""
    return _decided(email, commands.leave, "It stays unknown and unsent.")


@blueprint.post("/operator/mail/<int:email>/take-back")
@operator
def take_back(email: int) -> ResponseReturnValue:
    """Take a waiting letter out of the queue."""
    return _decided(email, commands.take_back, "It is not sent.")


def _decided(email: int, command: Callable[..., Email], notice: str) -> ResponseReturnValue:
    # The command finds and locks the letter itself: its id is all it needs.
    return carried_out(lambda _: email, command, onward=f"/operator/mail/{email}", notice=notice)


def _known(session: Session, email: int) -> Email:
    row = queries.letter(session, email)
    if row is None:
        raise NotFound
    return row
