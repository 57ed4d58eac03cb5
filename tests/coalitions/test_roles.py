"""The one table of rights, and that its page in the docs is this table."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.coalitions.models import PartyRole, Role
from app.coalitions.roles import ONLY_IN_A_LEAD, RIGHTS, Right, allows, roles_with
from app.coalitions.rules import ACTS, sentence

PAGE = Path(__file__).parent.parent.parent / "docs" / "roles.md"


def table() -> str:
    """The table as docs/roles.md holds it."""
    order: list[Role] = [Role.ADMIN, Role.SIGNATORY, Role.DRAFTER, Role.VIEWER]
    lines = [f"| May | {' | '.join(role.value for role in order)} |", "|---|---|---|---|---|"]
    for right in Right:
        where = "in a lead organization" if right in ONLY_IN_A_LEAD else "yes"
        cells = [where if right in RIGHTS[role] else "" for role in order]
        lines.append(f"| {right.value} | {' | '.join(cells)} |")
    return "\n".join(lines)


def test_the_docs_hold_the_table_of_the_code() -> None:
    assert table() in PAGE.read_text(encoding="utf-8"), f"Put this into docs/roles.md:\n\n{table()}"


def test_every_right_has_somebody_and_an_admin_of_a_lead_has_all() -> None:
    assert all(roles_with(right) for right in Right)
    assert all(allows(Role.ADMIN, PartyRole.LEAD, right) for right in Right)


@pytest.mark.parametrize("right", [right for right in Right if right in ONLY_IN_A_LEAD])
def test_a_partner_runs_nothing_of_the_coalition(right: Right) -> None:
    assert not any(allows(role, PartyRole.PARTNER, right) for role in Role)


def test_a_viewer_only_sees() -> None:
    assert [right for right in Right if allows(Role.VIEWER, PartyRole.LEAD, right)] == [Right.SEE]


@pytest.mark.parametrize("act", sorted(ACTS))
def test_every_act_is_a_sentence_even_when_its_detail_is_missing(act: str) -> None:
    told = sentence(act, "Robin Vale", {}, "UTC")
    assert told.endswith((".", "no reason given"))
    assert "{" not in told


def test_an_act_the_table_does_not_know_is_told_by_its_name() -> None:
    told = sentence("tree.planted", "Robin Vale", {"kind": "oak", "note": None}, "UTC")
    assert told == "Robin Vale: tree planted (kind: oak)."
