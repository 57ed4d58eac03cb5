"""How the post office stands at this moment: one account, shown on the operator's page and told at the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from app.core import db
from app.mail import queries
from app.mail.models import EmailState
from app.mail.queries import Handing, Hindrance, Lane, Silent
from app.mail.rules import absence, lasting

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

LONGEST_WAIT = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Part:
    """What a room above the post office sends by itself, in sentences, and the page that tells more.

    ``waiting`` counts its letters that a worker should hand over, or holds.
    """

    title: str
    says: tuple[str, ...]
    href: str
    waiting: int = 0


Teller = Callable[["Session", datetime], Part | None]
_TELLERS: list[Teller] = []


def teller(tell: Teller) -> Teller:
    """Register what another room says on the operator's page; it says None while there is nothing to say."""
    _TELLERS.append(tell)
    return tell


@dataclass(frozen=True, slots=True)
class Standing:
    """Read in one look, so that its numbers belong together."""

    at: datetime
    counts: dict[EmailState, int]
    lanes: list[Lane]
    handing: Handing
    left_behind: int
    undecided: int
    hindrances: list[Hindrance]
    workers: list[str]
    silent: list[Silent]
    worker_seen: datetime | None
    worker_stopped: datetime | None
    full: bool = False
    parts: list[Part] = field(default_factory=list)

    @property
    def due(self) -> int:
        """Letters that could leave now."""
        return sum(lane.due for lane in self.lanes)

    @property
    def waiting(self) -> int:
        """Letters of every kind that wait for a worker or are in the hands of one."""
        return self.due + self.handing.now + self.handing.lost + sum(part.waiting for part in self.parts)

    @property
    def oldest(self) -> datetime | None:
        """Since when the letter that waits longest is due."""
        return min((lane.oldest for lane in self.lanes if lane.oldest is not None), default=None)

    @property
    def without_worker(self) -> str:
        """What is known of the last worker, where none runs."""
        return absence(self.worker_seen, self.worker_stopped)

    @property
    def stopped(self) -> bool:
        """Whether letters wait for an operator to let them leave."""
        return any(one.stopped for one in self.hindrances)

    @property
    def unattended(self) -> list[str]:
        """That nobody does the work there is; empty where somebody does, or where there is none.

        On a full disk a worker that lives cannot write it down.
        """
        nobody = not self.workers and self.waiting and not self.full
        return [f"{self.without_worker} Letters wait."] if nobody else []

    @property
    def stuck(self) -> list[str]:
        """Why letters do not leave, a sentence each; none when they do."""
        found = [queries.FULL] if self.full else []
        found += [f"Letters are held back ({one.transport}): {one.reason}" for one in self.hindrances]
        found += self.unattended
        if self.oldest is not None and self.at - self.oldest > LONGEST_WAIT:
            found.append(f"A letter that is due has waited {lasting(self.at - self.oldest)}.")
        return found

    def as_json(self) -> dict[str, Any]:
        """The same for monitors: moments in ISO 8601, states by their names."""
        told = asdict(self)
        told["counts"] = {state.value: count for state, count in self.counts.items()}
        told["stuck"] = self.stuck
        return {key: _plain(value) for key, value in told.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, datetime) else value


def standing(session: Session, *, now: datetime) -> Standing:
    """Everything that is true of the post office now."""
    working = queries.workers(session, now=now)
    return Standing(
        at=now,
        counts=queries.counts_by_state(session),
        lanes=queries.lanes(session, now=now),
        handing=queries.handing(session, now=now),
        left_behind=queries.left_behind(session, now=now),
        undecided=queries.undecided(session),
        hindrances=queries.hindrances(session, now=now),
        workers=working.names,
        silent=working.silent,
        worker_seen=working.seen_at,
        worker_stopped=working.stopped_at,
        full=db.is_full(),
        parts=[part for tell in _TELLERS if (part := tell(session, now)) is not None],
    )
