"""An organization answers: it puts its name to the very words it was shown, corrects, withdraws or declines."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from app.coalitions.models import Organization
from app.coalitions.queries import acting_for
from app.coalitions.roles import Right
from app.core import audit, db
from app.core.clock import spoken
from app.core.errors import Conflict, Invalid, NotFound
from app.core.inputs import Email, Input, Name
from app.core.text import canonical_email, plain
from app.mail import outbox
from app.signons import messages, queries
from app.signons.models import SignOn, SignOnState
from app.signons.rules import TakenBack, attestation, may_withdraw
from app.statements.models import Statement

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

DISPUTED = (
    "Somebody at this organization said that it did not sign. The organizers settle this before it can sign again."
)


def _yes(value: str) -> str:
    if value != "yes":
        message = "Tick this if you are authorized. If you are not, pass the link on to somebody who is."
        raise ValueError(message)
    return value


def _short(value: object) -> object:
    return plain(value, 10_000) if isinstance(value, str) else value


Title = Annotated[Name, Field(max_length=200)]
Reason = Annotated[str, BeforeValidator(_short), Field(max_length=1000)]


class NewSignOn(Input):
    """An organization's name as it is printed, who signs for it, and the digest of the words that were shown."""

    listed_as: Name
    signatory_name: Name
    signatory_title: Title
    signatory_email: Email
    authorized: Annotated[str, AfterValidator(_yes)] = Field(default="", validate_default=True)
    digest: str = Field(default="", max_length=64)


def sign_on(
    session: Session, statement: Statement, organization: Organization, entry: NewSignOn, *, by: Actor, now: datetime
) -> SignOn:
    """An organization puts its name to the frozen text, by a link it was sent or by a member who may sign.

    Signed again with the same words it stays as it is. After a withdrawal or a refusal it may sign while it is open.
    """
    held = db.locked(session, Statement, statement.id)
    known = refuse_unless_signable(session, held, organization, entry, by=by, now=now)
    if known is not None and known.stands():
        return known
    row = known or SignOn(statement_id=held.id, organization_id=organization.id, created_at=now, version=0)
    row.revision_id = held.frozen_revision_id or 0
    row.digest = held.digest or ""
    row.state = SignOnState.CONFIRMED
    row.listed_as, row.signatory_name = entry.listed_as, entry.signatory_name
    row.signatory_title, row.signatory_email = entry.signatory_title, entry.signatory_email
    row.attestation = attestation(organization.name)
    row.reason = ""
    row.account_id = by.account_id
    row.signed_at = now
    row.organization, row.statement = organization, held
    _changed(session, row, "sign_on.signed", by=by, now=now, digest=row.digest, attestation=row.attestation)
    _receipt(session, row, "signed", now=now)
    _notice(session, row, now=now)
    return row


def refuse_unless_signable(
    session: Session, statement: Statement, organization: Organization, entry: NewSignOn, *, by: Actor, now: datetime
) -> SignOn | None:
    """Say why this sign-on cannot be made, before it is reviewed and again before it binds.

    Returns what the organization answered before, if anything; a standing sign-on means that it signed just this.
    """
    _authority(session, statement, organization, by=by)
    known = queries.sign_on_for(session, statement.id, organization.id)
    if known is not None and known.stands():
        if _says(known) == (entry.listed_as, entry.signatory_name, entry.signatory_title, entry.digest):
            return known
        message = (
            f"{organization.name} has signed already, as “{known.listed_as}”, by {known.signatory}. "
            "The link in the receipt corrects the name or takes it back."
        )
        raise Conflict(message)
    _refuse_unless_open(statement, now)
    if known is not None and known.state is SignOnState.DISPUTED and not by.signed_in:
        raise Conflict(DISPUTED)
    if entry.digest != statement.digest:
        message = "These are not the words you were shown. Read the letter as it stands here, then sign."
        raise Conflict(message)
    _refuse_another_name(session, statement, organization, entry.listed_as)
    return known


def _says(row: SignOn) -> tuple[str, str, str, str]:
    return row.listed_as, row.signatory_name, row.signatory_title, row.digest


def _authority(session: Session, statement: Statement, organization: Organization, *, by: Actor) -> None:
    if by.signed_in:
        coalition_id = statement.campaign.coalition_id
        acting_for(session, coalition_id, by=by, right=Right.SIGN, organization_id=organization.id)
        return
    request = queries.request_for(session, statement.id, organization.id)
    if request is None:
        raise NotFound
    if request.revoked_at is not None:
        raise TakenBack(statement.title)


def _refuse_unless_open(statement: Statement, now: datetime) -> None:
    if statement.accepts_signons(now):
        return
    closing = statement.closed_at or statement.deadline
    if statement.before_opening() or closing is None:
        message = "This letter is not open for sign-on."
        raise Conflict(message)
    message = f"The sign-on closed on {spoken(closing, statement.campaign.coalition.zone)}. Nothing was changed."
    raise Conflict(message)


def _refuse_another_name(session: Session, statement: Statement, organization: Organization, listed_as: str) -> None:
    bearer = queries.other_bearer(session, statement, organization.id, listed_as)
    if bearer is not None:
        sentence = f"This is a name of another organization, {bearer}. Write yours so that the two can be told apart."
        raise Invalid({"listed_as": sentence})


class Correction(Input):
    """How the name is printed and who signed for it."""

    listed_as: Name
    signatory_name: Name
    signatory_title: Title


