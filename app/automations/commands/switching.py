"""A test to oneself, a second person who stands behind the words, and the switch."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from app.accounts.models import Account
from app.automations import messages, queries, rules
from app.automations.commands.holding import held, record, require_writer, turn_off
from app.automations.commands.running import REMIND
from app.automations.models import Automation
from app.broadcasts import commands as updates
from app.broadcasts import rules as update_rules
from app.coalitions.queries import is_in, organizations_acting, require
from app.coalitions.roles import Right
from app.core import db
from app.core.errors import Conflict, NotFound
from app.jobs.bell import ring
from app.mail import outbox

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor
    from app.mail.models import Email

NOTHING_KNOWN = update_rules.Surroundings()


def send_test(session: Session, automation: Automation, *, by: Actor, now: datetime) -> Email:
    """Send the letter to oneself, as a reader of one's own given name gets it."""
    automation = held(session, automation, by=by)
    person = session.get(Account, by.account_id)
    if person is None:
        raise NotFound
    updates.spend_test(session, person, now=now)
    automation.tested_at = now
    given_name = {update_rules.Field.GIVEN_NAME: person.name.split(" ", maxsplit=1)[0]}
    values = queries.fixed(session, automation) | given_name
    letter = messages.test(automation, values, to=person.email, name=person.name)
    return outbox.queue(session, letter, once=f"automation:{automation.id}:test:{person.id}:{now.timestamp()}", now=now)


def approvers(session: Session, automation: Automation) -> list[Account]:
    """The people who may approve the letter, by the rule of updates."""
    return updates.approvers(session, rules.as_update(automation))


def approve(
    session: Session,
    automation: Automation,
    version: int,
    *,
    around: update_rules.Surroundings = NOTHING_KNOWN,
    by: Actor,
    now: datetime,
) -> Automation:
    """A second person stands behind exactly these words; ``around`` is what our pages know of them."""
    coalition_id = automation.petition.campaign.coalition_id
    require(session, coalition_id, by=by, right=Right.APPROVE_UPDATE)
    automation = db.locked(session, Automation, automation.id)
    if automation.approved and automation.approved_version == version:
        return automation
    rules.must_be_approvable(automation, version, by.account_id)
    update = rules.as_update(automation)
    acting = [one.id for one in organizations_acting(session, coalition_id, by=by, right=Right.APPROVE_UPDATE)]
    inside = is_in(session, automation.organization_id, by=by)
    asked = updates.elsewhere(session, update)
    update_rules.must_be_of_another_organization(update, acting, belongs_to_sender=inside, asked=asked)
    faults = update_rules.errors(update_rules.findings(automation.subject, automation.body, around))
    if faults:
        raise Conflict(f"This cannot be approved as it is. {' '.join(fault.sentence for fault in faults)}")
    automation.approver_id, automation.approved_version, automation.approved_at = by.account_id, version, now
    outside = [ident for ident in acting if ident != automation.organization_id]
    automation.approver_organization_id = outside[0] if outside and not inside else automation.organization_id
    record(session, "automation.approved", automation, by=by, now=now)
    return automation


def why_not_approvable(session: Session, automation: Automation, *, by: Actor) -> str:
    """The sentence with which approving the words as they are would be refused; empty where ``by`` may approve them.

    What is found in the words is told beside it.
    """
    if automation.approved:
        return "These words are approved. New words would be approved anew."
    try:
        rules.must_be_approvable(automation, automation.version, by.account_id)
    except Conflict as refusal:
        return refusal.sentence
    return updates.why_not_among_approvers(session, rules.as_update(automation), by=by)


def switch_on(
    session: Session, automation: Automation, version: int | None = None, *, by: Actor, now: datetime
) -> Automation:
    """Let the approved words go out by themselves from now on. Who confirmed before is not welcomed.

    ``version`` is the one that was reviewed.
    """
    automation = held(session, automation, by=by)
    if automation.on_since is not None:
        return automation
    rules.must_be_the_words_shown(automation, version)
    rules.must_be_approved(automation, elsewhere=updates.elsewhere(session, rules.as_update(automation)))
    automation.on_since, automation.seen_until = now, None
    record(session, "automation.switched_on", automation, by=by, now=now)
    ring(session, REMIND)
    return automation


def why_not_on(session: Session, automation: Automation, *, by: Actor) -> str:
    """The sentence with which switching it on would be refused; empty where it may be. NotAllowed for who may not."""
    require_writer(session, automation, by=by)
    if automation.on_since is not None:
        return "It is on already."
    try:
        rules.must_be_approved(automation, elsewhere=updates.elsewhere(session, rules.as_update(automation)))
    except Conflict as refusal:
        return refusal.sentence
    return ""


def switch_off(session: Session, automation: Automation, *, by: Actor, now: datetime) -> Automation:
    """Write nothing more, and let nothing leave that has not. Switching off twice switches off once."""
    automation = held(session, automation, by=by)
    turn_off(session, automation, by=by, now=now)
    session.flush()
    return automation
