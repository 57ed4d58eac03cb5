"""Which automated letters there are, to whom they go next, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import aliased, joinedload

from app.automations.models import Automation, AutomationLetter, Kind
from app.automations.rules import LOOKS_BACK, MOST_LETTERS, WELCOMED_WITHIN, as_update
from app.broadcasts.queries import count_now
from app.broadcasts.rules import Field
from app.campaigns.models import Campaign
from app.coalitions.models import Coalition, Membership
from app.coalitions.queries import may
from app.coalitions.roles import Right
from app.core.errors import NotFound
from app.mail.models import Email, EmailState
from app.petitions.models import Petition, Signature, SignatureAnswer, SignatureState
from app.petitions.queries import petition_for, unanswered
from app.supporters.models import Purpose, Standing

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

WAITING = (EmailState.QUEUED, EmailState.SUBMITTING)
NOT_ARRIVED = (EmailState.BOUNCED, EmailState.DROPPED, EmailState.FAILED)


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of an automation's letters: each is in one of the first five; ``answered`` is counted beside.

    ``answered`` are who left the sender after a welcome, or who confirmed after a reminder.
    """

    written: int
    waiting: int
    handed_over: int
    delivered: int
    not_arrived: int
    unknown: int
    answered: int


def automation_for(session: Session, coalition: str, slug: str, ident: int, *, by: Actor) -> Automation:
    """An automated letter of this petition, for somebody who sees the petition's workroom."""
    petition = petition_for(session, slug, by=by, coalition=coalition)
    found = session.get(Automation, ident)
    if found is None or found.petition_id != petition.id:
        raise NotFound
    return found


def automations_of(session: Session, petition_id: int) -> list[Automation]:
    """A petition's automated letters: the reminder, then the welcomes in the order they were written."""
    query = sa.select(Automation).where(Automation.petition_id == petition_id).order_by(Automation.kind, Automation.id)
    return list(session.scalars(query.options(joinedload(Automation.organization))))


def at_place(session: Session, place: str) -> Automation:
    """The letter that stands at this place."""
    return session.scalars(sa.select(Automation).where(Automation.place == place)).one()


def switched_on(session: Session, kind: Kind) -> list[int]:
    """The letters that write themselves now."""
    query = sa.select(Automation.id).where(Automation.kind == kind, Automation.on_since.is_not(None))
    return list(session.scalars(query.order_by(Automation.id)))


def awaiting_approval(session: Session, *, by: Actor) -> list[Automation]:
    """Letters that others wrote and tested, in coalitions where ``by`` may approve them, by the rule of updates."""
    own = sa.exists().where(
        Membership.organization_id == Automation.organization_id, Membership.account_id == by.account_id
    )
    query = (
        sa.select(Automation)
        .join(Petition, Petition.id == Automation.petition_id)
        .join(Campaign, Campaign.id == Petition.campaign_id)
        .join(Coalition, Coalition.id == Campaign.coalition_id)
        .where(
            Automation.approved_version.is_(None),
            Automation.author_id != by.account_id,
            Automation.tested_at.is_not(None),
            sa.or_(Coalition.other_organization_approves.is_(False), ~own),
            may(by, Right.APPROVE_UPDATE, Campaign.coalition_id),
        )
    )
    return list(session.scalars(query.order_by(Automation.id)))


def to_remind(session: Session, automation: Automation, *, now: datetime, limit: int) -> list[int]:
    """Pending signatures that were not reminded and are due, oldest first; none once the petition is closed."""
    if automation.on_since is None or not automation.petition.accepts_signatures(now):
        return []
    return list(session.scalars(_due(automation, now=now).limit(limit)))


def due_at_once(session: Session, automation: Automation, *, now: datetime) -> int:
    """To how many signatures a reminder would be written as soon as it is switched on."""
    if automation.is_welcome or not automation.petition.accepts_signatures(now):
        return 0
    return session.scalar(sa.select(sa.func.count()).select_from(_due(automation, now=now).subquery())) or 0


def _due(automation: Automation, *, now: datetime) -> sa.Select[int]:
    query = unanswered(automation.petition_id, timedelta(hours=automation.delay_hours), now=now)
    reminded = sa.exists().where(
        AutomationLetter.signature_id == Signature.id, AutomationLetter.automation_id == automation.id
    )
    return query.where(~reminded, _room())


