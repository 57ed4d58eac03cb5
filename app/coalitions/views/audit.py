"""The audit trail in words, narrowed by act, and as a file."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from app.coalitions.queries import coalition_for
from app.coalitions.roles import Right
from app.coalitions.rules import act_name, sentence
from app.coalitions.views.frame import blueprint
from app.core import audit as trail
from app.core.clock import local
from app.core.db import reading
from app.core.tables import write_csv
from app.web.pages import cursor, download, page
from app.web.security import actor, signed_in

PAGE = 50


@blueprint.get("/work/<coalition>/audit")
@signed_in
def audit(coalition: str) -> ResponseReturnValue:
    """Newest first; ``?act=`` shows one kind."""
    act = request.args.get("act", "")
    with reading() as session:
        ours = coalition_for(session, coalition, by=actor(), right=Right.READ_AUDIT)
        entries = trail.trail(session, ours.id, act=act, before=cursor(), limit=PAGE + 1)
        return page(
            "coalitions/audit.html",
            coalition=ours,
            demo=ours.is_demo,
            entries=[(entry, sentence(entry.act, entry.actor, entry.detail, ours.zone)) for entry in entries[:PAGE]],
            older=entries[PAGE - 1].id if len(entries) > PAGE else None,
            acts=[(one, act_name(one)) for one in trail.acts(session, ours.id)],
            act=act,
        )


@blueprint.get("/work/<coalition>/audit.csv")
@signed_in
def audit_file(coalition: str) -> ResponseReturnValue:
    """The whole trail."""
    with reading() as session:
        ours = coalition_for(session, coalition, by=actor(), right=Right.READ_AUDIT)
        rows = [
            (
                entry.id,
                local(entry.at, ours.zone).isoformat(),
                entry.actor,
                entry.act,
                sentence(entry.act, entry.actor, entry.detail, ours.zone),
            )
            for entry in trail.trail(session, ours.id, act=request.args.get("act", ""), limit=None)
        ]
    body = write_csv(["number", "at", "who", "act", "what"], rows)
    return download(body, f"audit-{coalition}.csv", "text/csv; charset=utf-8")
