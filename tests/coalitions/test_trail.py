"""The audit trail in words."""

from __future__ import annotations

import re
from pathlib import Path

from app.coalitions.rules import ACTS, sentence

APP = Path(__file__).parent.parent.parent / "app"


def test_every_act_that_is_recorded_has_a_sentence() -> None:
    acts: set[str] = set()
    for path in APP.rglob("commands*/**/*.py"):
        acts |= set(re.findall(r'_?record\(\s*session,\s*f?"([a-z_]+\.[a-z_]+)"', path.read_text(encoding="utf-8")))
    for path in APP.rglob("commands.py"):
        acts |= set(re.findall(r'_?record\(\s*session,\s*f?"([a-z_]+\.[a-z_]+)"', path.read_text(encoding="utf-8")))
    assert len(acts) > 20
    assert sorted(acts - set(ACTS)) == []


def test_a_sentence_names_who_and_what() -> None:
    words = sentence("statement.frozen", "Robin", {"title": "Stop", "revision": 2, "digest": "ab12" * 16})
    assert words == "Robin froze the words of “Stop” (revision 2, digest ab12 ab12 ab12 ab12)."


def test_an_act_without_a_sentence_is_told_by_its_name() -> None:
    assert sentence("thing.done", "Robin", {"title": "Stop"}) == "Robin: thing done (title: Stop)."


def test_what_is_missing_does_not_break_the_trail() -> None:
    assert sentence("sign_on.declined", "Ann", {"organization": "X", "title": "Y", "reason": ""}).endswith(
        "no reason given"
    )