def correct(session: Session, sign_on: SignOn, entry: Correction, *, by: Actor, now: datetime) -> SignOn:
    """Correct how a standing name is printed, while the sign-on is open."""
    row = _held(session, sign_on, by=by)
    _refuse_unless_standing(row)
    before = (row.listed_as, row.signatory_name, row.signatory_title)
    after = (entry.listed_as, entry.signatory_name, entry.signatory_title)
    if before == after:
        return row
    _refuse_unless_open(row.statement, now)
    _refuse_another_name(session, row.statement, row.organization, entry.listed_as)
    row.listed_as, row.signatory_name, row.signatory_title = after
    _changed(session, row, "sign_on.corrected", by=by, now=now, before=" / ".join(before))
    _receipt(session, row, "corrected", now=now)
    _notice(session, row, now=now)
    return row


class Withdrawal(Input):
    """Why an organization takes its name back; it need not say."""

    reason: Reason = ""


def withdraw(session: Session, sign_on: SignOn, entry: Withdrawal, *, by: Actor, now: datetime) -> SignOn:
    """Take an organization's name back, as long as ``rules.may_withdraw`` lets it."""
    row = _held(session, sign_on, by=by)
    if row.state is SignOnState.WITHDRAWN:
        return row
    _refuse_unless_standing(row)
    if not may_withdraw(row.statement, now):
        message = "The time to withdraw is over: the list of names is fixed. Write to the organizers."
        raise Conflict(message)
    leave_unset_edition(session, row)
    row.state, row.reason = SignOnState.WITHDRAWN, entry.reason
    _changed(session, row, "sign_on.withdrawn", by=by, now=now, reason=entry.reason)
    _receipt(session, row, "withdrawn", now=now)
    return row


def leave_unset_edition(session: Session, row: SignOn) -> bool:
    """Take a name off an edition that was not set yet. Returns whether the name stands in a letter already set."""
    edition = queries.edition_of(session, row.statement_id)
    if edition is None:
        return False
    edition = db.locked(session, type(edition), edition.id)
    if edition.document_id is not None:
        return any(name.sign_on_id == row.id for name in edition.names)
    for name in [name for name in edition.names if name.sign_on_id == row.id]:
        edition.names.remove(name)
    session.flush()
    return False


class Decline(Input):
    """Why an organization does not sign; it need not say. Organizers see it, the public does not."""

    reason: Reason = ""


def decline(
    session: Session, statement: Statement, organization: Organization, entry: Decline, *, by: Actor, now: datetime
) -> SignOn:
    """Say no for an organization. It may change its mind while the sign-on is open."""
    held = db.locked(session, Statement, statement.id)
    _authority(session, held, organization, by=by)
    row = queries.sign_on_for(session, held.id, organization.id)
    if row is not None and row.state is SignOnState.DECLINED and row.reason == entry.reason:
        return row
    if row is not None and row.stands():
        message = f"{organization.name} has signed, as “{row.listed_as}”. Take the name back instead of declining."
        raise Conflict(message)
    _refuse_unless_open(held, now)
    if row is not None and row.state is SignOnState.DISPUTED and not by.signed_in:
        raise Conflict(DISPUTED)
    row = row or SignOn(statement_id=held.id, organization_id=organization.id, created_at=now, version=0)
    row.revision_id, row.digest = held.frozen_revision_id or 0, held.digest or ""
    row.state, row.reason, row.account_id = SignOnState.DECLINED, entry.reason, by.account_id
    row.organization, row.statement = organization, held
    _changed(session, row, "sign_on.declined", by=by, now=now, reason=entry.reason)
    return row


def _held(session: Session, sign_on: SignOn, *, by: Actor) -> SignOn:
    """The sign-on under its statement's lock. Whoever is not signed in holds its receipt's link."""
    held = db.locked(session, Statement, sign_on.statement_id)
    if by.signed_in:
        coalition_id = held.campaign.coalition_id
        acting_for(session, coalition_id, by=by, right=Right.SIGN, organization_id=sign_on.organization_id)
    return db.locked(session, SignOn, sign_on.id)


def _refuse_unless_standing(row: SignOn) -> None:
    if not row.stands():
        message = f"{row.organization.name} is not on the roll: the sign-on was {row.state.value}."
        raise Conflict(message)


def _changed(session: Session, row: SignOn, act: str, *, by: Actor, now: datetime, **detail: str) -> None:
    row.version += 1
    row.changed_at = now
    db.add(session, row)
    audit.record(
        session,
        act,
        row,
        by=by,
        now=now,
        coalition_id=row.statement.campaign.coalition_id,
        organization_id=row.organization_id,
        organization=row.organization.name,
        title=row.statement.title,
        listed_as=row.listed_as,
        signatory=row.signatory,
        **detail,
    )


def _receipt(session: Session, row: SignOn, kind: str, *, now: datetime) -> None:
    once = f"sign-on:{row.id}:{kind}:{row.version}"
    outbox.queue(session, messages.receipt(session, row, kind, now=now), once=once, now=now)


def _notice(session: Session, row: SignOn, *, now: datetime) -> None:
    """Tell the organization itself, unless the signatory's receipt went to the same mailbox."""
    address = row.organization.public_email
    if not address or canonical_email(address) == canonical_email(row.signatory_email):
        return
    once = f"sign-on:{row.id}:notice:{row.version}"
    outbox.queue(session, messages.notice(session, row, address, now=now), once=once, now=now)
