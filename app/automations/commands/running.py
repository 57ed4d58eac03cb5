"""What automated letters write by themselves, a lot at a time: the letter and the row that it was written, or neither.

Everybody who writes under a petition waits for the others, so that nobody's second letter becomes a third.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from app.automations import messages, queries, rules
from app.automations.models import Automation, AutomationLetter
from app.broadcasts import queries as updates
from app.broadcasts.rules import Field, fill_markdown, fill_subject
from app.core import db
from app.mail import outbox
from app.petitions import commands as petitions
from app.supporters.models import Supporter

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.petitions.models import Signature

REMIND, WELCOME = "automations.remind", "automations.welcome"
LOT = 50


def remind_lot(session: Session, ident: int, *, now: datetime) -> int:
    """Remind the next signers who have not confirmed; returns how many."""
    automation = _alone(session, ident)
    fixed = queries.fixed(session, automation)

    def words(signature: Signature) -> petitions.Reminding:
        values = fixed | {Field.GIVEN_NAME: signature.given_name}
        return petitions.Reminding(fill_subject(automation.subject, values), fill_markdown(automation.body, values))

    written = 0
    due = queries.to_remind(session, automation, now=now, limit=LOT)
    had = queries.letters_about(session, due)
    for signature_id in due:
        email = petitions.remind(session, signature_id, words, now=now)
        if email is not None:
            row = {"automation_id": ident, "signature_id": signature_id, "number": had[signature_id] + 1}
            session.add(AutomationLetter(**row, email_id=email.id, at=now))
            written += 1
    session.flush()
    return written


def welcome_lot(session: Session, ident: int, *, now: datetime) -> int:
    """Welcome the next supporters who confirmed; returns how many. With none left, what was looked at is remembered."""
    automation = _alone(session, ident)
    due = queries.to_welcome(session, automation, now=now, limit=LOT)
    had = queries.letters_about(session, due)
    # Held, so that somebody who is being erased is either gone by now or waits and takes this letter back.
    signers = queries.held(session, due)
    values = updates.values_for(session, rules.as_update(automation), [one.supporter_id or 0 for one in signers])
    for signature in signers:
        supporter = session.get(Supporter, signature.supporter_id or 0)
        if supporter is None:
            continue
        known = values.get(supporter.id, {}) | {Field.GIVEN_NAME: signature.given_name}
        letter = messages.welcome(automation, supporter, signature, known, now=now)
        email = outbox.queue(session, letter, once=f"welcome:{automation.organization_id}:{supporter.id}", now=now)
        row = {
            "automation_id": ident,
            "signature_id": signature.id,
            "number": had[signature.id] + 1,
            "organization_id": automation.organization_id,
            "supporter_id": supporter.id,
            "email_id": email.id,
            "at": now,
        }
        # Another petition's welcome of the same sender may have come first, in another worker.
        db.insert_once(session, AutomationLetter, [row], unique=["organization_id", "supporter_id"])
    if len(due) < LOT and automation.on_since is not None:
        automation.seen_until = now
    session.flush()
    return len(due)


def _alone(session: Session, ident: int) -> Automation:
    automation = db.locked(session, Automation, ident)
    db.one_at_a_time(session, f"automations:{automation.petition_id}")
    return automation
