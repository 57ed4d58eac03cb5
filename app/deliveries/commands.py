"""Keeping a document, sending it to targets once, following its letters, and writing down what targets answered."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

import sqlalchemy as sa
from pydantic import Field, ValidationInfo, field_validator

from app.campaigns.models import Campaign
from app.coalitions.queries import organizers, public_address, require
from app.coalitions.roles import Right
from app.core import audit, db
from app.core.actor import SYSTEM, Actor
from app.core.errors import Conflict
from app.core.inputs import Input, Line
from app.deliveries import messages, queries
from app.deliveries.models import Delivery, DeliveryState, Document, DocumentKind
from app.deliveries.rules import IN_TROUBLE, LOST_EMAIL, NOT_KNOWN, next_state
from app.mail import outbox
from app.mail.models import Email, EmailState
from app.returns import commands as returns
from app.returns.models import Reply
from app.targets.models import Target

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

LOT = 100
# Letters that are not handed over any more unless somebody decides so anew.
TAKES_NO_MORE = LOST_EMAIL | {EmailState.BOUNCED}


class NewDocument(Input):
    """A PDF to keep. ``digest`` is of its canonical text, ``stands_behind`` one sentence about who signed."""

    kind: DocumentKind
    title: Line
    summary: str = Field(max_length=100_000)
    stands_behind: str = Field(default="", max_length=2000)
    filename: Line
    body: bytes
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    public_path: Line


def add_document(session: Session, campaign: Campaign, entry: NewDocument, *, now: datetime) -> Document:
    """Keep a document; its bytes never change from here on."""
    row = Document(
        campaign_id=campaign.id,
        kind=entry.kind,
        title=entry.title[:200],
        summary=entry.summary,
        stands_behind=entry.stands_behind,
        filename=entry.filename[:200],
        body=entry.body,
        body_sha256=hashlib.sha256(entry.body).hexdigest(),
        digest=entry.digest,
        public_path=entry.public_path,
        created_at=now,
    )
    row.campaign = campaign
    return db.add(session, row)


def send_document(
    session: Session, document: Document, targets: Sequence[Target], *, by: Actor, now: datetime
) -> list[Delivery]:
    """Send a document to each target it was not sent to before; returns the deliveries to all of ``targets``.

    A target without an address becomes a failed delivery with a sentence, and the organizers are told.
    """
    coalition_id = document.campaign.coalition_id
    if by is not SYSTEM:
        require(session, coalition_id, by=by, right=Right.ORGANIZE)
    idents = sorted({target.id for target in targets})
    start = {"document_id": document.id, "state": DeliveryState.QUEUED, "detail": "", "answer": "", "created_at": now}
    values = [{**start, "target_id": ident} for ident in idents]
    db.insert_once(session, Delivery, values, unique=["document_id", "target_id"])
    query = sa.select(Delivery).where(Delivery.document_id == document.id, Delivery.target_id.in_(idents))
    deliveries = list(session.scalars(query.order_by(Delivery.id).with_for_update()))
    fresh = [one for one in deliveries if one.state is DeliveryState.QUEUED and one.email_id is None]
    for delivery in fresh:
        _hand_to_post_office(session, delivery, once=f"delivery:{delivery.id}", now=now)
        audit.record(
            session, "delivery.queued", delivery, by=by, now=now, coalition_id=coalition_id, target=delivery.target.name
        )
    _tell_organizers(session, document, [one for one in fresh if one.state is DeliveryState.FAILED], now=now)
    return deliveries


def send_again(session: Session, delivery: Delivery, *, by: Actor, now: datetime) -> Delivery:
    """Send to a target whose letter failed or came back, at the address it has now."""
    coalition_id = delivery.document.campaign.coalition_id
    require(session, coalition_id, by=by, right=Right.ORGANIZE)
    delivery = db.locked(session, Delivery, delivery.id)
    if delivery.state not in IN_TROUBLE:
        sentence = "This delivery is on its way already. Wait for what becomes of it before sending again."
        raise Conflict(sentence)
    if delivery.email_id is not None and db.locked(session, Email, delivery.email_id).state not in TAKES_NO_MORE:
        sentence = "Its letter is tried again, or left after all. Wait for what becomes of it before sending another."
        raise Conflict(sentence)
    if not delivery.target.email:
        sentence = f"There is still no e-mail address for {delivery.target.name}. Add one to the target first."
        raise Conflict(sentence)
    delivery.state, delivery.detail, delivery.settled_at = DeliveryState.QUEUED, "", None
    if delivery.email_id is not None:
        outbox.replaced(session, delivery.email_id, now=now)
    _hand_to_post_office(session, delivery, once=f"delivery:{delivery.id}:after:{delivery.email_id or 0}", now=now)
    audit.record(
        session, "delivery.sent_again", delivery, by=by, now=now, coalition_id=coalition_id, target=delivery.target.name
    )
    return delivery


def _hand_to_post_office(session: Session, delivery: Delivery, *, once: str, now: datetime) -> None:
    address = delivery.target.email
    delivery.recipient = address
    if not address:
        delivery.state, delivery.settled_at = DeliveryState.FAILED, now
        delivery.detail = (
            f"No e-mail address is known for {delivery.target.name}. Add one to the target and send again."
        )
        return
    reply_to = public_address(session, delivery.document.campaign.coalition_id)
    letter = outbox.queue(session, messages.to_target(delivery, address, reply_to=reply_to), once=once, now=now)
    delivery.email_id = letter.id
    delivery.email = letter


def follow(session: Session, *, now: datetime) -> int:
    """Move deliveries on as far as their letters came; returns how many moved. Organizers are told of troubles."""
    moved = queries.to_follow(session, now=now, lot=LOT)
    troubled: dict[int, list[Delivery]] = {}
    for delivery in moved:
        letter = delivery.email
        if letter is not None:
            _advance(delivery, letter, now=now)
        if delivery.state in IN_TROUBLE:
            troubled.setdefault(delivery.document_id, []).append(delivery)
    for deliveries in troubled.values():
        _tell_organizers(session, deliveries[0].document, deliveries, now=now)
    return len(moved)


def _advance(delivery: Delivery, letter: Email, *, now: datetime) -> None:
    delivery.state = next_state(delivery.state, letter.state, delivery.handed_over_at, now=now)
    delivery.detail = NOT_KNOWN if letter.state is EmailState.UNKNOWN else ""
    match delivery.state:
        case DeliveryState.HANDED_OVER:
            delivery.handed_over_at = letter.accepted_at or now
        case DeliveryState.BOUNCED:
            delivery.detail = f"The letter to {letter.to_address} came back: {letter.last_error or 'no reason given'}"[
                :500
            ]
        case DeliveryState.FAILED:
            delivery.detail = (
                f"The letter to {letter.to_address} was not sent: {letter.last_error or 'the address may not be used'}"
            )[:500]
    delivery.settled_at = None if delivery.state in {DeliveryState.QUEUED, DeliveryState.HANDED_OVER} else now


def _tell_organizers(session: Session, document: Document, deliveries: Sequence[Delivery], *, now: datetime) -> None:
    if not deliveries:
        return
    first = deliveries[0]
    for person in organizers(session, document.campaign.coalition_id):
        once = f"delivery:{first.id}:trouble:{first.email_id or 0}:{_ended(first.email)}:{person.id}"
        outbox.queue(session, messages.trouble(document, deliveries, person), once=once, now=now)


def _ended(letter: Email | None) -> str:
    """When a letter came to its end: one that was tried again may fail again, and that is news."""
    return letter.settled_at.isoformat() if letter is not None and letter.settled_at is not None else ""


def set_reply_aside(session: Session, delivery: Delivery, reply_id: int, *, by: Actor, now: datetime) -> None:
    """A reply that holds no answer to record ("the minister is away") needs nobody any more."""
    require(session, delivery.document.campaign.coalition_id, by=by, right=Right.ORGANIZE)
    returns.settle_replies(session, sa.and_(Reply.id == reply_id, queries.answers_to(delivery.id)), now=now)


class AnswerKind(Enum):
    """What a target did."""

    ACKNOWLEDGED = "acknowledged"
    ANSWERED = "answered"


class TargetAnswer(Input):
    """What a target said. An answer needs its words; an acknowledgement may have some."""

    kind: AnswerKind
    words: str = Field(default="", max_length=20_000, validate_default=True)

    @field_validator("words")
    @classmethod
    def _answered_in_words(cls, words: str, given: ValidationInfo) -> str:
        if given.data.get("kind") is AnswerKind.ANSWERED and not words:
            message = "Write down what the target answered."
            raise ValueError(message)
        return words


def record_answer(session: Session, delivery: Delivery, entry: TargetAnswer, *, by: Actor, now: datetime) -> Delivery:
    """Write down that a target has the document or answered it; a later answer replaces an earlier one."""
    coalition_id = delivery.document.campaign.coalition_id
    require(session, coalition_id, by=by, right=Right.ORGANIZE)
    delivery = db.locked(session, Delivery, delivery.id)
    if delivery.state is DeliveryState.QUEUED:
        sentence = "The letter has not left yet. Record the answer once it has."
        raise Conflict(sentence)
    wanted = DeliveryState(entry.kind.value)
    if delivery.state is wanted and delivery.answer == entry.words:
        return delivery
    if delivery.state is DeliveryState.ANSWERED and wanted is DeliveryState.ACKNOWLEDGED:
        sentence = "An answer is recorded already. It says more than an acknowledgement."
        raise Conflict(sentence)
    before = delivery.answer
    returns.settle_replies(session, queries.answers_to(delivery.id), now=now)
    delivery.state, delivery.answer, delivery.settled_at = wanted, entry.words, now
    audit.record(
        session,
        f"delivery.{entry.kind.value}",
        delivery,
        by=by,
        now=now,
        coalition_id=coalition_id,
        target=delivery.target.name,
        words=entry.words[:1000],
        replaced=before[:1000] or None,
    )
    return delivery
