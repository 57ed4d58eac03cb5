"""The way of letters from their rows to a transport and back: a small lot is taken, written, handed over, settled.

Letters that may repeat are marked and settled by the lot; any other is marked alone, right before its own call.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.attributes import set_committed_value

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.mail import circuit, commands, mime, queries, render
from app.mail.circuit import Pass, Trouble
from app.mail.commands import Claim, Going, Taken
from app.mail.models import Email, EmailState
from app.mail.outbox import CATEGORIES
from app.mail.transports import (
    AccountRefused,
    Letter,
    NotAccepted,
    Outcome,
    OutcomeUnknown,
    SeveralTransport,
    Transport,
    TryAgain,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# Lots are small and end after some seconds, so that a confirmation never waits behind a lot of updates, and that
# somebody who left is asked for again soon before each letter. As what a lot costs beside its letters is the same for
# few and for many, it is what left in about a second lately.
LOT = 25  # as long as nothing is known of the way out
SMALLEST_LOT, LARGEST_LOT = 10, 100
LOT_AIM = 1.0
LOT_SECONDS = 3.0
CLAIM = timedelta(seconds=60)  # from taking a letter to handing it over
# A letter that may repeat does not wait as long for a worker that may have died as the slowest call could take.
REPEATS_AFTER = timedelta(seconds=90)
# How long to go on trying to write down what became of letters that were handed over, while disk or database balk.
SETTLE_WAITS = (0.1, 0.5, 2.0, 5.0, 10.0)  # the last one again and again
SETTLE_SECONDS = 3600.0
Known = TypeVar("Known")
log = structlog.get_logger()


class Sender:
    """Hands letters to one transport. The clock is handed in so that a test can live through an outage."""

    def __init__(self, transport: Transport, clock: Callable[[], datetime] = utc_now) -> None:
        self.transport = transport
        self.clock = clock
        self.size = LOT

    def lot(self) -> int:
        """Send one lot of letters; returns how many were worked on."""
        name = self.transport.name
        with reading() as session:
            now = self.clock()
            held = queries.paused(session, name) or circuit.holds(session, name, now=now)
            if held or not queries.anything_due(session, now=now):
                return 0
        with transaction() as session:
            now = self.clock()
            leave = circuit.ask(session, name, lease=self.transport.patience, now=now)
            if leave is None:
                return 0
            lost = commands.give_up_the_lost(session, lot=LOT, now=now)
            taken = commands.take(session, lot=self.size, lease=CLAIM, probe=bool(leave.probe), now=now)
            if not taken:
                circuit.not_used(session, name, leave)
        return lost + self._work(leave, taken)

    def _work(self, leave: Pass, taken: list[Taken]) -> int:
        """Send what was taken, as far as the time of a lot goes and the way out serves; put the rest back."""
        started = time.monotonic()
        until = started + LOT_SECONDS
        done = 0
        try:
            for repeatable, run in itertools.groupby(taken, key=lambda one: one.claim.repeatable):
                together = list(run)
                for lot in [together] if repeatable else [[one] for one in together]:
                    tried, goes_on = self._send_lot(leave, lot, until)
                    done += tried
                    if not goes_on or time.monotonic() > until:
                        return done
            return done
        finally:
            if done:
                self.size = size_after(done, time.monotonic() - started)
            # After an error too: whatever is still queued and ours was certainly not handed over.
            if done < len(taken):
                with transaction() as session:
                    commands.put_back(session, [one.claim for one in taken])

    def _send_lot(self, leave: Pass, lot: list[Taken], until: float) -> tuple[int, bool]:
        """Letters from their rows to their settled state: how many, and whether the next would be served.

        No transaction is open while letters are written or handed over.
        """
        letters = self._prepared(lot)
        found = _submit(self.transport, letters, until)
        claims = {one.claim.email_id: one.claim for one in lot}
        outcomes = {claims[ident]: outcome for ident, outcome in found.items()}
        untried = [claims[letter.email_id] for letter in letters if letter.email_id not in found]
        states = patiently(lambda: self._settle(leave, outcomes, untried))
        for claim, outcome in outcomes.items():
            if isinstance(outcome, NotAccepted):
                state = states.get(claim.email_id)
                settled = state.value if state else "another worker's"
                log.warning("letter not accepted", email=claim.email_id, state=settled, reason=outcome.reason)
        return len(lot) - len(untried), not any(is_everyones(outcome) for outcome in outcomes.values())

    def _settle(self, leave: Pass, outcomes: dict[Claim, Outcome], untried: list[Claim]) -> dict[int, EmailState]:
        """Write down what became of a lot, and what that says of the way out."""
        struck = {claim.email_id: outcome for claim, outcome in outcomes.items() if is_everyones(outcome)}
        trouble = next((outcome for outcome in struck.values() if isinstance(outcome, NotAccepted)), None)
        newly = False
        with transaction() as session:
            now = self.clock()
            states = commands.settle(session, outcomes, now=now)
            commands.unmark(session, untried)
            if len(struck) < len(outcomes):  # whoever was served was served before the trouble, which ends a lot
                circuit.worked(session, self.transport.name, leave)
            if trouble is not None:
                newly = self._note(session, leave, trouble, list(struck), now)
            elif not outcomes:
                circuit.not_used(session, self.transport.name, leave)
        if newly and trouble is not None:
            self._tell(trouble)
        return states

    def note(self, leave: Pass, trouble: NotAccepted) -> None:
        """Write down that nobody is served, as somebody else found out."""
        with transaction() as session:
            newly = self._note(session, leave, trouble, [], self.clock())
        if newly:
            self._tell(trouble)

    def _tell(self, trouble: NotAccepted) -> None:
        log.error("letters are held back", transport=self.transport.name, reason=trouble.reason)

    def _note(self, session: Session, leave: Pass, trouble: NotAccepted, struck: list[int], now: datetime) -> bool:
        """Write down that nobody is served; whether that is news."""
        name = self.transport.name
        if isinstance(trouble, AccountRefused):
            circuit.not_used(session, name, leave)
            return commands.pause(session, name, trouble.reason, now=now)
        asked = trouble.after if isinstance(trouble, TryAgain) and trouble.asked else None
        return circuit.failed(session, name, leave, Trouble(trouble.reason, asked), letters=struck, now=now)

    def _prepared(self, lot: list[Taken]) -> list[Letter]:
        """Write the letters and commit that they are being handed over; those that must not be are left out."""
        with reading() as session:  # not while they were taken, for that keeps SQLite's one writer
            files = queries.files_of(session, [one.claim.email_id for one in lot])
        letters: dict[Claim, tuple[Going, Letter]] = {}
        broken: dict[Claim, str] = {}
        for one in lot:
            set_committed_value(one.email, "attachments", files.get(one.email.id, []))
            try:
                letters[one.claim] = self._written(one.email, one.claim)
            except render.Unwritable as error:
                # Without the reason, which may hold a person's words; it stands in the row.
                log.error("letter cannot be written", email=one.email.id, template=one.email.template)  # noqa: TRY400
                broken[one.claim] = str(error)
        with transaction() as session:
            now = self.clock()
            for claim, reason in broken.items():
                commands.unwritable(session, claim, reason, now=now)
            going = [one for one, _letter in letters.values()]
            patience = self.transport.patience
            until = now + (min(patience, REPEATS_AFTER) if lot[0].claim.repeatable else patience)
            handed = commands.hand_over(session, going, until=until, now=now)
        return [letter for _going, letter in letters.values() if letter.email_id in handed]

    def _written(self, email: Email, claim: Claim) -> tuple[Going, Letter]:
        words = render.render(email)
        message_id = email.message_id or mime.new_message_id(email)
        message, raw = mime.written(words, email, message_id, now=self.clock())
        letter = Letter(
            claim.email_id, claim.token, message, raw, CATEGORIES.get(email.rank, ""), mime.envelope_sender(email.id)
        )
        return Going(claim, words, message_id, raw), letter


def size_after(done: int, seconds: float) -> int:
    """How many letters to take after so many were worked on in so many seconds."""
    return max(SMALLEST_LOT, min(LARGEST_LOT, int(done * LOT_AIM / max(seconds, 0.001))))


def _submit(transport: Transport, letters: Sequence[Letter], until: float) -> dict[int, Outcome]:
    """Hand letters over, one after the other or in one request, until one shows that nobody is served."""
    if isinstance(transport, SeveralTransport) and len(letters) > 1:
        return transport.submit_all(letters)
    outcomes: dict[int, Outcome] = {}
    for letter in letters:
        try:
            outcome: Outcome = transport.submit(letter)
        except NotAccepted as refusal:
            outcome = refusal.kept()
        outcomes[letter.email_id] = outcome
        if is_everyones(outcome) or time.monotonic() > until:
            break
    return outcomes


def is_everyones(outcome: Outcome) -> bool:
    """Whether an outcome says more of the way out than of the letter."""
    return isinstance(outcome, AccountRefused | OutcomeUnknown) or (isinstance(outcome, TryAgain) and outcome.everyone)


def patiently(write: Callable[[], Known]) -> Known:
    """What became of what was handed over must be written down, even if the disk is full just now: nobody else knows.

    It is tried for an hour at most, and as long as this process runs.
    """
    until = time.monotonic() + SETTLE_SECONDS
    waits = itertools.chain(SETTLE_WAITS, itertools.repeat(SETTLE_WAITS[-1]))
    while True:
        try:
            return write()
        except OperationalError as error:
            if time.monotonic() > until:
                raise
            log.error("what became of letters cannot be written down yet", said=str(error.orig))  # noqa: TRY400
        time.sleep(next(waits))
