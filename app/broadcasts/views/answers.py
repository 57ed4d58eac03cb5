"""What people answered to an update, for its sender only."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from app.broadcasts import queries
from app.broadcasts.views.frame import ONE, blueprint
from app.core.db import reading
from app.returns.queries import file_of, replies_to
from app.web.pages import cursor, download, page
from app.web.security import actor, signed_in

PAGE = 50


@blueprint.get(f"{ONE}/replies")
@signed_in
def replies(coalition: str, ident: int) -> ResponseReturnValue:
    """What people answered to an update, for its sender only."""
    with reading() as session:
        broadcast = queries.answered_broadcast(session, coalition, ident, by=actor())
        found = replies_to(session, queries.answers_to(broadcast), before=cursor(), limit=PAGE + 1)
        return page(
            "broadcasts/replies.html",
            coalition=broadcast.campaign.coalition,
            demo=broadcast.campaign.coalition.is_demo,
            broadcast=broadcast,
            replies=found[:PAGE],
            older=f"?before={found[PAGE - 1].id}" if len(found) > PAGE else None,
        )


@blueprint.get(f"{ONE}/replies/files/<int:file>")
@signed_in
def reply_file(coalition: str, ident: int, file: int) -> ResponseReturnValue:
    """A file that came with an answer to an update."""
    with reading() as session:
        broadcast = queries.answered_broadcast(session, coalition, ident, by=actor())
        found = file_of(session, queries.answers_to(broadcast), file)
        return download(found.body, found.filename, "application/octet-stream")
