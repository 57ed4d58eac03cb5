"""Remembering who confirmed an address, what they said yes and no to, and forgetting them when they ask."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from pydantic import Field

from app.coalitions.models import Organization
from app.core import db
from app.core.inputs import Input
from app.core.text import canonical_email
from app.mail import outbox
from app.mail.models import Email, Suppression
from app.mailings import commands as mailings
from app.returns import commands as returns
from app.returns import queries as returns_queries
from app.supporters import queries
from app.supporters.models import Consent, Purpose, Standing, Supporter
from app.supporters.rules import LEAVE_ALL, STREAMS, asked_again, leaving, of_stream, staying, stream, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session


class Details(Input):
    """What a confirmed signature says of its signer."""

    email: str
    given_name: str = ""
    family_name: str = ""
    postal_code: str = ""
    country: str = ""
    language: str = Field(default="en")


def remember(session: Session, entry: Details, *, now: datetime) -> Supporter:
    """The supporter behind a confirmed address, new or known; names and place are the newest given."""
    canonical = canonical_email(entry.email)
    start = {"email": entry.email, "email_canonical": canonical, "given_name": "", "family_name": "", "created_at": now}
    defaults = {"postal_code": "", "country": "", "language": "en"}
    db.insert_once(session, Supporter, [{**start, **defaults}], unique=["email_canonical"])
    query = sa.select(Supporter).where(Supporter.email_canonical == canonical).with_for_update()
    supporter = session.scalars(query.execution_options(populate_existing=True)).one()
    if supporter.email.lower() != entry.email.lower() and queries.says_any_yes(session, supporter.id):
        returns.updates_wanted(session, entry.email, now=now)
    supporter.email = entry.email
    supporter.given_name, supporter.family_name = entry.given_name, entry.family_name
    supporter.postal_code, supporter.country = entry.postal_code, entry.country
    supporter.language = entry.language
    session.flush()
    return supporter


def record_consent(
    session: Session,
    supporter: Supporter,
    organization: Organization,
    *,
    yes: bool,
    words: str,
    source: str,
    now: datetime,
) -> Consent:
    """Add a line to the ledger; it is in effect before the next letter of that organization leaves.

    A standing answer keeps the moment since which it stands: an audience frozen in between is not thinned out by
    somebody who says yes once more.
    """
    db.locked(session, Supporter, supporter.id)
    line = Consent(
        supporter_id=supporter.id,
        organization_id=organization.id,
        purpose=Purpose.UPDATES,
        yes=yes,
        words=words,
        source=source,
        at=now,
    )
    session.add(line)
    key = {"supporter_id": supporter.id, "organization_id": organization.id, "purpose": Purpose.UPDATES}
    if not db.insert_once(session, Standing, [{**key, "yes": yes, "at": now}], unique=list(key)):
        session.execute(sa.update(Standing).filter_by(**key).where(Standing.yes != yes).values(yes=yes, at=now))
    if yes:
        outbox.allow(session, supporter.email, stream=stream(organization.id))
        returns.updates_wanted(session, supporter.email, now=now)
    else:
        _stop(session, supporter, organization, now=now)
        if not queries.says_any_yes(session, supporter.id) and queries.ever_said_yes(session, supporter.id):
            returns.updates_unwanted(session, supporter.email, now=now)
    session.flush()
    return line


def leave(
    session: Session, supporter: Supporter, organization: Organization, *, words: str = "", source: str, now: datetime
) -> None:
    """Stop one organization's updates at once. Leaving twice adds no second line.

    ``words`` stood on the button that was pressed, if it was not the one of the unsubscribe page.
    """
    db.locked(session, Supporter, supporter.id)
    if not queries.says_yes(session, supporter.id, organization.id):
        _stop(session, supporter, organization, now=now)
        return
    words = words or leaving(organization.name)
    record_consent(session, supporter, organization, yes=False, words=words, source=source, now=now)


def stay(session: Session, supporter: Supporter, organization: Organization, *, source: str, now: datetime) -> bool:
    """Take back that one left: a new yes, with the words on the button; whether there is a yes now.

    Who never said yes has nothing to take back.
    """
    db.locked(session, Supporter, supporter.id)
    if queries.left(session, supporter.id, organization.id):
        words = staying(organization.name)
        record_consent(session, supporter, organization, yes=True, words=words, source=source, now=now)
    return queries.says_yes(session, supporter.id, organization.id)


def _stop(session: Session, supporter: Supporter, organization: Organization, *, now: datetime) -> None:
    outbox.suppress(session, supporter.email, stream=stream(organization.id), reason="left", now=now)
    mailings.stand_still(session, supporter.email_canonical)


def change_consents(session: Session, supporter: Supporter, chosen: Mapping[int, bool], *, now: datetime) -> int:
    """Take a supporter's new answers to organizations that asked them before; returns how many changed."""
    db.locked(session, Supporter, supporter.id)
    changed = 0
    for answer in queries.answers(session, supporter):
        yes = chosen.get(answer.organization.id, answer.yes)
        if yes != answer.yes:
            words = asked_again(answer.organization.name)
            record_consent(
                session, supporter, answer.organization, yes=yes, words=words, source="preferences page", now=now
            )
            changed += 1
    return changed


