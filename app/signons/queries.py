"""The roll, an organization's answer, the organizers' table, links read back, and what waits for the worker."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import defer, joinedload

from app.campaigns.models import Campaign
from app.coalitions.models import Organization, Party, PartyRole
from app.coalitions.queries import parties
from app.core import tokens
from app.core.clock import local, spoken
from app.core.text import normal_name
from app.deliveries.models import Delivery, DeliveryState
from app.deliveries.rules import REACHED
from app.mail.models import Email
from app.press.letter import LetterSheet, RollEntry, RollGroup, Sheet
from app.signons.models import Edition, EditionName, SignOn, SignOnRequest, SignOnState
from app.signons.rules import (
    RECEIPT_OUTLIVES_CLOSING,
    REQUEST_OUTLIVES_CLOSING,
    Superseded,
    TakenBack,
    grouped,
    in_order,
    link_is_late,
    why_useless,
)
from app.statements.models import Statement, StatementState
from app.targets.queries import addressees

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

REQUEST_LETTER = "sign-on-request:"
# Links run out by the statement's deadline, which may be extended; this is only the longest any could live.
LONGEST_LINK = timedelta(days=3 * 366)


def initiators(session: Session, statement_id: int) -> set[int]:
    """The organizations that lead the statement's coalition, by id."""
    query = (
        sa.select(Party.organization_id)
        .join(Campaign, Campaign.coalition_id == Party.coalition_id)
        .join(Statement, Statement.campaign_id == Campaign.id)
        .where(Statement.id == statement_id, Party.role == PartyRole.LEAD)
    )
    return set(session.scalars(query))


def _standing() -> sa.Select[SignOn]:
    return sa.select(SignOn).where(SignOn.state == SignOnState.CONFIRMED).options(joinedload(SignOn.organization))


def on_roll(session: Session, statement_id: int) -> list[SignOn]:
    """The names that stand, initiators first, with everything that is known of them."""
    leads = initiators(session, statement_id)
    rows = session.scalars(_standing().where(SignOn.statement_id == statement_id))
    return in_order((row.organization_id in leads, row) for row in rows)


def roll(session: Session, statement_id: int) -> list[SignOn]:
    """The public roll in order. A signatory's address is not loaded, and reading it is an error."""
    leads = initiators(session, statement_id)
    query = _standing().where(SignOn.statement_id == statement_id)
    rows = session.scalars(query.options(defer(SignOn.signatory_email, raiseload=True)))
    return in_order((row.organization_id in leads, row) for row in rows)


def roll_groups(session: Session, statement_id: int) -> list[tuple[str, list[SignOn]]]:
    """The public roll as (heading, names); by scope when it is longer than 30."""
    leads = initiators(session, statement_id)
    names = roll(session, statement_id)
    return grouped([(row.organization_id in leads, row.organization.scope.value, row) for row in names])


def count(session: Session, statement_id: int) -> int:
    """How many organizations' names stand."""
    query = sa.select(sa.func.count()).where(SignOn.statement_id == statement_id, SignOn.state == SignOnState.CONFIRMED)
    return session.scalar(query) or 0


def sign_on_for(session: Session, statement_id: int, organization_id: int) -> SignOn | None:
    """An organization's answer to a statement, if it gave one."""
    query = sa.select(SignOn).where(SignOn.statement_id == statement_id, SignOn.organization_id == organization_id)
    return session.scalar(query.options(joinedload(SignOn.organization)))


def request_for(session: Session, statement_id: int, organization_id: int) -> SignOnRequest | None:
    """How an organization was asked, if it was."""
    return session.scalar(
        sa.select(SignOnRequest).where(
            SignOnRequest.statement_id == statement_id, SignOnRequest.organization_id == organization_id
        )
    )


def request_letter() -> sa.ColumnElement[str]:
    """The outbox's key of the letter in which an organization was asked last, to join letters to requests."""
    times, ident = (sa.cast(one, sa.String) for one in (SignOnRequest.sent_times, SignOnRequest.id))
    return sa.literal(REQUEST_LETTER).concat(ident).concat(":").concat(times)


def unwanted(session: Session, email_ids: Sequence[int], now: datetime) -> dict[int, str]:
    """Which requests that wait ask for what nobody can give any more, and why."""
    answered = sa.exists().where(
        SignOn.statement_id == SignOnRequest.statement_id, SignOn.organization_id == SignOnRequest.organization_id
    )
    query = sa.select(Email.id, SignOnRequest, answered).outerjoin(SignOnRequest, Email.once == request_letter())
    rows = session.execute(query.where(Email.id.in_(email_ids)))
    return {ident: why for ident, asked, done in rows if (why := why_useless(asked, answered=done, now=now))}


