"""The audit trail in words, narrowed by act, and as a file."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app.coalitions.queries import coalition_for
from app.coalitions.roles import Right
from app.coalitions.rules import act_name, sentence
from app.coalitions.views.frame import blueprint
from app.core import audit as trail
from app.core.audit import AuditEntry
from app.core.clock import local
from app.core.db import LOT, in_lots, reading
from app.core.tables import csv_parts
from app.web.pages import cursor, page, stream
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
    """The whole trail, newest first."""
    act = request.args.get("act", "")
    with reading() as session:
        ours = coalition_for(session, coalition, by=actor(), right=Right.READ_AUDIT)
        ident, zone = ours.id, ours.zone

    def lot(session: Session, last: int | None) -> list[AuditEntry]:
        return trail.trail(session, ident, act=act, before=last, limit=LOT)

    rows = (
        (
            entry.id,
            local(entry.at, zone).isoformat(),
            entry.actor,
            entry.act,
            sentence(entry.act, entry.actor, entry.detail, zone),
        )
        for entry in in_lots(lot)
    )
    parts = csv_parts(["number", "at", "who", "act", "what"], rows)
    return stream(parts, f"audit-{coalition}.csv", "text/csv; charset=utf-8")
