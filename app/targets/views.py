"""Pages of targets: the table, one target's form, and the import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from app.coalitions.queries import coalition_for, rights_of
from app.coalitions.roles import Right
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import Invalid, NotFound
from app.core.tables import ImportResult, lots
from app.targets import commands, queries
from app.targets.rules import BODIES, KINDS, in_counting_order, member_for
from app.web.forms import form_state, posted, redisplays
from app.web.pages import page, see_other
from app.web.security import actor, signed_in

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.coalitions.models import Coalition
    from app.targets.models import Target

blueprint = Blueprint("targets", __name__)
ROOT = "/work/<coalition>/targets"
FIELDS = tuple(commands.NewTarget.model_fields)


@blueprint.get(ROOT)
@signed_in
def index(coalition: str) -> ResponseReturnValue:
    """Everybody a demand of this coalition can go to."""
    with reading() as session:
        ours = coalition_for(session, coalition, by=actor())
        return page(
            "targets/index.html",
            coalition=ours,
            demo=ours.is_demo,
            targets=queries.targets_of(session, ours.id),
            may_organize=Right.ORGANIZE in rights_of(session, ours.id, by=actor()),
        )


@blueprint.get(f"{ROOT}/new")
@signed_in
def new(coalition: str) -> ResponseReturnValue:
    """An empty form for a target."""
    with reading() as session:
        ours = coalition_for(session, coalition, by=actor(), right=Right.ORGANIZE)
        return page("targets/edit.html", **_form_page(session, ours, None))


@blueprint.post(f"{ROOT}/new")
@signed_in
@redisplays(new)
def add(coalition: str) -> ResponseReturnValue:
    """Add the target."""
    entry = posted(commands.NewTarget)
    with transaction() as session:
        ours = coalition_for(session, coalition, by=actor(), right=Right.ORGANIZE)
        row = commands.add_target(session, ours, entry, by=actor(), now=utc_now())
        notice = f"{row.name} is a target now."
    return see_other(f"/work/{coalition}/targets", notice)


@blueprint.get(f"{ROOT}/import")
@signed_in
def import_form(coalition: str) -> ResponseReturnValue:
    """What a file must look like, and the field to choose it."""
    with reading() as session:
        ours = coalition_for(session, coalition, by=actor(), right=Right.ORGANIZE)
        return page("targets/import.html", coalition=ours, demo=ours.is_demo, form=form_state(), result=None)


@blueprint.post(f"{ROOT}/import")
@signed_in
@redisplays(import_form)
def import_file(coalition: str) -> ResponseReturnValue:
    """Read the file and show what became of each bad line; nothing is doubled when it is sent again."""
    body = _chosen_file()
    with reading() as session:
        ours = coalition_for(session, coalition, by=actor(), right=Right.ORGANIZE)
    read = commands.read_targets(body)
    result = ImportResult(problems=read.problems)
    for lot in lots(read.rows):
        with transaction() as session:
            ours = coalition_for(session, coalition, by=actor(), right=Right.ORGANIZE)
            result.join(commands.take_targets(session, ours, lot, by=actor(), now=utc_now()))
    return page("targets/import.html", coalition=ours, demo=ours.is_demo, form=form_state(), result=result)


@blueprint.get(f"{ROOT}/<slug>/districts")
@signed_in
def districts(coalition: str, slug: str) -> ResponseReturnValue:
    """A body's table of postal codes, and the field to choose a file for it."""
    with reading() as session:
        ours = coalition_for(session, coalition, by=actor(), right=Right.ORGANIZE)
        return page("targets/districts.html", **_districts_page(session, ours, slug))


@blueprint.post(f"{ROOT}/<slug>/districts")
@signed_in
@redisplays(districts)
def import_districts(coalition: str, slug: str) -> ResponseReturnValue:
    """Read the table and show what became of each bad line."""
    body = _chosen_file()
    with transaction() as session:
        ours = coalition_for(session, coalition, by=actor(), right=Right.ORGANIZE)
        row = queries.target_of(session, ours.id, slug)
        result = commands.import_districts(session, row, body, by=actor(), now=utc_now())
        return page("targets/districts.html", **_districts_page(session, ours, slug, result))


@blueprint.get(f"{ROOT}/<slug>")
@signed_in
def edit(coalition: str, slug: str) -> ResponseReturnValue:
    """What is known of one target."""
    with reading() as session:
        ours = coalition_for(session, coalition, by=actor(), right=Right.ORGANIZE)
        row = queries.target_of(session, ours.id, slug)
        return page("targets/edit.html", **_form_page(session, ours, row))


@blueprint.post(f"{ROOT}/<slug>")
@signed_in
@redisplays(edit)
def save(coalition: str, slug: str) -> ResponseReturnValue:
    """Change it."""
    entry = posted(commands.NewTarget)
    with transaction() as session:
        ours = coalition_for(session, coalition, by=actor(), right=Right.ORGANIZE)
        row = queries.target_of(session, ours.id, slug)
        commands.edit_target(session, row, entry, by=actor(), now=utc_now())
        notice = f"What is known of {row.name} is saved."
    return see_other(f"/work/{coalition}/targets", notice)


def _chosen_file() -> bytes:
    chosen = request.files.get("file")
    if chosen is None or not chosen.filename:
        raise Invalid({"file": "Choose a CSV file."})
    return bytes(chosen.read())


def _districts_page(session: Session, ours: Coalition, slug: str, result: ImportResult | None = None) -> dict[str, Any]:
    row = queries.target_of(session, ours.id, slug)
    if row.kind not in BODIES:
        raise NotFound
    by_district: dict[str, list[str]] = {}
    for one in queries.prefixes_of(session, row.id):
        by_district.setdefault(one.district, []).append(one.prefix)
    named = sorted(by_district.items(), key=lambda pair: in_counting_order(pair[0]))
    return {
        "coalition": ours,
        "demo": ours.is_demo,
        "target": row,
        "districts": [(name, member_for(row.members, name), prefixes) for name, prefixes in named],
        "form": form_state(),
        "result": result,
    }


def _form_page(session: Session, ours: Coalition, row: Target | None) -> dict[str, Any]:
    initial = {name: getattr(row, name) for name in FIELDS} if row else {"parent_id": request.args.get("in", "")}
    bodies = [body for body in queries.bodies_of(session, ours.id) if row is None or body.id != row.id]
    return {
        "coalition": ours,
        "demo": ours.is_demo,
        "target": row,
        "kinds": KINDS,
        "bodies": [("", "No: it stands for itself"), *((body.id, body.name) for body in bodies)],
        "form": form_state(initial),
    }