def other_bearer(session: Session, statement: Statement, organization_id: int, listed_as: str) -> str | None:
    """The other organization of the coalition, or on the roll, that this printed name belongs to."""
    wanted = normal_name(listed_as)
    for party in parties(session, statement.campaign.coalition_id):
        other = party.organization
        known = {other.name_normal, normal_name(other.short_name), *(alias.name_normal for alias in other.aliases)}
        if other.id != organization_id and wanted in known - {""}:
            return other.name
    for row in on_roll(session, statement.id):
        if row.organization_id != organization_id and normal_name(row.listed_as) == wanted:
            return row.listed_as
    return None


def request_link(request: SignOnRequest, *, now: datetime) -> str:
    """The path of the link that goes to the organization; asking again makes older ones stale."""
    claim = {"id": request.id, "sent": request.sent_times}
    return f"/sign-on/{tokens.sign('sign-on', claim, lasts=LONGEST_LINK, now=now)}"


def manage_link(sign_on: SignOn, *, now: datetime) -> str:
    """The path of the receipt's link. It is bound to no version, so an old receipt works as long as the newest."""
    return f"/sign-on/manage/{tokens.sign('sign-on-manage', {'id': sign_on.id}, lasts=LONGEST_LINK, now=now)}"


def dispute_link(sign_on: SignOn, *, now: datetime) -> str:
    """The path of the link with which an organization says that it did not sign this time."""
    claim = {"id": sign_on.id, "version": sign_on.version}
    return f"/sign-on/dispute/{tokens.sign('sign-on-dispute', claim, lasts=LONGEST_LINK, now=now)}"


def request_by_link(session: Session, token: str, *, now: datetime) -> SignOnRequest:
    """The request a link belongs to. StaleLink, Superseded or TakenBack say why it no longer works."""
    claim = tokens.read("sign-on", token, now=now)
    request = session.get(SignOnRequest, tokens.number(claim, "id"), populate_existing=True)
    if request is None or link_is_late(request.statement, now, REQUEST_OUTLIVES_CLOSING):
        raise tokens.StaleLink
    if request.revoked_at is not None:
        raise TakenBack(request.statement.title)
    if tokens.number(claim, "sent") != request.sent_times:
        raise Superseded(spoken(request.sent_at, request.statement.campaign.coalition.zone))
    return request


def sign_on_by_link(session: Session, scope: str, token: str, *, now: datetime) -> SignOn:
    """The sign-on a receipt's or notice's link belongs to, until 90 days after closing."""
    claim = tokens.read(scope, token, now=now)
    row = session.get(SignOn, tokens.number(claim, "id"), populate_existing=True)
    if row is None or link_is_late(row.statement, now, RECEIPT_OUTLIVES_CLOSING):
        raise tokens.StaleLink
    return row


