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
from app.core.clock import spoken
from app.core.errors import Conflict, TooMany
from app.core.inputs import Email, Input, Line, OptionalLine, PersonName
from app.core.text import canonical, canonical_email, plain
from app.jobs.bell import ring
from app.petitions import messages, queries, rules
from app.petitions.commands.counting import COUNT
from app.petitions.commands.mailboxes import take_back_reminder, wait_for, write_to
from app.petitions.models import Petition, Signature, SignatureAnswer, SignatureState
from app.supporters import commands as supporters
from app.supporters.models import Supporter

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


# What may be tried again: a name its owner took back, and one that came while too many came from one place.
MAY_RETURN = {SignatureState.WITHDRAWN, SignatureState.FRAUDULENT}


def _country(value: object) -> object:
    if not isinstance(value, str):
        return value
    code = plain(value, 60).upper()
    if not (len(code) == 2 and code.isascii() and code.isalpha()):
        raise ValueError("Choose a country, or send its two letters, like US.")
    return code


def _words(value: object) -> object:
    return canonical(value).strip() if isinstance(value, str) else value


class NewSignature(Input):
    """What a signer types. ``website`` is a trap that people do not see; programs fill it in."""

    given_name: PersonName
    family_name: PersonName
    email: Email
    postal_code: Annotated[OptionalLine, Field(min_length=2, max_length=20)]
    country: Annotated[str, BeforeValidator(_country)] = "US"
    comments: Annotated[str, BeforeValidator(_words), Field(max_length=2_000)] = ""
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
        raise Conflict(_closed(petition))
    if entry.website:
        return
    mailbox = canonical_email(entry.email)
    wait_for(session, petition.id, mailbox)
    known = queries.of_mailbox(session, petition.id, mailbox)
    name = rules.name_key(entry.given_name, entry.family_name)
    outcome, about = rules.judge(known, name, entry.postal_code, now=now)
    tried = about is None or about.state in MAY_RETURN
    if about is None:
        about = Signature(petition_id=petition.id, email_canonical=mailbox, name_key=name, mails=0, repeats=0)
        about.petition = petition
    elif not tried:
        about.repeats += 1
    if tried:
        about.created_at = now
    if tried or (outcome is rules.Outcome.AGAIN and about.state is SignatureState.PENDING):
        _write(session, about, entry, _answered(session, petition, answers))
    if tried and _too_fast(session, petition, by, now):
        about.state, about.reason = SignatureState.FRAUDULENT, rules.TOO_FAST
    if rules.may_be_written_to(known):
        _mail(session, about, now)


def _closed(petition: Petition) -> str:
    when = petition.closed_at or petition.closes_at
    since = f" on {spoken(when, petition.campaign.coalition.zone)}" if when is not None else ""
    return f"This petition closed{since}, so your name was not added. Copy what you wrote if you want to keep it."


def _write(session: Session, signature: Signature, entry: NewSignature, answers: list[SignatureAnswer]) -> None:
    """The newest words that were typed; an unconfirmed signature holds no others."""
    signature.given_name, signature.family_name = entry.given_name, entry.family_name
    signature.email, signature.language = entry.email, entry.language
    signature.postal_code, signature.country = entry.postal_code, entry.country
    signature.comments = entry.comments
    signature.state, signature.reason, signature.ordinal = SignatureState.PENDING, "", None
    signature.validated_at = None
    session.add(signature)
    signature.answers.clear()
    session.flush()
    signature.answers.extend(answers)
    session.flush()


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
    whom = limits.network(by.address)
    try:
        limits.spend(session, f"{what}:burst", whom, allowed=rules.BURST, per=rules.BURST_TIME, now=now)
        limits.spend(session, what, whom, allowed=rules.SUSTAINED, per=rules.SUSTAINED_TIME, now=now)
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
    write_to(session, signature, letter, now=now)


def confirm(session: Session, token: str, *, shown: str = "", by: Actor, now: datetime) -> Signature:
    """The owner of the mailbox stands by the signature: it counts, and the answers beside it become consents.

    ``shown`` is ``rules.fingerprint`` of what the page showed. A mailbox that has no room for another name gives the
    signature back as invalidated. Confirming twice confirms once.
    """
    found = queries.by_link(session, token, now=now)
    wait_for(session, found.petition_id, found.email_canonical)
    signature = db.locked(session, Signature, found.id)
    if signature.state is SignatureState.VALIDATED or signature.reason == rules.MAILBOX_FULL:
        return signature
    if signature.state is not SignatureState.PENDING:
        raise Conflict("This signature was withdrawn or removed. Sign again if you want your name under the petition.")
    if shown and shown != rules.fingerprint(signature):
        raise Conflict("Somebody sent the form again with other answers. Read what stands here now, then confirm.")
    known = queries.of_mailbox(session, signature.petition_id, signature.email_canonical)
    others = [one for one in known if one.id != signature.id and one.state is SignatureState.VALIDATED]
    if not rules.has_room(others, signature.postal_code):
        signature.state, signature.reason = SignatureState.INVALIDATED, rules.MAILBOX_FULL
        take_back_reminder(session, signature, now=now)
        session.flush()
        return signature
    _validate(session, signature, now)
    take_back_reminder(session, signature, now=now)
    _ = by
    return signature


def _validate(session: Session, signature: Signature, now: datetime) -> None:
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


class Removal(Input):
    """Why a signature is taken off the count; kept with it and in the audit trail."""

    reason: Annotated[Line, Field(max_length=200)]


def invalidate(session: Session, signature: Signature, entry: Removal, *, by: Actor, now: datetime) -> Signature:
    """An organizer takes a signature off the count; the reason stays with it."""
    coalition_id = signature.petition.campaign.coalition_id
    require(session, coalition_id, by=by, right=Right.ORGANIZE)
    signature = db.locked(session, Signature, signature.id)
    if signature.state is not SignatureState.INVALIDATED:
        _take_off(session, signature, SignatureState.INVALIDATED, entry.reason, now)
        audit.record(
            session, "signature.invalidated", signature, by=by, now=now, coalition_id=coalition_id, reason=entry.reason
        )
    return signature


def _take_off(session: Session, signature: Signature, state: SignatureState, reason: str, now: datetime) -> None:
    counted = signature.state is SignatureState.VALIDATED and signature.ordinal is not None
    signature.state, signature.reason = state, reason
    take_back_reminder(session, signature, now=now)
    if counted:
        session.execute(
            sa.update(Petition)
            .where(Petition.id == signature.petition_id, Petition.counted > 0)
            .values(counted=Petition.counted - 1, counted_at=now)
            .execution_options(synchronize_session="fetch")
        )
    session.flush()


def forget_signer(session: Session, supporter: Supporter, *, now: datetime) -> None:
    """Erase a person everywhere: names, address and comments go, the fact that somebody signed stays in the count."""
    mine = sa.select(Signature.id).where(Signature.email_canonical == supporter.email_canonical)
    session.execute(sa.delete(SignatureAnswer).where(SignatureAnswer.signature_id.in_(mine)))
    for signature in session.scalars(sa.select(Signature).where(Signature.id.in_(mine)).with_for_update()):
        signature.given_name = signature.family_name = signature.email = signature.comments = ""
        signature.postal_code = signature.postal_code[:3]
        signature.email_canonical = signature.name_key = f"erased:{signature.id}"
        signature.supporter_id = None
    session.flush()
    supporters.forget(session, supporter, now=now)
