"""Scenes of the petition and the update: people sign, most confirm, targets get a report, supporters hear of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.broadcasts import commands as broadcasts
from app.broadcasts.models import Broadcast, BroadcastState
from app.campaigns.models import Campaign
from app.core.actor import by_link
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import Invalid, NotFound
from app.core.text import canonical_email
from app.demo import material
from app.demo.gathering import LEAD
from app.demo.stage import acting, coalition, counted, group, letter_to, say, token_in
from app.petitions import commands as petitions
from app.petitions.models import Petition, PetitionState, Signature, SignatureState
from app.petitions.queries import reports

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

ROBIN = LEAD["signatory_email"]
APPROVES = "dana@aclu.example"
ASKS = {"Fight for the Future": "updates_from_fftf", "American Civil Liberties Union": "updates_from_aclu"}
# Every twelfth person never opens the confirmation, as happens.
NEVER_CONFIRMS = 12


def campaign(session: Session) -> Campaign:
    """The demonstration's campaign."""
    made = coalition(session, material.COALITION)
    return session.scalars(sa.select(Campaign).where(Campaign.coalition_id == (made.id if made else 0))).one()


def petition(session: Session) -> Petition | None:
    """The demonstration's petition, once it was started."""
    return session.scalar(sa.select(Petition).where(Petition.campaign_id == campaign(session).id))


def open_the_petition() -> None:
    """Two organizations ask for consent, each in its own words, with neither answer chosen."""
    with transaction() as session:
        robin, found = acting(session, ROBIN), petition(session)
        if found is None:
            asks = [(group(session, name), material.CONSENT_WORDS.format(name=name)) for name in ASKS]
            entry = petitions.NewPetition(title=material.PETITION, text=material.PETITION_TEXT, goal=250)
            found = petitions.start_petition(session, campaign(session), entry, asks, by=robin, now=utc_now())
        if found.state is PetitionState.DRAFT:
            petitions.open_petition(session, found, by=robin, now=utc_now())
    say(f"  open at /petitions/{found.slug}")


def people_sign() -> Counter[str]:
    """Every row of supporters.csv is typed into the form; what the form refuses is counted by its reason."""
    rows = material.rows("supporters.csv")
    with reading() as session:
        begin = _played(session, rows)
    outcome: Counter[str] = Counter()
    for number, row in enumerate(counted(rows, len(rows), "people at the form")):
        try:
            entry = petitions.NewSignature.of({name: row[name] for name in row if not name.startswith("updates")})
        except Invalid as refused:
            outcome.update(["; ".join(f"{field}: {sentence}" for field, sentence in refused.problems.items())])
            continue
        outcome.update(["received"])
        if number >= begin:
            _sign(row, entry)
    return outcome


def _sign(row: dict[str, str], entry: petitions.NewSignature) -> None:
    with transaction() as session:
        found = petition(session)
        if found is None:
            return
        answers = {
            group(session, name).id: row[column] == "yes"
            for name, column in ASKS.items()
            if row[column] in {"yes", "no"}
        }
        petitions.sign(session, found, entry, answers, by=by_link("A supporter"), now=utc_now())


def _played(session: Session, rows: list[dict[str, str]]) -> int:
    """How many rows an earlier play got through: rows are played in order, so the last one found tells."""
    found = petition(session)
    query = sa.select(Signature.email_canonical).where(Signature.petition_id == (found.id if found else 0))
    known = set(session.scalars(query))
    first: dict[str, int] = {}
    for number, row in enumerate(rows):
        first.setdefault(_mailbox(row["email"]), number)
    return max((number + 1 for mailbox, number in first.items() if mailbox in known), default=0)


def _mailbox(typed: str) -> str:
    try:
        return canonical_email(typed)
    except ValueError:
        return ""


def people_confirm() -> None:
    """Most open their mailbox, follow the link, and press the button."""
    with reading() as session:
        found = petition(session)
        waiting = list(
            session.execute(
                sa.select(Signature.id, Signature.email)
                .where(
                    Signature.petition_id == (found.id if found else 0),
                    Signature.state == SignatureState.PENDING,
                    Signature.id % NEVER_CONFIRMS != 0,
                )
                .order_by(Signature.id)
            )
        )
    for _, email in counted(waiting, len(waiting), "people confirmed"):
        with transaction() as session:
            letter = letter_to(session, email, "petitions/mail/confirm")
            if letter is not None:
                token = token_in(letter, "confirm_path")
                petitions.confirm(session, token, by=by_link("A supporter"), now=utc_now())


def report_to_targets() -> None:
    """One report with the count goes to every target."""
    with transaction() as session:
        found = petition(session)
        if found is not None and not reports(session, found.id):
            petitions.send_report(session, found, by=acting(session, ROBIN), now=utc_now())


def write_the_update() -> None:
    """The lead writes it and asks for approval."""
    with transaction() as session:
        robin = acting(session, ROBIN)
        if _the_update(session) is None:
            entry = broadcasts.NewBroadcast(
                subject=material.UPDATE_SUBJECT,
                body=material.UPDATE_BODY,
                organization_id=group(session, LEAD["organization"]).id,
            )
            update = broadcasts.compose(session, campaign(session), entry, by=robin, now=utc_now())
            broadcasts.send_test(session, update, by=robin, now=utc_now())


def send_the_update() -> None:
    """Somebody of another organization approves it, the lead sends it."""
    with transaction() as session:
        update = _the_update(session)
        if update is None:
            raise NotFound
        if update.state is BroadcastState.DRAFT:
            dana = acting(session, APPROVES)
            broadcasts.approve(session, update, update.version, by=dana, now=utc_now())
        if update.state is BroadcastState.APPROVED:
            broadcasts.send(session, update, by=acting(session, ROBIN), now=utc_now())
    say("  written by Fight for the Future, approved by the ACLU's Dana Ortiz, on its way")


def _the_update(session: Session) -> Broadcast | None:
    return session.scalar(sa.select(Broadcast).where(Broadcast.campaign_id == campaign(session).id))