STANDINGS = {
    "signed": "good",
    "declined": "neutral",
    "withdrawn": "warn",
    "disputed": "bad",
    "asked": "info",
    "request taken back": "neutral",
    "not asked": "neutral",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What an organization of the coalition said to a statement; for organizers only, it names contacts."""

    organization: Organization
    lead: bool
    address: str
    request: SignOnRequest | None
    sign_on: SignOn | None

    @property
    def standing(self) -> str:
        """Where it stands, one of ``STANDINGS``. Whether a letter was opened is never tracked."""
        if self.sign_on is not None:
            return "signed" if self.sign_on.stands() else self.sign_on.state.value
        if self.request is None:
            return "not asked"
        return "asked" if self.request.revoked_at is None else "request taken back"

    @property
    def tone(self) -> str:
        """How its badge is colored."""
        return STANDINGS.get(self.standing, "neutral")

    @property
    def printed_otherwise(self) -> bool:
        """Whether the printed name differs from every name this organization is known by."""
        if self.sign_on is None or not self.sign_on.stands():
            return False
        known = {self.organization.name_normal, normal_name(self.organization.short_name)}
        return normal_name(self.sign_on.listed_as) not in known | {one.name_normal for one in self.organization.aliases}


def address_of(party: Party) -> str:
    """Where a request to sign goes: the private contact, or else the public address."""
    return party.contact_email or party.organization.public_email or ""


def answers(session: Session, statement: Statement) -> list[Answer]:
    """Every organization of the coalition and what it said: leads first, then by name."""
    requests = {
        row.organization_id: row
        for row in session.scalars(sa.select(SignOnRequest).where(SignOnRequest.statement_id == statement.id))
    }
    given = {
        row.organization_id: row
        for row in session.scalars(sa.select(SignOn).where(SignOn.statement_id == statement.id))
    }
    return [
        Answer(
            organization=party.organization,
            lead=party.role is PartyRole.LEAD,
            address=address_of(party),
            request=requests.get(party.organization_id),
            sign_on=given.get(party.organization_id),
        )
        for party in parties(session, statement.campaign.coalition_id)
    ]


def unanswered(session: Session, statement_id: int) -> list[SignOnRequest]:
    """Requests that stand and that nobody answered, neither yes nor no."""
    answered = sa.select(SignOn.organization_id).where(SignOn.statement_id == statement_id)
    query = sa.select(SignOnRequest).where(
        SignOnRequest.statement_id == statement_id,
        SignOnRequest.revoked_at.is_(None),
        SignOnRequest.organization_id.not_in(answered),
    )
    return list(session.scalars(query.options(joinedload(SignOnRequest.organization)).order_by(SignOnRequest.id)))


def signed_by_day(session: Session, statement: Statement) -> list[tuple[str, int]]:
    """How many names stood at the end of each day on which one was added, in the coalition's zone."""
    zone = statement.campaign.coalition.zone
    days = Counter(local(row.signed_at or row.created_at, zone).date() for row in on_roll(session, statement.id))
    points, total = [], 0
    for day in sorted(days):
        total += days[day]
        points.append((f"{day:%B} {day.day}", total))
    return points


def edition_of(session: Session, statement_id: int, number: int = 1) -> Edition | None:
    """An edition of a statement with its fixed roll."""
    query = sa.select(Edition).where(Edition.statement_id == statement_id, Edition.number == number)
    return session.scalar(query.options(joinedload(Edition.document)))


def edition_groups(edition: Edition) -> list[tuple[str, list[RollEntry]]]:
    """An edition's fixed roll as (heading, names), as it was printed."""
    lines = [(name.initiator, name.scope, _entry(name)) for name in edition.names]
    return grouped(lines)


def _entry(name: SignOn | EditionName) -> RollEntry:
    return RollEntry(listed_as=name.listed_as, signatory=name.signatory_name, title=name.signatory_title)


def sheet_of_edition(edition: Edition, *, base_url: str) -> LetterSheet:
    """What the press sets: the frozen words and the fixed roll, dated by the day it closed."""
    sheet = _sheet(edition.statement, edition_groups(edition), edition.made_at, base_url)
    return replace(sheet, edition=edition.number)


def sheet_of_statement(session: Session, statement: Statement, *, base_url: str, now: datetime) -> LetterSheet:
    """The letter as it stands now, with the names so far, for reading before it closes."""
    groups = [(heading, [_entry(row) for row in rows]) for heading, rows in roll_groups(session, statement.id)]
    return _sheet(statement, groups, now, base_url)


def _sheet(
    statement: Statement, groups: list[tuple[str, list[RollEntry]]], dated: datetime, base_url: str
) -> LetterSheet:
    coalition = statement.campaign.coalition
    day = local(dated, coalition.zone).date()
    sheet = Sheet(
        author=coalition.name,
        title=statement.title,
        markdown=statement.frozen_revision.text if statement.frozen_revision is not None else "",
        dateline=f"{day:%B} {day.day}, {day.year}",
        dated=day,
        digest=statement.digest or "",
        verify_url=f"{base_url}/statements/{statement.slug}/verify",
        demo=coalition.is_demo,
    )
    return LetterSheet(
        sheet=sheet,
        addressees=tuple(addressees(statement.campaign.targets)),
        roll=tuple(RollGroup(heading=heading, entries=tuple(entries)) for heading, entries in groups),
    )


def to_close(session: Session, *, now: datetime) -> list[int]:
    """Open statements past their deadline, and closed ones whose names nobody made an edition of yet; their ids."""
    standing = sa.select(SignOn.statement_id).where(SignOn.state == SignOnState.CONFIRMED)
    missing = sa.and_(
        Statement.state == StatementState.CLOSED,
        Statement.id.in_(standing),
        Statement.id.not_in(sa.select(Edition.statement_id)),
    )
    due = sa.and_(Statement.state == StatementState.OPEN, Statement.deadline <= now)
    return list(session.scalars(sa.select(Statement.id).where(sa.or_(due, missing)).order_by(Statement.id)))


def to_set(session: Session) -> list[Edition]:
    """Editions with names and without a document, of statements that closed."""
    query = (
        sa.select(Edition)
        .join(Edition.statement)
        .where(Edition.document_id.is_(None), Edition.names.any(), Statement.state == StatementState.CLOSED)
        .order_by(Edition.id)
    )
    return list(session.scalars(query))


def to_mark_delivered(session: Session) -> list[int]:
    """Closed statements whose edition waits nowhere any more and was taken by one mail server at least; edition ids."""
    of_edition = Delivery.document_id == Edition.document_id
    waits = sa.exists().where(of_edition, Delivery.state == DeliveryState.QUEUED)
    reached = sa.exists().where(of_edition, Delivery.state.in_(REACHED))
    query = (
        sa.select(Edition.id).join(Edition.statement).where(Statement.state == StatementState.CLOSED, ~waits, reached)
    )
    return list(session.scalars(query.order_by(Edition.id)))
