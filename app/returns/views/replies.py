"""Replies for whoever one was sent on to, by the link in that letter, and for the operator those of no thread."""

from __future__ import annotations

from flask import Response
from flask.typing import ResponseReturnValue

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import NotFound
from app.returns import commands, queries
from app.returns.models import InboundMail, Reply
from app.returns.views.blueprint import blueprint
from app.web.pages import cursor, download, page, see_other
from app.web.security import link_holder, operator

PAGE = 50
UNKNOWN = "application/octet-stream"


@blueprint.get("/replies/<token>")
@link_holder
def sent_on(token: str) -> ResponseReturnValue:
    """One reply and its files, for the one whom it was sent on to."""
    with reading() as session:
        reply = queries.reply_by_link(session, token, now=utc_now())
        return page("returns/reply.html", reply=reply, token=token)


@blueprint.get("/replies/<token>/files/<int:number>")
@link_holder
def file_sent_on(token: str, number: int) -> Response:
    """A file of that reply."""
    with reading() as session:
        reply = queries.reply_by_link(session, token, now=utc_now())
        file = queries.file_of(session, Reply.id == reply.id, number)
        return download(file.body, file.filename, UNKNOWN)


@blueprint.get("/operator/replies")
@operator
def without_thread() -> ResponseReturnValue:
    """Replies that belong to no letter, and mail that could not be read."""
    with reading() as session:
        found = queries.replies_to(session, queries.without_thread(), before=cursor(), limit=PAGE + 1)
        return page(
            "returns/operator.html",
            replies=found[:PAGE],
            older=f"?before={found[PAGE - 1].id}" if len(found) > PAGE else None,
            mails=queries.unread_mails(session, limit=PAGE),
        )


@blueprint.get("/operator/replies/files/<int:number>")
@operator
def file_without_thread(number: int) -> Response:
    """A file that came with a reply of no thread."""
    with reading() as session:
        file = queries.file_of(session, queries.without_thread(), number)
        return download(file.body, file.filename, UNKNOWN)


@blueprint.get("/operator/replies/mails/<int:number>")
@operator
def unread(number: int) -> Response:
    """The bytes of a mail that could not be read."""
    with reading() as session:
        mail = session.get(InboundMail, number)
        if mail is None or not mail.problem:
            raise NotFound
        return download(mail.body, f"mail-{mail.id}.txt", UNKNOWN)


@blueprint.post("/operator/replies/<int:number>/heard")
@operator
def heard(number: int) -> ResponseReturnValue:
    """The operator has dealt with a reply."""
    with transaction() as session:
        commands.settle_replies(session, (Reply.id == number) & queries.without_thread(), now=utc_now())
    return see_other("/operator/replies", "The reply is marked as dealt with.")
