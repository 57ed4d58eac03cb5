"""The first page after signing in: what needs this person now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask.typing import ResponseReturnValue

from app.coalitions.queries import coalitions_of
from app.core.clock import utc_now
from app.core.db import reading
from app.mail.standing import standing
from app.publishing.queries import home as queries
from app.publishing.views.shared import blueprint
from app.web.pages import page
from app.web.security import actor, signed_in

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


@blueprint.get("/home")
@signed_in
def home() -> ResponseReturnValue:
    """One list across all coalitions, each line with its one act."""
    by = actor()
    with reading() as session:
        coalitions, now = coalitions_of(session, by=by), utc_now()
        return page(
            "publishing/home.html",
            tasks=queries.tasks(session, by=by, now=now),
            coalitions=coalitions,
            organizations=queries.organizations_of(session, by=by),
            operator=by.operator,
            stuck=_stuck(session, now) if by.operator else [],
            demo=any(one.is_demo for one in coalitions),
        )


def _stuck(session: Session, now: datetime) -> list[str]:
    """Why letters do not leave, for an operator; what holds them back is a line of its own among the tasks."""
    found = standing(session, now=now)
    return found.unattended if found.hindrances else found.stuck
