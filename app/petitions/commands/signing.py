"""Signing, confirming and taking a name back. The page a signer sees never tells what an attempt came to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import sqlalchemy as sa
from pydantic import BeforeValidator, Field

from app.coalitions.models import Organization
from app.coalitions.queries import require
from app.coalitions.roles import Right
from app.core import audit, db, limits
from app.core.errors import Conflict, TooMany
from app.core.inputs import Email, Input, Name, OptionalLine
from app.core.text import canonical_email, plain
from app.jobs.bell import ring
from app.mail import outbox
from app.petitions import messages, queries, rules
from app.petitions.commands.counting import COUNT
from app.petitions.models import Petition, Signature, SignatureAnswer, SignatureState
from app.supporters import commands as supporters
from app.supporters.models import Supporter

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def _upper(value: object) -> object:
    return plain(value, 10).upper() if isinstance(value, str) else value


class NewSignature(Input):
    """What a signer types. ``website`` is a trap that people do not see; programs fill it in."""

    given_name: Annotated[Name, Field(max_length=100)]
    family_name: Annotated[Name, Field(max_length=100)]
    email: Email
    postal_code: Annotated[OptionalLine, Field(min_length=2, max_length=20)]
    country: Annotated[str, BeforeValidator(_upper), Field(pattern=r"^[A-Z]{2}$")] = "US"
    comments: str = Field(default="", max_length=2_000)
    language: str = Field(default="en", pattern=r"^[A-Za-z-]{2,20}$")
    website: str = ""


def sign(
    session: Session,
    petition: Petition,
    entry: NewSignature,
    answers: Mapping[int, bool],
    *,
    by: Actor,
    now: datetime,
) -> None:
    """Put a name under a petition; it counts once confirmed by e-mail.

    ``answers`` maps an asking organization's id to yes or no; who was not answered is not in it. Nothing is
    returned, because a new name, a known one and a refused one must look the same. Raises Conflict when the
    petition takes no signatures.
    """
    if not petition.accepts_signatures(now):
        raise Conflict("This petition is closed, so your name was not added. Nothing you typed was kept.")
    if entry.website:
        return
    canonical = canonical_email(entry.email)
    db.one_at_a_time(session, f"petition:{petition.id}:{canonical}")
    known = queries.of_mailbox(session, petition.id, canonical)
    name = rules.name_key(entry.given_name, entry.family_name)
    outcome, about = rules.judge(known, name, entry.postal_code)
    if outcome is rules.Outcome.NEW:
        about = _added(session, petition, entry, canonical, name, now)
        about.answers = _answered(session, petition, answers)
        if _too_fast(session, petition, by, now):
            about.state, about.reason = SignatureState.FRAUDULENT, "signed too fast from one network address"
    if about is None or sum(one.mails for one in known) >= rules.MOST_MAILS:
        return
    if outcome is rules.Outcome.AGAIN and about.state is SignatureState.WITHDRAWN:
        about.state = SignatureState.PENDING
    _mail(session, about, now)


def _added(
    session: Session, petition: Petition, entry: NewSignature, canonical: str, name: str, now: datetime
) -> Signature:
    signature = Signature(
        petition_id=petition.id,
        given_name=entry.given_name,
        family_name=entry.family_name,
        name_key=name,
        email=entry.email,
        email_canonical=canonical,
        postal_code=entry.postal_code,
        country=entry.country,
        language=entry.language,
        comments=entry.comments.strip(),
        state=SignatureState.PENDING,
        mails=0,
        created_at=now,
    )
    signature.petition = petition
    return db.add(session, signature)


def _answered(session: Session, petition: Petition, answers: Mapping[int, bool]) -> list[SignatureAnswer]:
    return [
        SignatureAnswer(organization_id=ask.organization_id, yes=answers[ask.organization_id], words=ask.words)
        for ask in queries.asks(session, petition.id)
        if ask.organization_id in answers
    ]


def _too_fast(session: Session, petition: Petition, by: Actor, now: datetime) -> bool:
    """Whether this network address signs faster than people do. Somebody without an address is not counted."""
    if not by.address:
        return False
    what = f"sign:{petition.id}"
    try:
        limits.spend(session, f"{what}:burst", by.address, allowed=rules.BURST, per=rules.BURST_TIME, now=now)
        limits.spend(session, what, by.address, allowed=rules.SUSTAINED, per=rules.SUSTAINED_TIME, now=now)
    except TooMany:
        return True
    return False


def _mail(session: Session, signature: Signature, now: datetime) -> None:
    """Write to the mailbox's owner, and to nobody else, what became of the attempt."""
    if signature.state is SignatureState.PENDING:
        letter = messages.confirm(signature, now=now)
    elif signature.state is SignatureState.VALIDATED:
        letter = messages.already_signed(signature, now=now)
    else:
        return
    signature.mails += 1
    outbox.queue(session, letter, once=f"signature:{signature.id}:{signature.mails}", now=now)


