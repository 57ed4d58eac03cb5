"""Who acts at the command line, and how a refusal is said there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from app.core.actor import Actor
from app.core.errors import Invalid, Refusal

OPERATOR = Actor(label="The operator at the command line", operator=True)


@contextmanager
def sentences() -> Iterator[None]:
    """Say a refusal in its own words and leave with status 1."""
    try:
        yield
    except Invalid as refusal:
        raise click.ClickException("\n".join(refusal.problems.values())) from refusal
    except Refusal as refusal:
        raise click.ClickException(refusal.sentence) from refusal
