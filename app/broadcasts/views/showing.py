"""The updates of a coalition and one update's page: its words, checks, audience, next act, and how far it has come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask.typing import ResponseReturnValue

from app.broadcasts import commands, queries, rules
from app.broadcasts.models import BroadcastState
from app.broadcasts.views.frame import ALL, ONE, blueprint, looked_at, sample
from app.broadcasts.views.progress import standing
from app.coalitions.queries import coalition_for, members, organizations_acting
from app.coalitions.roles import Right
from app.core.db import reading
from app.web.forms import form_state
from app.web.pages import cursor, page
from app.web.security import actor, signed_in

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


PAGE = 50


@blueprint.get(ALL)
@signed_in
def updates(coalition: str) -> ResponseReturnValue:
    """Every update of a coalition."""
    by = actor()
    with reading() as session:
        found = coalition_for(session, coalition, by=by)
        rows = queries.broadcasts_of(session, found.id, before=cursor(), limit=PAGE + 1)
        return page(
            "broadcasts/list.html",
            coalition=found,
            demo=found.is_demo,
            broadcasts=rows[:PAGE],
            older=f"?before={rows[PAGE - 1].id}" if len(rows) > PAGE else None,
            may_write=bool(organizations_acting(session, found.id, by=by, right=Right.WRITE_UPDATE)),
        )


@blueprint.get(ONE)
@signed_in
def update(coalition: str, ident: int) -> ResponseReturnValue:
    """One update: its words, its audience, its one next act, and how far it has come."""
    by = actor()
    with reading() as session:
        broadcast = queries.broadcast_for(session, coalition, ident, by=by)
        ours = broadcast.campaign.coalition
        open_ = broadcast.state in {BroadcastState.DRAFT, BroadcastState.APPROVED, BroadcastState.SCHEDULED}
        values = sample(session, broadcast)
        may_write = queries.may_see_addresses(session, broadcast, by=by)
        may_approve = any(one.id == by.account_id for one in commands.approvers(session, broadcast))
        wish, reach = rules.audience_of(broadcast), queries.reach(session, broadcast) if open_ else None
        has_districts = bool(queries.districts(session, broadcast.campaign_id))
        known = {
            "coalition": ours,
            "demo": ours.is_demo,
            "broadcast": broadcast,
            "subject": rules.fill_subject(broadcast.subject, values),
            "body": rules.fill_markdown(broadcast.body, values),
            "reach": reach,
            "reasons": rules.reasons(wish, reach.left_out) if reach else [],
            "audience_words": queries.audience_in_words(session, broadcast),
            "counts": queries.counted(session, broadcast),
            "may_write": may_write,
            "may_approve": may_approve,
            "somebody_may_approve": bool(commands.approvers(session, broadcast)),
            "colleagues": _colleagues(session, broadcast.organization_id, by.account_id) if may_write else [],
            **standing(session, broadcast),
        }
        _ = (
            broadcast.author,
            broadcast.approver,
            broadcast.approver_organization,
            broadcast.organization,
            broadcast.mailing,
        )
    # Rendered and asked outside of the transaction: the check of links opens pages of its own.
    findings = looked_at(broadcast, values, has_districts=has_districts) if open_ else []
    return page("broadcasts/show.html", findings=findings, form=form_state(), **known)


def _colleagues(session: Session, organization_id: int, me: int | None) -> list[tuple[str, str]]:
    people = members(session, organization_id)
    return [(str(one.account_id), one.account.name) for one in people if one.account_id != me]
