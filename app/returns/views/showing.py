"""The operator's pages: what came back and what was done about it, and addresses that get no letters."""

from __future__ import annotations

from datetime import timedelta

from flask import current_app, request
from flask.typing import ResponseReturnValue

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import NotFound
from app.mail import streams
from app.returns import commands, queries
from app.returns.commands import IGNORED, Lifting
from app.returns.rules import policy
from app.returns.views.blueprint import blueprint
from app.web.forms import form_state, posted, redisplays
from app.web.pages import cursor, download, page, see_other
from app.web.security import actor, operator
from config.settings import MailTransport

PAGE = 50
TONES = {"bounce": "bad", "dropped": "warn", "complaint": "bad", "left": "neutral"}
# What is drawn, worst last; the tones are the chart's.
DRAWN = (
    ("delivered", "good"),
    ("processed", "info"),
    ("deferred", "neutral"),
    ("dropped", "warn"),
    ("mailbox unavailable", "warn"),
    ("unclear", "warn"),
    ("refused for its sender", "bad"),
    ("no such mailbox", "bad"),
    ("complaint", "bad"),
    ("left", "neutral"),
)
WHY = {
    "bounce": "Letters came back.",
    "complaint": "Reported as spam.",
    "left": "Left.",
    "operator": "An operator stopped it.",
}


@blueprint.get("/operator/returns")
@operator
def returns() -> ResponseReturnValue:
    """Posts that wait or failed, reports by hour and class, the newest bounces and what was done about each."""
    now = utc_now()
    with reading() as session:
        rows = queries.newest(session, before=cursor(), limit=PAGE + 1, by=actor())
        hours = queries.by_hour(session, now=now)
        return page(
            "returns/returns.html",
            listening=bool(current_app.config["SETTINGS"].sendgrid_webhook_key),
            intake=queries.intake(session),
            failed=queries.failed_posts(session),
            columns=[(f"{hour:%H}:00", words) for hour, words in hours],
            series=DRAWN,
            classes=[(word.capitalize(), sum(words.get(word, 0) for _, words in hours), tone) for word, tone in DRAWN],
            ignored=sum(words.pop(IGNORED, 0) for _, words in hours),
            senders=[
                (name or "Undersigned itself", number)
                for name, number in queries.refused_for_sender(session, since=now - timedelta(days=7))
            ],
            pulls=queries.pulls(session),
            untold=queries.untold(session),
            reports=rows[:PAGE],
            older=rows[PAGE - 1].report.id if len(rows) > PAGE else None,
            tones=TONES,
            sentence=policy.sentence,
            consequence=policy.consequence,
        )


@blueprint.get("/operator/returns/posts/<int:post>")
@operator
def post_body(post: int) -> ResponseReturnValue:
    """A post as the provider sent it, to look into."""
    with reading() as session:
        found = queries.post(session, post)
    if found is None:
        raise NotFound
    return download(found.body, f"post-{post}.json", "application/octet-stream")


@blueprint.post("/operator/returns/posts/<int:post>/retry")
@operator
def retry_post(post: int) -> ResponseReturnValue:
    """Work a failed post off again."""
    with transaction() as session:
        commands.retry_post(session, post, by=actor(), now=utc_now())
    return see_other("/operator/returns", "The post will be worked off again.")


@blueprint.get("/operator/suppressions")
@operator
def suppressions() -> ResponseReturnValue:
    """Addresses that get no letters, found by a part of the address."""
    asked = request.args.get("q", "").strip()[:254]
    with reading() as session:
        rows = queries.suppressions(session, search=asked, before=cursor(), limit=PAGE + 1)
        return page(
            "returns/suppressions.html",
            rows=rows[:PAGE],
            older=rows[PAGE - 1].id if len(rows) > PAGE else None,
            asked=asked,
            senders=streams.names(session, {row.stream for row in rows if row.stream}),
            finding=form_state({"q": asked}, name="find"),
            why=WHY,
        )


@blueprint.get("/operator/suppressions/<int:suppression>")
@operator
def suppression(suppression: int) -> ResponseReturnValue:
    """One address: why it gets no letters, and the form that lets them go there again."""
    with reading() as session:
        found = queries.suppression(session, suppression)
        if found is None:
            raise NotFound
        sendgrid = current_app.config["SETTINGS"].mail_transport is MailTransport.SENDGRID
        return page(
            "returns/suppression.html",
            found=found,
            senders=streams.names(session, {found.stream} - {""}),
            form=form_state(),
            why=WHY,
            sendgrid=sendgrid,
        )


@blueprint.post("/operator/suppressions/<int:suppression>/lift")
@operator
@redisplays(suppression)
def lift(suppression: int) -> ResponseReturnValue:
    """Let letters go there again; the reason is kept in the trail."""
    with transaction() as session:
        address = commands.lift(session, suppression, posted(Lifting), by=actor(), now=utc_now())
    return see_other("/operator/suppressions", f"Letters go to {address} again.")
