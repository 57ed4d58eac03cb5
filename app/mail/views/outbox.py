"""The outbox for operators: what is true now, letters to look up, and the levers that move all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import request
from flask.typing import ResponseReturnValue

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.text import plain
from app.mail import commands, queries, rules, samples
from app.mail.models import EmailState
from app.mail.standing import standing
from app.mail.views.blueprint import blueprint, settings
from app.web.forms import typed
from app.web.pages import cursor, page, see_other
from app.web.security import actor, operator

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

PAGE = 50
NARROWED = (
    (queries.TROUBLE, "In trouble"),
    (queries.ANY, "Every letter"),
    (queries.LOST, "Worker gone"),
    *((state.value, state.value.capitalize()) for state in EmailState),
    (queries.LEFT, "Left as unknown"),
)
HERE = "/operator/mail"
TRIED = "Letters are tried now. If the mail provider still serves nobody, they wait again and lose nothing."


@blueprint.get("/operator/mail")
@operator
def outbox() -> ResponseReturnValue:
    """What is true now, and the letters that the address asks for; at first those that need a person."""
    now = utc_now()
    with reading() as session:
        hours = queries.accepted_per_hour(session, now=now)
        shown = _asked(session, now)
        return page(
            "mail/outbox.html",
            now_true=standing(session, now=now),
            hours=[(f"{start:%H}:00 UTC", count) for start, count in hours],
            waits=queries.waits(session, now=now),
            lately=[(one.at, rules.told(one.act, one.actor, one.detail)) for one in queries.lately(session)],
            states=NARROWED,
            templates=[(name, one.about) for name, one in samples.every().items()],
            about=samples.about,
            rules=rules,
            **shown,
        )


def _asked(session: Session, now: datetime) -> dict[str, Any]:
    """The letters that the address narrows to, and the words of it for the form and the way to older ones."""
    asked = {name: plain(request.args.get(name, ""), 254) for name in ("state", "template", "q")}
    if asked["state"] not in dict(NARROWED):
        asked["state"] = queries.TROUBLE
    rows = queries.letters(
        session,
        state=asked["state"],
        template=asked["template"],
        recipient=asked["q"],
        before=cursor(),
        limit=PAGE + 1,
        now=now,
    )
    older = {**asked, "before": rows[PAGE - 1].id} if len(rows) > PAGE else None
    return {"letters": rows[:PAGE], "asked": asked, "older": f"?{urlencode(older)}" if older else None}


@blueprint.post("/operator/mail/hold")
@operator
def hold() -> ResponseReturnValue:
    """Hold back every letter."""
    with transaction() as session:
        commands.hold(session, settings().mail_transport.value, typed("reason"), by=actor(), now=utc_now())
    return see_other(HERE, "Letters are held back until you let them leave.")


@blueprint.post("/operator/mail/resume")
@operator
def resume() -> ResponseReturnValue:
    """Let letters leave again."""
    with transaction() as session:
        lifted = commands.resume(session, by=actor(), now=utc_now())
    return see_other(HERE, "Letters leave again." if lifted else TRIED)


@blueprint.post("/operator/mail/retry-all")
@operator
def retry_all() -> ResponseReturnValue:
    """Try every failed letter again."""
    with transaction() as session:
        count = commands.retry_all(session, by=actor(), now=utc_now())
    return see_other(HERE, f"{count:,} {'letter is' if count == 1 else 'letters are'} tried again.")


@blueprint.post("/operator/mail/requeue-stuck")
@operator
def requeue_stuck() -> ResponseReturnValue:
    """Free the letters of workers that are gone."""
    with transaction() as session:
        done = commands.requeue_stuck(session, by=actor(), now=utc_now())
    return see_other(HERE, done.told)
