"""One thing that was looked at: how good it is, what to do about it, and the record to publish."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any


class Grade(Enum):
    """How good it is. ``UNKNOWN``: the name server did not tell."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Record:
    """A record as a DNS provider's form asks for it."""

    name: str
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, in sentences. ``publish`` is the record that mends it; ``found`` is what is published now."""

    name: str
    grade: Grade
    says: str
    publish: Record | None = None
    found: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, to be kept in a row and given to monitors."""
        return {**asdict(self), "grade": self.grade.value}
