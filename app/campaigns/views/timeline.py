"""What targets promised, what became of it, and a group's own words beside it."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from app.campaigns import commands, queries
from app.campaigns.models import CommitmentState
from app.campaigns.views.shared import PAGE, at, blueprint, common, found
from app.coalitions.queries import acting_for, organizations_acting
from app.coalitions.roles import Right
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.targets.queries import targets_of
from app.web.forms import form_state, posted, redisplays
from app.web.pages import page, see_other
from app.web.security import actor, signed_in

COMMITMENT = f"{PAGE}/commitments/<int:ident>"


@blueprint.get(f"{PAGE}/commitments/new")
@signed_in
def new_commitment(coalition: str, slug: str) -> ResponseReturnValue:
    """The form for a promise."""
    with reading() as session:
        row = found(session, coalition, slug, Right.ORGANIZE)
        return page(
            "campaigns/commitment.html",
            **common(session, row),
            targets=targets_of(session, row.coalition_id),
            states=[state for state in CommitmentState if state is not CommitmentState.EXPIRED],
            form=form_state({"state": "announced"}),
        )


@blueprint.post(f"{PAGE}/commitments/new")
@signed_in
@redisplays(new_commitment)
def record(coalition: str, slug: str) -> ResponseReturnValue:
    """Put it on the timeline."""
    entry = posted(commands.NewCommitment)
    with transaction() as session:
        row = found(session, coalition, slug, Right.ORGANIZE)
        commands.record_commitment(session, row, entry, by=actor(), now=utc_now())
    return see_other(f"{at(coalition, slug)}#timeline", "The promise is on the timeline.")


@blueprint.get(f"{COMMITMENT}/change")
@signed_in
def change_form(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """The form that says what became of a promise."""
    with reading() as session:
        row = found(session, coalition, slug, Right.ORGANIZE)
        return page(
            "campaigns/change.html",
            **common(session, row),
            commitment=queries.commitment_of(session, row.id, ident),
            form=form_state({"state": ""}),
        )


@blueprint.post(f"{COMMITMENT}/change")
@signed_in
@redisplays(change_form)
def change(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """Add that line to the timeline."""
    entry = posted(commands.CommitmentChange)
    with transaction() as session:
        row = found(session, coalition, slug, Right.ORGANIZE)
        commitment = queries.commitment_of(session, row.id, ident)
        commands.change_commitment_state(session, commitment, entry, by=actor(), now=utc_now())
    return see_other(f"{at(coalition, slug)}#timeline", f"The promise is {entry.state}. The timeline says so.")


@blueprint.get(f"{COMMITMENT}/reaction")
@signed_in
def reaction_form(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """The form for an organization's own words; what it said so far stands in it."""
    with reading() as session:
        row = found(session, coalition, slug, Right.REACT)
        commitment = queries.commitment_of(session, row.id, ident)
        ours = organizations_acting(session, row.coalition_id, by=actor(), right=Right.REACT)
        wanted = request.values.get("organization_id", type=int)
        group = next((one for one in ours if one.id == wanted), ours[0])
        said = next((one for one in commitment.reactions if one.organization_id == group.id), None)
        initial = {name: getattr(said, name, "") for name in commands.NewReaction.model_fields}
        return page(
            "campaigns/reaction.html",
            **common(session, row),
            commitment=commitment,
            organization=group,
            others=[one for one in ours if one.id != group.id],
            said=said,
            form=form_state(initial),
        )


@blueprint.post(f"{COMMITMENT}/reaction")
@signed_in
@redisplays(reaction_form)
def react(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """Publish the words."""
    entry = posted(commands.NewReaction)
    wanted = request.form.get("organization_id", type=int)
    with transaction() as session:
        row = found(session, coalition, slug, Right.REACT)
        commitment = queries.commitment_of(session, row.id, ident)
        group = acting_for(session, row.coalition_id, by=actor(), right=Right.REACT, organization_id=wanted)
        commands.react(session, commitment, group, entry, by=actor(), now=utc_now())
        notice = f"The words of {group.name} stand on the timeline."
    return see_other(f"{at(coalition, slug)}#timeline", notice)
