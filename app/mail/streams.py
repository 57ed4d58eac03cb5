"""What the letters of a stream are called: the rooms that write them say so here, for pages that list streams.

The post office only knows that a stream is a word; whose letters it holds is known above it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

Namer = Callable[["Session", Collection[str]], dict[str, str]]
_NAMERS: list[Namer] = []


def namer(name: Namer) -> Namer:
    """Register what a room calls its streams; streams that it does not know are left out of its answer."""
    _NAMERS.append(name)
    return name


def names(session: Session, streams: Collection[str]) -> dict[str, str]:
    """What each stream is called (“updates from Northwest Privacy Alliance”); every one asked for is there."""
    called = {stream: f"a sender that is gone ({stream})" for stream in streams}
    for name in _NAMERS:
        called |= name(session, streams)
    return called
