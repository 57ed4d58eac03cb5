"""Comparing subjects: who is in the sample, which subject won, and which links tell."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import sqrt

from app.core.errors import Invalid

# Readers are spread over the wheel by a hash, so that neither age nor the order of signing says who gets what.
PRIME = 2_147_483_647
WHEEL = 30_000
TURN = 1_013_904_223
FEWEST_EACH = 50
FEWEST_VISITS = 20
# So many standard deviations apart, one in twenty comparisons of equal subjects would be decided by chance.
APART = 1.96


def on_wheel(key: int, salt: int) -> int:
    """Where a reader stands on the wheel; the same in SQL. Two turns, so that neighbors do not stay neighbors."""
    once = (key % PRIME * salt + TURN) % PRIME
    return (once * salt + TURN) % PRIME % WHEEL


def threshold(readers: int, percent: int, subjects: int) -> int:
    """The part of the wheel that is the sample. Refuses an audience that is too small to learn anything from."""
    wanted = max(readers * percent // 100, FEWEST_EACH * subjects)
    if wanted * 2 > readers:
        raise Invalid(
            {
                "percent": f"{readers:,} readers are too few to compare {subjects} subjects: at least "
                f"{FEWEST_EACH * subjects * 2:,} are needed, and the sample is at most half of them."
            }
        )
    return -(-wanted * WHEEL // readers)


def verdict(counts: Sequence[int]) -> tuple[int | None, str]:
    """The variant that won, or why a person has to choose."""
    order = sorted(range(len(counts)), key=lambda variant: -counts[variant])
    best, second = counts[order[0]], counts[order[1]]
    if sum(counts) < FEWEST_VISITS:
        return None, f"Too few to tell: {sum(counts):,} in all, and at least {FEWEST_VISITS} are needed."
    if best - second < APART * sqrt(best + second):
        return None, f"Too close to tell: {best:,} against {second:,} may be chance."
    return order[0], ""


def marked(words: str, base_url: str, code: str) -> str:
    """The words with ``?via=code`` in links to our public pages; links elsewhere and a reader's own are not touched."""
    ours = re.compile(rf"{re.escape(base_url)}/(?:campaigns|petitions|statements|letters|targets)/[\w\-./~%]*[\w\-/~%]")

    def mark(found: re.Match[str]) -> str:
        following = words[found.end() : found.end() + 1]
        return found[0] if following == "?" else f"{found[0]}?via={code}"

    return ours.sub(mark, words)