def confirm(session: Session, token: str, *, by: Actor, now: datetime) -> Signature:
    """The owner of the mailbox stands by the signature: it counts, and the answers beside it become consents."""
    signature = db.locked(session, Signature, queries.by_link(session, token, now=now).id)
    if signature.state is SignatureState.VALIDATED:
        return signature
    if signature.state is not SignatureState.PENDING:
        raise Conflict("This signature was withdrawn or removed. Sign again if you want your name under the petition.")
    supporter = supporters.remember(
        session,
        supporters.Details(
            email=signature.email,
            given_name=signature.given_name,
            family_name=signature.family_name,
            postal_code=signature.postal_code,
            country=signature.country,
            language=signature.language,
        ),
        now=now,
    )
    signature.state, signature.validated_at, signature.supporter_id = SignatureState.VALIDATED, now, supporter.id
    _consent(session, signature, supporter, now)
    session.flush()
    ring(session, COUNT)
    _ = by
    return signature


def _consent(session: Session, signature: Signature, supporter: Supporter, now: datetime) -> None:
    source = f"petition {signature.petition.slug}, signature {signature.id}"[:200]
    for answer in signature.answers:
        organization = session.get_one(Organization, answer.organization_id)
        supporters.record_consent(
            session, supporter, organization, yes=answer.yes, words=answer.words, source=source, now=now
        )


def withdraw_signature(session: Session, token: str, *, by: Actor, now: datetime) -> Signature:
    """The owner of the mailbox takes the name back; the count follows at the next counting."""
    signature = db.locked(session, Signature, queries.by_link(session, token, now=now).id)
    _ = by
    if signature.state in {SignatureState.PENDING, SignatureState.VALIDATED}:
        _take_off(session, signature, SignatureState.WITHDRAWN, "the signer took it back", now)
    return signature


def invalidate(session: Session, signature: Signature, reason: str, *, by: Actor, now: datetime) -> Signature:
    """An organizer takes a signature off the count; the reason stays with it."""
    coalition_id = signature.petition.campaign.coalition_id
    require(session, coalition_id, by=by, right=Right.ORGANIZE)
    signature = db.locked(session, Signature, signature.id)
    if signature.state is not SignatureState.INVALIDATED:
        _take_off(session, signature, SignatureState.INVALIDATED, plain(reason, 200), now)
        audit.record(
            session, "signature.invalidated", signature, by=by, now=now, coalition_id=coalition_id, reason=reason[:200]
        )
    return signature


def _take_off(session: Session, signature: Signature, state: SignatureState, reason: str, now: datetime) -> None:
    counted = signature.state is SignatureState.VALIDATED and signature.ordinal is not None
    signature.state, signature.reason = state, reason
    if counted:
        session.execute(
            sa.update(Petition)
            .where(Petition.id == signature.petition_id, Petition.counted > 0)
            .values(counted=Petition.counted - 1, counted_at=now)
        )
    session.flush()


def forget_signer(session: Session, supporter: Supporter, *, now: datetime) -> None:
    """Erase a person everywhere: names, address and comments go, the fact that somebody signed stays in the count."""
    mine = sa.select(Signature.id).where(Signature.email_canonical == supporter.email_canonical)
    session.execute(sa.delete(SignatureAnswer).where(SignatureAnswer.signature_id.in_(mine)))
    for signature in session.scalars(sa.select(Signature).where(Signature.id.in_(mine)).with_for_update()):
        signature.given_name = signature.family_name = signature.email = signature.comments = ""
        signature.postal_code, signature.country = signature.postal_code[:3], signature.country
        signature.email_canonical = signature.name_key = f"erased:{signature.id}"
        signature.supporter_id = None
    session.flush()
    supporters.forget(session, supporter, now=now)
