"""The pinned requirements: all of pyproject.toml, each with its hashes, from no particular place."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement

from tests.house.rules import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME: list[str] = PROJECT["project"]["dependencies"]
DEVELOPMENT: list[str] = PROJECT["dependency-groups"]["dev"]


def pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return {
        found.lower(): version
        for found, version in re.findall(r"^([\w.-]+)(?:\[\S+\])?==([^\s;\\]+)", text, re.MULTILINE)
    }


def unmet(wanted: list[str], pinned: dict[str, str]) -> list[str]:
    """Requirements whose pin is missing or outside what was asked."""
    asked = [Requirement(line) for line in wanted]
    return [str(one) for one in asked if not one.specifier.contains(pinned.get(one.name, "0"), prereleases=True)]


def unhashed(text: str) -> list[str]:
    """Pins without a hash, and lines that name a place to fetch from."""
    entries = re.split(r"\n(?=\S)", re.sub(r"^\s*#.*\n?", "", text, flags=re.MULTILINE).strip())
    return [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry or "://" in entry]


@pytest.mark.parametrize(
    ("name", "wanted"), [("requirements.txt", RUNTIME), ("requirements-dev.txt", [*RUNTIME, *DEVELOPMENT])]
)
def test_the_pins_are_what_the_project_asks_for(name: str, wanted: list[str]) -> None:
    assert unmet(wanted, pins(name)) == [], "run `make lock`"
    assert unhashed((ROOT / name).read_text(encoding="utf-8")) == []


def test_tests_run_on_the_versions_that_are_deployed() -> None:
    runtime, development = pins("requirements.txt"), pins("requirements-dev.txt")
    assert {name: development.get(name) for name in runtime} == runtime


def test_the_rules_about_pins_find_bad_ones() -> None:
    assert unmet(["flask>=3,<4", "huey>=3"], {"flask": "2.0"}) == ["flask<4,>=3", "huey>=3"]
    assert unhashed("a==1 \\\n    --hash=sha256:x\n    # via b\nb==2\n--index-url https://example.org/simple\n") == [
        "b==2",
        "--index-url",
    ]
