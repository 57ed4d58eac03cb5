"""The ways a letter leaves, and what may become of handing one over: every outcome is a type.

A transport either returns ``Accepted`` or raises one of the refusals below; it never returns without knowing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

if TYPE_CHECKING:
    from app.mail.transports.many import Lot


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter as it is handed over. ``attempt`` is the claim's token, opaque and new for each attempt.

    ``category`` is its priority's name. Bounces by mail come back to ``envelope_sender`` (empty: to its From).
    """

    email_id: int
    attempt: str
    message: EmailMessage
    raw: bytes
    category: str = ""
    envelope_sender: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The next server has taken the letter. It says nothing of the reader's mailbox."""

    provider_id: str = ""


class NotAccepted(Exception):
    """A letter was not taken, or nobody knows. ``reason`` is for operators and names no address."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = " ".join(reason.split())[:500]

    def kept(self) -> Self:
        """This outcome, to be kept: without the frames it came through.

        They hold the letters, and by way of their callers the outcome itself, so that hundreds of kilobytes would wait
        for the collector to come by.
        """
        forget_the_way(self)
        return self


def forget_the_way(error: BaseException | None) -> None:
    """Let an error, and whatever led to it, go of the frames they came through."""
    while error is not None:
        error.__traceback__ = None
        error = error.__context__


class TryAgain(NotAccepted):
    """Certainly not taken now; later it may be. ``everyone``: the next letter would fare the same until then.

    ``asked``: the provider itself named ``after`` as the time for everyone to come back.
    """

    def __init__(self, after: timedelta, reason: str, *, everyone: bool = False, asked: bool = False) -> None:
        super().__init__(reason)
        self.after = after
        self.everyone = everyone or asked
        self.asked = asked


class GiveUp(NotAccepted):
    """Certainly not taken, and never will be as it is."""


class OutcomeUnknown(NotAccepted):
    """It was handed over and the answer was lost: it may be on its way or not."""


class AccountRefused(NotAccepted):
    """The provider does not take letters from this installation at all, until an operator mends it."""


Outcome = Accepted | NotAccepted


class Transport(Protocol):
    """A way out. ``patience`` is how long a claim is held: longer than handing over one letter should take."""

    name: str
    patience: timedelta

    def submit(self, letter: Letter) -> Accepted:
        """Hand one letter over, blocking; called from many threads at once."""


@runtime_checkable
class SeveralTransport(Transport, Protocol):
    """A way out that takes several different letters at once."""

    def submit_all(self, letters: Sequence[Letter]) -> dict[int, Outcome]:
        """Hand letters over; the outcome of each by its id. A letter that is not there was not tried."""


@runtime_checkable
class ManyTransport(Transport, Protocol):
    """A way out that takes one letter for up to ``most_readers`` readers in one request."""

    most_readers: int

    def submit_many(self, lot: Lot) -> Accepted:
        """Hand a lot over, blocking: all of its readers are taken, or none. Raises an outcome, or one of ``many``."""
