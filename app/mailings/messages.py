"""The letters of mailings: what fills the holes for each reader is said by the room whose letter it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.mailings.models import Mailing
from app.mailings.queries import Addressed

# The values of every hole for each reader, in the order given. Called in the claim's own reading; a fixed number of
# queries for any number of readers.
Writer = Callable[[Session, Mailing, Sequence[Addressed], datetime], list[dict[str, str]]]
WRITERS: dict[str, Writer] = {}


def fills(template: str) -> Callable[[Writer], Writer]:
    """Register what fills the holes of a template."""

    def register(writer: Writer) -> Writer:
        WRITERS[template] = writer
        return writer

    return register
