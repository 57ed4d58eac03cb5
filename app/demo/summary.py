"""What came of the demonstration, in numbers read from the database, and where to look next."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.accounts import commands as accounts
from app.broadcasts.models import Broadcast
from app.broadcasts.queries import progress
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.text import digest
from app.deliveries.models import Delivery
from app.demo import crowd, lettering, material
from app.demo.gathering import LEAD
from app.demo.stage import person, say
from app.operations.queries import letters_by_state
from app.petitions.models import Petition, Signature, SignatureState
from app.signons.models import Edition, SignOn, SignOnRequest, SignOnState
from config.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.statements.models import Statement

MEMBER = "dana@aclu.example"
# Long enough to come back to the terminal tomorrow; each link works once, and playing again prints new ones.
LINK_LASTS = timedelta(hours=24)


def print_summary(settings: Settings, form: object) -> None:
    """The summary, with a sign-in link for an organizer and for a member group."""
    with reading() as session:
        letter, petition = lettering.the_letter(session), crowd.petition(session)
        lines = _organizations(session, letter)
        if petition is not None:
            lines += _signatures(session, petition, form)
        lines += _letters(session, settings)
        pdf = _pdf(session, letter, settings)
    say("\nSummary")
    for term, value in lines:
        say(f"  {term:<33} {value}")
    say(f"\n  The letter as PDF        {pdf}")
    say(f"  Its digest               {letter.digest}")
    say(f"  Recomputed just now      {digest(material.letter())}")
    say(f"\n  The letter               {settings.base_url}/statements/{letter.slug}")
    if petition is not None:
        say(f"  The petition             {settings.base_url}/petitions/{petition.slug}")
    say(f"  The letters written      {settings.base_url}/dev/mail")
    say("  Sign in, once within 24 hours, as")
    for who, email in (("organizer", LEAD["signatory_email"]), ("member group", MEMBER)):
        say(f"    {who:<21}{settings.base_url}{_sign_in_path(email)}")


def _organizations(session: Session, letter: Statement) -> list[tuple[str, str]]:
    states = Counter(session.scalars(sa.select(SignOn.state).where(SignOn.statement_id == letter.id)))
    asked = session.scalar(
        sa.select(sa.func.count()).select_from(SignOnRequest).where(SignOnRequest.statement_id == letter.id)
    )
    delivered = Counter(session.scalars(sa.select(Delivery.state)))
    return [
        ("Organizations invited to sign", str(asked)),
        ("  signed", str(states[SignOnState.CONFIRMED])),
        ("  declined", str(states[SignOnState.DECLINED])),
        ("Deliveries to targets", ", ".join(f"{count} {state.value}" for state, count in delivered.items())),
    ]


def _signatures(session: Session, petition: Petition, form: object) -> list[tuple[str, str]]:
    states = Counter(session.scalars(sa.select(Signature.state).where(Signature.petition_id == petition.id)))
    read = len(material.rows("supporters.csv"))
    refused = (
        {words: count for words, count in form.items() if words != "received"} if isinstance(form, Counter) else {}
    )
    received = read - sum(refused.values())
    lines = [
        ("Rows in supporters.csv", str(read)),
        *((f"  refused at the form: {count}", words) for words, count in refused.items()),
        ("Signatures received", str(received)),
        ("  validated", str(states[SignatureState.VALIDATED])),
        ("  waiting for confirmation", str(states[SignatureState.PENDING])),
        ("  refused as duplicates", str(received - sum(states.values()))),
        ("The petition's page shows", str(petition.counted)),
    ]
    update = session.scalar(sa.select(Broadcast).where(Broadcast.campaign_id == petition.campaign_id))
    if update is not None:
        known = progress(session, update)
        counts = {"handed over": known.handed_over, "waiting": known.waiting, "uncertain": known.unknown}
        handed = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
        lines.append(("The update", f"{update.state.value}: {known.planned} planned, {handed}"))
    return lines


def _letters(session: Session, settings: Settings) -> list[tuple[str, str]]:
    files = len(list((settings.var_dir / "mail").glob("*.eml")))
    states = ", ".join(f"{count} {state}" for state, count in letters_by_state(session).items() if count)
    return [("Letters in the outbox", states), (".eml files in " + str(settings.var_dir / "mail"), str(files))]


def _pdf(session: Session, letter: Statement, settings: Settings) -> Path | str:
    """Write the edition's PDF beside the letters; what is written is what was sent, byte for byte."""
    edition = session.scalar(sa.select(Edition).where(Edition.statement_id == letter.id, Edition.number == 1))
    if edition is None or edition.document is None:
        return "not made yet: the worker makes it"
    path = settings.var_dir / edition.document.filename
    path.write_bytes(edition.document.body)
    return path


def _sign_in_path(email: str) -> str:
    with transaction() as session:
        account = person(session, email)
        if account is None:
            return "/sign-in"
        return accounts.sign_in_path(session, account, lasts=LINK_LASTS, now=utc_now())
