"""The audit trail in words."""

from __future__ import annotations

import re
from pathlib import Path

from app.coalitions.rules import ACTS, sentence

APP = Path(__file__).parent.parent.parent / "app"
ZONE = "America/Los_Angeles"


def test_every_act_that_is_recorded_has_a_sentence() -> None:
    acts: set[str] = set()
    for path in APP.rglob("commands*/**/*.py"):
        acts |= set(re.findall(r'_?record\(\s*session,\s*f?"([a-z_]+\.[a-z_]+)"', path.read_text(encoding="utf-8")))
    for path in APP.rglob("commands.py"):
        acts |= set(re.findall(r'_?record\(\s*session,\s*f?"([a-z_]+\.[a-z_]+)"', path.read_text(encoding="utf-8")))
    assert len(acts) > 20
    assert sorted(acts - set(ACTS)) == []


def test_a_sentence_names_who_and_what() -> None:
    words = sentence("statement.frozen", "Robin", {"title": "Stop", "revision": 2, "digest": "ab12" * 16}, ZONE)
    assert words == "Robin froze the words of “Stop” (revision 2, digest ab12 ab12 ab12 ab12)."


def test_an_act_without_a_sentence_is_told_by_its_name() -> None:
    assert sentence("thing.done", "Robin", {"title": "Stop"}, ZONE) == "Robin: thing done (title: Stop)."


def test_what_is_missing_does_not_break_the_trail() -> None:
    assert sentence("sign_on.declined", "Ann", {"organization": "X", "title": "Y", "reason": ""}, ZONE).endswith(
        "no reason given"
    )


def test_a_moment_in_the_trail_is_told_by_the_coalitions_clock_with_its_zone() -> None:
    words = sentence("statement.opened", "Robin", {"title": "Stop", "deadline": "2021-06-11T00:00:00+00:00"}, ZONE)
    assert words == "Robin opened “Stop” for sign-on until June 10, 2021, 5:00 PM PDT."


def test_what_only_looks_like_a_moment_is_told_as_it_was_typed() -> None:
    words = sentence("campaign.started", "Robin", {"title": "2021-99-99T10:00:00+00:00"}, ZONE)
    assert words == "Robin started the campaign “2021-99-99T10:00:00+00:00”."