def to_welcome(session: Session, automation: Automation, *, now: datetime, limit: int) -> list[int]:
    """Signatures confirmed since the switch was turned on by who says yes to the sender and had no welcome of it.

    One for each supporter, in the order they confirmed.
    """
    if automation.on_since is None:
        return []
    looked = min(automation.seen_until or automation.on_since, now - LOOKS_BACK)
    since = max(automation.on_since, looked, now - WELCOMED_WITHIN)
    sender = automation.organization_id
    query = (
        sa.select(sa.func.min(Signature.id))
        .join(SignatureAnswer, SignatureAnswer.signature_id == Signature.id)
        .join(Standing, Standing.supporter_id == Signature.supporter_id)
        .where(
            Signature.petition_id == automation.petition_id,
            Signature.state == SignatureState.VALIDATED,
            Signature.validated_at >= since,
            Signature.supporter_id.is_not(None),
            SignatureAnswer.organization_id == sender,
            SignatureAnswer.yes.is_(True),
            Standing.organization_id == sender,
            Standing.purpose == Purpose.UPDATES,
            Standing.yes.is_(True),
            ~sa.exists().where(
                AutomationLetter.organization_id == sender, AutomationLetter.supporter_id == Signature.supporter_id
            ),
            _room(),
        )
        .group_by(Signature.supporter_id)
        .order_by(sa.func.min(Signature.validated_at), sa.func.min(Signature.id))
        .limit(limit)
    )
    return list(session.scalars(query))


def held(session: Session, signature_ids: list[int]) -> list[Signature]:
    """These signatures as they are now, held until the transaction ends, and only those that still count."""
    query = sa.select(Signature).where(Signature.id.in_(signature_ids), Signature.state == SignatureState.VALIDATED)
    query = query.order_by(Signature.supporter_id, Signature.id).with_for_update()
    return list(session.scalars(query.execution_options(populate_existing=True)))


def unwanted(session: Session, email_ids: Sequence[int], now: datetime) -> dict[int, str]:
    """Which letters that wait say what is not true any more: their question was answered, or may not be any more."""
    mine = aliased(Signature)
    query = (
        sa.select(AutomationLetter.email_id, Automation.kind, mine.state, Petition, _mailbox_confirmed(mine))
        .join(Automation, Automation.id == AutomationLetter.automation_id)
        .join(mine, mine.id == AutomationLetter.signature_id)
        .join(Petition, Petition.id == mine.petition_id)
        .where(AutomationLetter.email_id.in_(email_ids))
    )
    found: dict[int, str] = {}
    for ident, kind, state, petition, confirmed in session.execute(query):
        if kind is Kind.WELCOME:
            why = "" if state is SignatureState.VALIDATED else "The signature was taken off before the welcome left."
        elif state is not SignatureState.PENDING or confirmed:
            why = "The mailbox had answered before the reminder left."
        else:
            why = "" if petition.accepts_signatures(now) else "The petition closed before the reminder left."
        if why and ident is not None:
            found[ident] = why
    return found


def _mailbox_confirmed(mine: type[Signature]) -> sa.ColumnElement[bool]:
    """Whether the same mailbox confirmed another name under the same petition."""
    return sa.exists().where(
        Signature.petition_id == mine.petition_id,
        Signature.email_canonical == mine.email_canonical,
        Signature.state == SignatureState.VALIDATED,
    )


def _room() -> sa.ColumnElement[bool]:
    """Whether automation may write about a signature once more."""
    had = sa.select(sa.func.count(AutomationLetter.id)).where(AutomationLetter.signature_id == Signature.id)
    return had.correlate(Signature).scalar_subquery() < MOST_LETTERS


def letters_about(session: Session, signature_ids: list[int]) -> dict[int, int]:
    """How many letters automation wrote about each of these signatures."""
    query = sa.select(AutomationLetter.signature_id, sa.func.count()).where(
        AutomationLetter.signature_id.in_(signature_ids)
    )
    counts = dict(session.execute(query.group_by(AutomationLetter.signature_id)).all())
    return {ident: counts.get(ident, 0) for ident in signature_ids}


def figures(session: Session, automation: Automation) -> Figures:
    """What became of the letters, as far as it is known."""
    mine = AutomationLetter.automation_id == automation.id
    query = sa.select(Email.state, sa.func.count()).select_from(AutomationLetter).outerjoin(Email)
    states: dict[EmailState | None, int] = dict(session.execute(query.where(mine).group_by(Email.state)).all())
    answered = sa.select(sa.func.count()).select_from(AutomationLetter).where(mine)
    if automation.is_welcome:
        answered = answered.join(Standing, Standing.supporter_id == AutomationLetter.supporter_id).where(
            Standing.organization_id == automation.organization_id,
            Standing.purpose == Purpose.UPDATES,
            Standing.yes.is_(False),
            Standing.at >= AutomationLetter.at,
        )
    else:
        answered = answered.join(Signature, Signature.id == AutomationLetter.signature_id).where(
            Signature.state == SignatureState.VALIDATED, Signature.validated_at >= AutomationLetter.at
        )
    return Figures(
        written=sum(states.values()),
        waiting=sum(states.get(state, 0) for state in WAITING),
        handed_over=states.get(EmailState.ACCEPTED, 0),
        delivered=states.get(EmailState.DELIVERED, 0),
        not_arrived=sum(states.get(state, 0) for state in NOT_ARRIVED),
        unknown=states.get(EmailState.UNKNOWN, 0),
        answered=session.scalar(answered) or 0,
    )


def fixed(session: Session, automation: Automation) -> dict[Field, str]:
    """What is the same for every reader now: the number, where there is one."""
    number = count_now(session, as_update(automation))
    return {} if number is None else {Field.COUNT: f"{number:,}"}
