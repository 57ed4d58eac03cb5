"""Scenes of the letter: drafted, improved by a suggestion, reviewed, frozen, signed, declined, closed."""

from __future__ import annotations

from datetime import time, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.campaigns.models import Campaign
from app.coalitions.queries import parties
from app.core.actor import by_link
from app.core.clock import local, utc_now
from app.core.db import transaction
from app.demo import material
from app.demo.gathering import LEAD
from app.demo.stage import acting, coalition, counted, group, letter_to, person, say, token_in
from app.signons import commands as signons
from app.signons import queries as roll
from app.statements import commands as statements
from app.statements.models import Answer, Statement, StatementState, Suggestion, SuggestionState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

ROBIN = LEAD["signatory_email"]
SUGGESTS = "ingrid@nwpa.example"
DECLINES = {"jose@kctu.example": "Our members vote on the second Tuesday, after this letter is delivered."}
DAYS_OPEN = 10


def statement(session: Session) -> Statement | None:
    """The demonstration's letter, once it was begun."""
    made = coalition(session, material.COALITION)
    if made is None:
        return None
    return session.scalar(sa.select(Statement).join(Campaign).where(Campaign.coalition_id == made.id))


def the_letter(session: Session) -> Statement:
    """The demonstration's letter."""
    found = statement(session)
    if found is None:
        message = "The letter has not been begun."
        raise LookupError(message)
    return found


def draft() -> None:
    """The lead drafts, a member group suggests other words for a passage, the lead takes them."""
    with transaction() as session:
        robin = acting(session, ROBIN)
        made = coalition(session, material.COALITION)
        campaign = session.scalars(sa.select(Campaign).where(Campaign.coalition_id == made.id)).one() if made else None
        if campaign is not None and statement(session) is None:
            entry = statements.NewStatement(title=material.TITLE, text=material.first_draft())
            statements.start_statement(session, campaign, entry, by=robin, now=utc_now())
    with transaction() as session:
        letter = the_letter(session)
        suggestions = list(session.scalars(sa.select(Suggestion).where(Suggestion.statement_id == letter.id)))
        if letter.state is StatementState.DRAFTING and not suggestions:
            passage = "covering use by county agencies"
            entry_ = statements.NewSuggestion(
                passage=passage,
                replacement=passage + material.WITHHELD,
                reason="Agencies can otherwise buy the same searches from a vendor.",
            )
            suggestions = [statements.suggest(session, letter, entry_, by=acting(session, SUGGESTS), now=utc_now())]
        for suggestion in suggestions:
            if suggestion.state is SuggestionState.OPEN:
                statements.decide_suggestion(
                    session, suggestion, statements.Decision(accept=True), by=acting(session, ROBIN), now=utc_now()
                )
    say("  drafted by Fight for the Future; one suggestion of a member group taken over")


def review_and_open() -> None:
    """Every member group answers, the words are frozen under their digest, and sign-on opens."""
    with transaction() as session:
        letter = the_letter(session)
        if letter.state is StatementState.DRAFTING:
            statements.ask_for_review(session, letter, by=acting(session, ROBIN), now=utc_now())
    for row in material.rows("organizations.csv"):
        _consent(row["organization"], row["signatory_email"])
    with transaction() as session:
        letter, robin = the_letter(session), acting(session, ROBIN)
        if letter.state is StatementState.IN_REVIEW:
            statements.freeze(session, letter, statements.Freezing(number=letter.head_number), by=robin, now=utc_now())
            until = local(utc_now() + timedelta(days=DAYS_OPEN), material.ZONE).date()
            entry = statements.Opening(deadline_date=until, deadline_time=time(17, 0))
            statements.open_for_sign_on(session, letter, entry, by=robin, now=utc_now())
        say(f"  frozen and open for sign-on, digest {letter.digest}")


def _consent(organization: str, email: str) -> None:
    with transaction() as session:
        letter = the_letter(session)
        if letter.state is not StatementState.IN_REVIEW or person(session, email) is None:
            return
        entry = statements.NewPosition(answer=Answer.CONSENT)
        answering = acting(session, email)
        statements.take_position(session, letter, entry, group(session, organization), by=answering, now=utc_now())


def ask_to_sign() -> None:
    """A request goes to every organization's contact."""
    with transaction() as session:
        letter = the_letter(session)
        if letter.state is not StatementState.OPEN:
            return
        groups = [party.organization for party in parties(session, letter.campaign.coalition_id)]
        asked = signons.ask_to_sign(session, letter, groups, by=acting(session, ROBIN), now=utc_now())
    say(f"  {len(asked)} organizations asked by e-mail")


def collect_the_names() -> None:
    """Some sign from inside, some through the link in their mailbox, one declines with its reason."""
    rows = material.rows("organizations.csv")
    for row in counted(rows, len(rows), "organizations answered"):
        _answer(row)


def _answer(row: dict[str, str]) -> None:
    with transaction() as session:
        letter = the_letter(session)
        organization = group(session, row["organization"])
        if letter.state is not StatementState.OPEN or roll.sign_on_for(session, letter.id, organization.id):
            return
        by = by_link(row["signatory_name"])
        account = person(session, row["signatory_email"])
        if account is not None and row["role"] == "lead":
            by = acting(session, row["signatory_email"])
        else:
            request = letter_to(session, row["signatory_email"], "signons/mail/request")
            if request is None:
                return
            roll.request_by_link(session, token_in(request, "answer_path"), now=utc_now())
        if row["signatory_email"] in DECLINES:
            reason = signons.Decline(reason=DECLINES[row["signatory_email"]])
            signons.decline(session, letter, organization, reason, by=by, now=utc_now())
            return
        entry = signons.NewSignOn(
            listed_as=row["organization"],
            signatory_name=row["signatory_name"],
            signatory_title=row["signatory_title"],
            signatory_email=row["signatory_email"],
            authorized="yes",
            digest=letter.digest or "",
        )
        signons.sign_on(session, letter, organization, entry, by=by, now=utc_now())


def close() -> None:
    """The lead closes the letter before its deadline: edition 1 is fixed, and the worker delivers it."""
    with transaction() as session:
        letter = the_letter(session)
        if letter.state is StatementState.OPEN:
            signons.close(session, letter, by=acting(session, ROBIN), now=utc_now())
    say("  closed; edition 1 has its fixed roll")
