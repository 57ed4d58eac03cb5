"""An update before it is sent: tests to its author and colleagues, and a second person who stands behind it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from app.accounts.models import Account
from app.broadcasts import messages, queries, rules
from app.broadcasts.commands.holding import held, record
from app.broadcasts.models import Broadcast, BroadcastState
from app.coalitions.models import Coalition
from app.coalitions.queries import coalition_people, is_in, members, organizations_acting
from app.coalitions.roles import Right
from app.core import limits
from app.core.errors import Conflict, Invalid, NotFound, TooMany
from app.core.inputs import Input
from app.mail import outbox
from app.mail.models import Email

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.core.actor import Actor

MOST_COLLEAGUES = 5
# In an hour: tests one person sends, and test letters one mailbox gets, whoever sends them.
MOST_TESTS, MOST_FOR_ONE = 30, 20
HOUR = timedelta(hours=1)
MEANWHILE = "Meanwhile the preview shows the same letter."
NOTHING_KNOWN = rules.Surroundings()


class TestReaders(Input):
    """The colleagues of the sender, by account, who get the test beside its author."""

    __test__ = False  # a test letter's readers, not a test

    colleagues: list[Annotated[int, Field(ge=1, le=2**63 - 1)]] = Field(default_factory=list)


def send_test(
    session: Session,
    broadcast: Broadcast,
    to: TestReaders | None = None,
    *,
    around: rules.Surroundings = NOTHING_KNOWN,
    by: Actor,
    now: datetime,
) -> Email:
    """Send the update to oneself and to colleagues, and tell those who may approve that it is ready to be read.

    Words that cannot be approved as they are call nobody. Gives one's own letter.
    """
    broadcast = held(session, broadcast, by, Right.WRITE_UPDATE)
    rules.must_be_draft(broadcast)
    person = session.get(Account, by.account_id)
    if person is None:
        raise NotFound
    colleagues = _colleagues(session, broadcast, to.colleagues if to else [], apart_from=person.id)
    spend_test(session, person, colleagues, now=now)
    if not rules.errors(rules.findings(broadcast.subject, broadcast.body, around)):
        broadcast.tested_at = now
        _call(session, broadcast, now)
    for colleague in colleagues:
        _test_to(session, broadcast, colleague, now)
    return _test_to(session, broadcast, person, now)


def spend_test(session: Session, writer: Account, colleagues: Sequence[Account] = (), *, now: datetime) -> None:
    """Count a test of any letter to many, for its writer and for each mailbox it goes to; TooMany beyond the limits.

    In the transaction that queues the letters, unlike other limits: what is refused sends nothing and costs nothing.
    """
    try:
        limits.spend(session, "tests", str(writer.id), allowed=MOST_TESTS, per=HOUR, now=now)
    except TooMany as refusal:
        raise TooMany(refusal.retry_after, otherwise=MEANWHILE) from refusal
    for reader in sorted(colleagues, key=lambda one: one.id):
        try:
            limits.spend(session, "test letters", str(reader.id), allowed=MOST_FOR_ONE, per=HOUR, now=now)
        except TooMany as refusal:
            enough = f"{reader.name} got {MOST_FOR_ONE} test letters within an hour: leave them out, or wait."
            raise TooMany(refusal.retry_after, otherwise=enough) from refusal


def approvers(session: Session, broadcast: Broadcast) -> list[Account]:
    """The people who may approve the update: not its author and, where the coalition says so, nobody of the sender."""
    people = coalition_people(session, broadcast.campaign.coalition_id, Right.APPROVE_UPDATE)
    outside = broadcast.campaign.coalition.other_organization_approves
    own = {member.account_id for member in members(session, broadcast.organization_id)} if outside else set()
    return [one for one in people if one.id != broadcast.author_id and one.id not in own]


def why_not_among_approvers(session: Session, broadcast: Broadcast, *, by: Actor) -> str:
    """Who approves instead, in a sentence; empty for somebody who may."""
    if by.account_id in {one.id for one in approvers(session, broadcast)}:
        return ""
    if broadcast.campaign.coalition.other_organization_approves:
        return f"In this coalition a person of another organization than {broadcast.organization.name} approves."
    return "A signatory or an admin of a member group approves it, and not who wrote it. Ask one of them."


def why_not_approvable(session: Session, broadcast: Broadcast, *, by: Actor) -> str:
    """The sentence with which approving the words as they are would be refused; empty where ``by`` may approve them.

    What is found in the words is told beside it.
    """
    try:
        rules.must_be_approvable(broadcast, by.account_id)
    except Conflict as refusal:
        return refusal.sentence
    return why_not_among_approvers(session, broadcast, by=by)


def approve(
    session: Session,
    broadcast: Broadcast,
    version: int,
    *,
    around: rules.Surroundings = NOTHING_KNOWN,
    by: Actor,
    now: datetime,
) -> Broadcast:
    """A second person stands behind exactly these words. ``version`` is the one that was shown to them.

    ``around`` is what the house's pages know of the words (see ``rules.findings``); what is an error keeps them from
    being approved.
    """
    broadcast = held(session, broadcast, by, Right.APPROVE_UPDATE)
    if version != broadcast.version:
        raise Conflict("The words changed while you read them. Read them again, then approve.")
    if broadcast.state is BroadcastState.APPROVED and broadcast.approver_id == by.account_id:
        return broadcast
    rules.must_be_approvable(broadcast, by.account_id)
    coalition_id = broadcast.campaign.coalition_id
    acting = [one.id for one in organizations_acting(session, coalition_id, by=by, right=Right.APPROVE_UPDATE)]
    inside = is_in(session, broadcast.organization_id, by=by)
    asked = elsewhere(session, broadcast)
    rules.must_be_of_another_organization(broadcast, acting, belongs_to_sender=inside, asked=asked)
    faults = rules.errors(rules.findings(broadcast.subject, broadcast.body, around))
    if faults:
        raise Conflict(f"This cannot be approved as it is. {' '.join(fault.sentence for fault in faults)}")
    broadcast.state = BroadcastState.APPROVED
    broadcast.approver_id, broadcast.approved_version, broadcast.approved_at = by.account_id, version, now
    outside = [ident for ident in acting if ident != broadcast.organization_id]
    broadcast.approver_organization_id = outside[0] if outside and not inside else broadcast.organization_id
    record(session, "update.approved", broadcast, by=by, now=now)
    return broadcast


def elsewhere(session: Session, broadcast: Broadcast) -> bool:
    """Whether the coalition now asks for the approval of another organization than the sender."""
    coalition = session.get(Coalition, broadcast.campaign.coalition_id, populate_existing=True)
    return coalition is not None and coalition.other_organization_approves


def _call(session: Session, broadcast: Broadcast, now: datetime) -> None:
    for reader in approvers(session, broadcast):
        wanted = messages.approval_wanted(
            broadcast, to=reader.email, name=reader.name, coalition_slug=broadcast.campaign.coalition.slug
        )
        outbox.queue(session, wanted, once=queries.approval_key(broadcast, reader.id), now=now)


def _colleagues(session: Session, broadcast: Broadcast, chosen: list[int], *, apart_from: int) -> list[Account]:
    wanted = set(chosen) - {apart_from}
    if len(wanted) > MOST_COLLEAGUES:
        raise Invalid({"colleagues": f"Choose at most {MOST_COLLEAGUES} colleagues."})
    found = [one.account for one in members(session, broadcast.organization_id) if one.account_id in wanted]
    if len(found) != len(wanted):
        raise Invalid({"colleagues": f"Choose among the people of {broadcast.organization.name}."})
    return found


def _test_to(session: Session, broadcast: Broadcast, person: Account, now: datetime) -> Email:
    values: dict[rules.Field, str] = {rules.Field.GIVEN_NAME: person.name.split(" ", maxsplit=1)[0]}
    number = queries.count_now(session, broadcast)
    if number is not None:
        values[rules.Field.COUNT] = f"{number:,}"
    letter = messages.test(broadcast, to=person.email, name=person.name, values=values)
    return outbox.queue(session, letter, once=f"broadcast:{broadcast.id}:test:{person.id}:{now.timestamp()}", now=now)
