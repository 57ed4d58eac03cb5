"""What a button does: find the thing, have a command done in one transaction, go on with a sentence.

Commands have one shape in every feature, so the small views that only call one need not be written out each time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from app.core.clock import utc_now
from app.core.db import transaction
from app.core.inputs import Input
from app.web.pages import see_other
from app.web.security import actor

if TYPE_CHECKING:
    from sqlalchemy.orm import Session
    from werkzeug.wrappers import Response

Thing = TypeVar("Thing")


class WordsShown(Input):
    """Which version of the words stood on the page on which somebody pressed the button."""

    version: int


Result = TypeVar("Result")


def carried_out(
    find: Callable[[Session], Thing],
    command: Callable[..., Result],
    *entry: object,
    onward: str,
    notice: str | Callable[[Result], str],
) -> Response:
    """Have ``command`` done to what ``find`` gives, and go ``onward``; ``notice`` may depend on what it returned."""
    by, now = actor(), utc_now()
    with transaction() as session:
        result = command(session, find(session), *entry, by=by, now=now)
    return see_other(onward, notice if isinstance(notice, str) else notice(result))
