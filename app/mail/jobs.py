"""What the worker does for mail: take a small lot, write its letters, hand them over with nothing held, settle them.

Letters that may repeat are marked and settled by the lot; any other is marked alone, right before its own call.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from email.utils import parseaddr

import structlog
from sqlalchemy.exc import OperationalError

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs.bell import job
from app.mail import circuit, commands, mime, queries, render
from app.mail.circuit import Pass, Trouble
from app.mail.commands import Claim, Going
from app.mail.models import Email, EmailState
from app.mail.outbox import CATEGORIES, SEND
from app.mail.transports import (
    Accepted,
    AccountRefused,
    Letter,
    ManyAtOnce,
    NotAccepted,
    Outcome,
    OutcomeUnknown,
    Transport,
    TryAgain,
)
from app.mail.transports.dev import DevTransport
from app.mail.transports.sendgrid import SendGridTransport
from app.mail.transports.smtp import SmtpTransport
from config.settings import MailTransport, Settings

# Lots are small and end after some seconds, so that a confirmation never waits behind a lot of updates, and that
# somebody who left is asked for again soon before each letter.
LOT = 25
LOT_SECONDS = 3.0
# How long to go on trying to write down what became of letters that were handed over, while disk or database balk.
SETTLE_WAITS = (0.1, 0.5, 2.0, 5.0, 10.0)
log = structlog.get_logger()


class _Bound:
    transport: Transport | None = None


def bind(settings: Settings) -> None:
    """Choose the transport once, at the start."""
    mime.bind_bounces(settings.mail_bounce_domain)
    use(_transport(settings))


def use(transport: Transport) -> None:
    """Hand letters to this transport from now on."""
    _Bound.transport = transport


def _transport(settings: Settings) -> Transport:
    if settings.mail_transport is MailTransport.SMTP:
        own_host = parseaddr(settings.mail_from)[1].rpartition("@")[2]
        return SmtpTransport(settings.smtp_url, own_host=own_host)
    if settings.mail_transport is MailTransport.SENDGRID:
        return SendGridTransport(
            settings.sendgrid_api_key,
            host=settings.sendgrid_host,
            asm_group=settings.sendgrid_asm_group,
            ip_pool=settings.sendgrid_ip_pool,
            updates_ip_pool=settings.sendgrid_updates_ip_pool,
        )
    return DevTransport(settings.var_dir / "mail")


@job(SEND, shared=True)
def send() -> int:
    """Send one lot of letters; returns how many were worked on."""
    transport = _Bound.transport
    if transport is None:
        raise RuntimeError("No transport is bound: call app.mail.jobs.bind(settings) first.")
    with reading() as session:
        now = utc_now()
        held = queries.paused(session, transport.name) or circuit.holds(session, transport.name, now=now)
        if held or not queries.anything_due(session, now=now):
            return 0
    with transaction() as session:
        now = utc_now()
        leave = circuit.ask(session, transport.name, lease=transport.patience, now=now)
        if leave is None:
            return 0
        lost = commands.give_up_the_lost(session, lot=LOT, now=now)
        lease, probe = transport.patience, bool(leave.probe)
        claims = commands.take(session, lot=LOT, lease=lease, probe=probe, now=now)
        if not claims:
            circuit.not_used(session, transport.name, leave)
    return lost + _work(transport, leave, claims)


def _work(transport: Transport, leave: Pass, claims: list[Claim]) -> int:
    until = time.monotonic() + LOT_SECONDS
    done = 0
    for repeatable, run in itertools.groupby(claims, key=lambda claim: claim.repeatable):
        together = list(run)
        for lot in [together] if repeatable else [[claim] for claim in together]:
            done += len(lot)
            if not _send_lot(transport, leave, lot, until) or time.monotonic() > until:
                if claims[done:]:
                    with transaction() as session:
                        commands.put_back(session, claims[done:])
                return done
    return done


def _send_lot(transport: Transport, leave: Pass, lot: list[Claim], until: float) -> bool:
    """Letters from their rows to their settled state; False if nobody else would be served now.

    No transaction is open while letters are written or handed over.
    """
    letters = _prepared(transport, lot)
    found = _submit(transport, letters, until)
    claims = {claim.email_id: claim for claim in lot}
    outcomes = {claims[ident]: outcome for ident, outcome in found.items()}
    untried = [claims[letter.email_id] for letter in letters if letter.email_id not in found]
    states = _patiently(lambda: _settle(transport, leave, outcomes, untried))
    for claim, outcome in outcomes.items():
        if isinstance(outcome, NotAccepted):
            state = states.get(claim.email_id)
            settled = state.value if state else "another worker's"
            log.warning("letter not accepted", email=claim.email_id, state=settled, reason=outcome.reason)
    return not any(_is_everyones(outcome) for outcome in outcomes.values())


def _submit(transport: Transport, letters: Sequence[Letter], until: float) -> dict[int, Outcome]:
    """Hand letters over, one after the other or in one request, until one shows that nobody is served."""
    if isinstance(transport, ManyAtOnce) and len(letters) > 1:
        return transport.submit_many(letters)
    outcomes: dict[int, Outcome] = {}
    for letter in letters:
        try:
            outcome: Outcome = transport.submit(letter)
        except NotAccepted as refusal:
            outcome = refusal
        outcomes[letter.email_id] = outcome
        if _is_everyones(outcome) or time.monotonic() > until:
            break
    return outcomes


def _is_everyones(outcome: Outcome) -> bool:
    """Whether an outcome says more of the way out than of the letter."""
    return isinstance(outcome, AccountRefused | OutcomeUnknown) or (isinstance(outcome, TryAgain) and outcome.everyone)


def _settle(
    transport: Transport, leave: Pass, outcomes: dict[Claim, Outcome], untried: list[Claim]
) -> dict[int, EmailState]:
    """Write down what became of a lot, and what that says of the way out."""
    with transaction() as session:
        now = utc_now()
        states = commands.settle(session, outcomes, now=now)
        commands.put_back(session, untried)
        struck = [claim.email_id for claim, outcome in outcomes.items() if _is_everyones(outcome)]
        trouble = next((outcome for outcome in outcomes.values() if _is_everyones(outcome)), None)
        newly = False
        if isinstance(trouble, AccountRefused):
            newly = commands.pause(session, transport.name, trouble.reason, now=now)
            circuit.not_used(session, transport.name, leave)
        elif isinstance(trouble, NotAccepted):
            asked = trouble.after if isinstance(trouble, TryAgain) and trouble.asked else None
            known = Trouble(trouble.reason, asked)
            newly = circuit.failed(session, transport.name, leave, known, letters=struck, now=now) and not leave.probe
        elif outcomes:
            circuit.worked(session, transport.name, leave)
        else:
            circuit.not_used(session, transport.name, leave)
    if newly and isinstance(trouble, AccountRefused):
        log.error("mail is paused until an operator resumes it", transport=transport.name, reason=trouble.reason)
    elif newly and isinstance(trouble, NotAccepted):
        log.error("nobody is served, letters wait and one tries", transport=transport.name, reason=trouble.reason)
    return states


def _patiently(write: Callable[[], dict[int, EmailState]]) -> dict[int, EmailState]:
    """What was handed over must be written down, even if the disk is full just now: it is tried for some seconds."""
    for wait in SETTLE_WAITS:
        try:
            return write()
        except OperationalError as error:
            log.error("outcomes of letters cannot be written down yet", said=str(error.orig))  # noqa: TRY400
            time.sleep(wait)
    return write()


def _prepared(transport: Transport, lot: list[Claim]) -> list[Letter]:
    """Write the letters and commit that they are being handed over; those that must not be are left out."""
    with reading() as session:
        emails = {email.id: email for email in queries.many_with_files(session, [claim.email_id for claim in lot])}
    letters: dict[Claim, tuple[Going, Letter]] = {}
    broken: dict[Claim, str] = {}
    for claim in lot:
        email = emails.get(claim.email_id)
        if email is None:
            continue
        try:
            letters[claim] = _written(email, claim)
        except render.Unwritable as error:
            # Without the reason, which may hold a person's words; it stands in the row.
            log.error("letter cannot be written", email=claim.email_id, template=email.template)  # noqa: TRY400
            broken[claim] = str(error)
    with transaction() as session:
        now = utc_now()
        for claim, reason in broken.items():
            commands.unwritable(session, claim, reason, now=now)
        going = [one for one, _letter in letters.values()]
        handed = commands.hand_over(session, going, until=now + transport.patience, now=now)
    return [letter for _going, letter in letters.values() if letter.email_id in handed]


def _written(email: Email, claim: Claim) -> tuple[Going, Letter]:
    words = render.render(email)
    message_id = email.message_id or mime.new_message_id(email)
    message, raw = mime.written(words, email, message_id, now=utc_now())
    letter = Letter(
        claim.email_id, claim.token, message, raw, CATEGORIES.get(email.rank, ""), mime.envelope_sender(email.id)
    )
    return Going(claim, words, message_id, raw), letter