def leave_all(session: Session, supporter: Supporter, *, source: str, now: datetime) -> None:
    """Stop the updates of every organization."""
    for answer in queries.answers(session, supporter):
        leave(session, supporter, answer.organization, words=LEAVE_ALL, source=source, now=now)


def heed(session: Session, *, now: datetime, lot: int = 100) -> int:
    """Write into the ledger what people told the mail provider; returns how many such rows are settled.

    Letters stopped when the provider reported it. A complaint about a letter of no sender's stream leaves them all,
    as the provider does: it hands nothing more to somebody who complained.
    """
    rows = returns_queries.open_withdrawals(session, limit=lot)
    for row in rows:
        supporter = queries.by_email(session, row.address)
        if supporter is not None:
            words, source = told(complaint=row.complaint)
            for organization in _left_by(session, supporter, row.stream):
                leave(session, supporter, organization, words=words, source=source, now=now)
        returns.settle_withdrawal(session, row, now=now)
    return len(rows)


def tell_who_had_left(session: Session, *, now: datetime, lot: int = 1_000) -> int:
    """Have a group that was newly set at the mail provider told of those who had left before; how many were looked at.

    Each lot moves a cursor in its own transaction, so that it goes on where it was broken off; doing one twice tells
    the same once more. People are held while they are looked at: nobody who says yes at this moment is told as gone.
    """
    group = returns.group_to_tell(session, now=now)
    if group is None:
        return 0
    idents = queries.supporters_after(session, group.cursor, limit=lot)
    if not idents:
        group.done_at = now
        return 0
    first, last = idents[0], idents[-1]
    some = sa.select(Supporter.id).where(Supporter.id.between(first, last)).order_by(Supporter.id)
    session.execute(some.with_for_update()).all()
    addresses = queries.gone(session, first, last)
    for address in addresses:
        returns.updates_unwanted(session, address, now=now)
    group.cursor, group.told = last, group.told + len(addresses)
    session.flush()
    return len(idents)


def _left_by(session: Session, supporter: Supporter, name: str) -> list[Organization]:
    if not name:
        return [answer.organization for answer in queries.answers(session, supporter) if answer.yes]
    number = of_stream(name)
    sender = session.get(Organization, number) if number is not None else None
    return [sender] if sender is not None else []


def forget(session: Session, supporter: Supporter, *, now: datetime) -> None:
    """Erase a person: the row, the ledger, what they replied, and letters not yet handed over. Counts stay.

    Rooms above strip what they hold first (see ``petitions.commands.forget_signer``). Letters to the same address as
    somebody who signs for an organization are that organization's record and stay. Where the mail provider keeps a
    list of who wants no updates, the address is put on it, and kept here only until that is done.
    """
    session.execute(sa.select(Supporter.id).where(Supporter.id == supporter.id).with_for_update())
    if queries.ever_said_yes(session, supporter.id):
        returns.updates_unwanted(session, supporter.email, now=now)
    kinds = sa.or_(*(Email.template.startswith(f"{room}/") for room in ("petitions", "broadcasts", "automations")))
    mine = sa.and_(Email.to_canonical == supporter.email_canonical, kinds)
    returns.forget_sender(session, supporter.email_canonical, kinds, now=now)
    outbox.take_back(session, mine, reason="The person asked to be erased.", now=now)
    session.execute(
        sa.update(Email)
        .where(mine)
        .values(
            to_address="erased@invalid",
            to_canonical="erased@invalid",
            to_name="",
            context={},
            text=None,
            html=None,
            raw=None,
        )
        .execution_options(synchronize_session=False)
    )
    session.execute(
        sa.delete(Suppression).where(
            Suppression.address == supporter.email_canonical,
            sa.or_(Suppression.reason == "left", Suppression.stream.startswith("letter:")),
        )
    )
    returns.forget(session, supporter.email_canonical)
    mailings.forget(session, STREAMS, supporter.id, supporter.email_canonical, now=now)
    session.delete(supporter)
    session.flush()
