"""What may import what: the contracts hold, cover every room, and notice what they are for."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.house.rules import ROOT, VOCABULARY

CONTRACTS: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]["contracts"]
# Rooms with a vocabulary of their own: foundations, the press and the post office, the demonstration's script, and the
# command line.
UNLIKE_A_FEATURE = {"core", "web", "jobs", "mail", "press", "demo", "static", "cli"}
# One trespass for each contract: where it is written, and what.
TRESPASSES = {
    "Rooms import downward only": ("core/clock.py", "import app.targets.models"),
    "Inside a feature: views, commands, messages, queries, rules, models": (
        "targets/models.py",
        "import app.targets.queries",
    ),
    "The middle knows nothing of HTTP": ("targets/rules.py", "import flask"),
    "Only the post office knows its transports": ("operations/queries.py", "import app.mail.transports.smtp"),
    "Only the composition root imports views and APIs": (
        "operations/views.py",
        "import app.petitions.views.signing",
    ),
}


def verdicts(folder: Path) -> dict[str, str]:
    """Every contract's name and whether the tree in this folder keeps it."""
    program = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    checked = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)
    found = dict(re.findall(r"^(.+) (KEPT|BROKEN)\b", checked.stdout, re.MULTILINE))
    assert len(found) == len(CONTRACTS), checked.stdout + checked.stderr
    return found


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the house in which one may trespass."""
    shutil.copytree(ROOT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("static", "__pycache__", "data"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_import_contracts_hold() -> None:
    assert set(verdicts(ROOT).values()) == {"KEPT"}


@pytest.mark.parametrize("contract", TRESPASSES)
def test_a_contract_notices_its_trespass(house: Path, contract: str) -> None:
    place, words = TRESPASSES[contract]
    with (house / "app" / place).open("a", encoding="utf-8") as file:
        file.write(f"\n{words}\n")
    assert verdicts(house)[contract] == "BROKEN"


def test_a_file_outside_the_vocabulary_is_noticed(house: Path) -> None:
    (house / "app" / "targets" / "helpers.py").write_text('"""Anything."""\n', encoding="utf-8")
    assert verdicts(house)["Inside a feature: views, commands, messages, queries, rules, models"] == "BROKEN"


def test_a_room_without_a_place_in_the_order_is_noticed(house: Path) -> None:
    (house / "app" / "services").mkdir()
    (house / "app" / "services" / "__init__.py").write_text('"""Anything."""\n', encoding="utf-8")
    assert verdicts(house)["Rooms import downward only"] == "BROKEN"


def test_every_contract_is_tried() -> None:
    assert {contract["name"] for contract in CONTRACTS} == set(TRESPASSES)


def test_every_feature_stands_under_the_order_of_a_feature() -> None:
    rooms = {path.parent.name for path in (ROOT / "app").glob("*/__init__.py")}
    contained = {name.removeprefix("app.") for name in CONTRACTS[1]["containers"]}
    assert contained == rooms - UNLIKE_A_FEATURE


def test_a_feature_holds_only_what_the_vocabulary_names() -> None:
    strangers = [
        str(path.relative_to(ROOT))
        for container in CONTRACTS[1]["containers"]
        for path in (ROOT / container.replace(".", "/")).iterdir()
        if path.stem not in VOCABULARY and path.name != "__pycache__"
    ]
    assert strangers == []
