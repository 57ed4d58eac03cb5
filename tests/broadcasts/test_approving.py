"""Who may approve an update: a second person, and where the coalition says so one of another organization."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.broadcasts import commands, queries
from app.broadcasts.models import Broadcast, BroadcastState
from app.coalitions import commands as coalitions
from app.coalitions.models import Membership, Role
from app.core.audit import AuditEntry
from app.core.db import reading, transaction
from app.core.errors import Conflict, NotAllowed
from app.mail.models import Email
from tests import builders
from tests.broadcasts.builders import WORDS, Stage, ready, stage
from tests.builders import NOW
from tests.petitions.builders import together

SLUG = "coalition-for-open-faces"
ELSEWHERE = coalitions.CoalitionSettings(other_organization_approves=True)


def strict(session: Session) -> Stage:
    """A coalition that asks for the approval of another organization."""
    there = stage(session)
    coalitions.settle_coalition(session, there.campaign.coalition, ELSEWHERE, by=there.robin, now=NOW)
    return there


def test_a_colleague_of_the_sender_approves_until_the_coalition_asks_for_more(session: Session) -> None:
    there = stage(session)
    colleague = builders.actor(builders.member(session, there.lead, email="kim@fftf.example", name="Kim"))
    update = commands.compose(session, there.campaign, WORDS, by=there.robin, now=NOW)

    approved = commands.approve(session, update, update.version, by=colleague, now=NOW)

    assert approved.approver_organization_id == there.lead.id
    coalitions.settle_coalition(session, there.campaign.coalition, ELSEWHERE, by=there.robin, now=NOW)
    second = commands.compose(session, there.campaign, WORDS, by=there.robin, now=NOW)
    with pytest.raises(Conflict, match="a person of another organization approves"):
        commands.approve(session, second, second.version, by=colleague, now=NOW)
    commands.approve(session, second, second.version, by=there.dana, now=NOW)
    assert second.approver_organization_id == there.partner.id


def test_somebody_in_both_organizations_is_not_from_another(session: Session) -> None:
    there = strict(session)
    both = builders.member(session, there.partner, email="both@x.example", name="Both")
    session.add(Membership(account_id=both.id, organization_id=there.lead.id, role=Role.VIEWER, since=NOW))
    session.flush()
    update = commands.compose(session, there.campaign, WORDS, by=there.robin, now=NOW)

    with pytest.raises(Conflict, match="another organization"):
        commands.approve(session, update, update.version, by=builders.actor(both), now=NOW)


def test_an_approval_from_within_is_not_enough_any_more_when_it_is_sent(session: Session) -> None:
    there = stage(session)
    colleague = builders.actor(builders.member(session, there.lead, email="kim@fftf.example", name="Kim"))
    update = commands.compose(session, there.campaign, WORDS, by=there.robin, now=NOW)
    commands.approve(session, update, update.version, by=colleague, now=NOW)
    coalitions.settle_coalition(session, there.campaign.coalition, ELSEWHERE, by=there.robin, now=NOW)

    with pytest.raises(Conflict, match="now asks for the approval of another organization"):
        commands.send(session, update, by=there.robin, now=NOW)

    commands.edit(session, update, WORDS, by=there.robin)
    commands.approve(session, update, update.version, by=there.dana, now=NOW)
    assert commands.send(session, update, by=there.robin, now=NOW).state is BroadcastState.SENDING


def test_only_those_who_may_approve_are_asked_to_read(session: Session) -> None:
    there = strict(session)
    kim = builders.actor(builders.member(session, there.lead, email="kim@fftf.example", name="Kim"))
    update = commands.compose(session, there.campaign, WORDS, by=there.robin, now=NOW)

    commands.send_test(session, update, by=there.robin, now=NOW)

    assert queries.awaiting_approval(session, by=kim) == []
    assert queries.awaiting_approval(session, by=there.dana) == [update]

    asked = sa.select(Email.to_address).where(Email.template == "broadcasts/mail/approval_wanted")
    assert session.scalars(asked).all() == ["dana@aclu.example"]


def test_a_changed_audience_needs_a_new_approval(session: Session) -> None:
    there = stage(session)
    update = ready(session, there)

    commands.edit(session, update, WORDS.model_copy(update={"countries": ["US"]}), by=there.robin)

    assert (update.state, update.approver_organization_id) == (BroadcastState.DRAFT, None)
    assert update.audience == {"countries": ["US"]}


def test_mistakes_keep_an_update_from_being_approved(session: Session) -> None:
    there = stage(session)
    entry = commands.NewBroadcast(subject="News", body="Read [this](https://bit.ly/x), {official} said so.")
    update = commands.compose(session, there.campaign, entry, by=there.robin, now=NOW)

    with pytest.raises(Conflict) as refused:
        commands.approve(session, update, update.version, by=there.dana, now=NOW)

    assert "hides where it leads" in refused.value.sentence
    assert "Not every reader's official is known" in refused.value.sentence
    assert update.state is BroadcastState.DRAFT


def test_only_an_organizer_settles_and_the_trail_says_so_once(session: Session) -> None:
    there = stage(session)
    coalition = there.campaign.coalition
    with pytest.raises(NotAllowed):
        coalitions.settle_coalition(session, coalition, ELSEWHERE, by=there.dana, now=NOW)

    for _ in range(2):
        coalitions.settle_coalition(session, coalition, ELSEWHERE, by=there.robin, now=NOW)

    lines = session.scalars(sa.select(AuditEntry).where(AuditEntry.act == "coalition.settled")).all()
    assert [line.detail["approval"] for line in lines] == ["another organization"]


def test_the_setting_is_on_its_page_and_said_on_the_update(
    signed_in: Callable[[Account], FlaskClient],
) -> None:
    with transaction() as session:
        there = stage(session)
        update = commands.compose(session, there.campaign, WORDS, by=there.robin, now=NOW)
        builders.member(session, there.lead, email="kim@fftf.example", name="Kim")
        accounts = session.scalars(sa.select(Account).order_by(Account.id)).all()
    robin, dana, kim = (signed_in(one) for one in accounts)
    here = f"/work/{SLUG}/updates/{update.id}"
    assert robin.get(f"/work/{SLUG}/settings").status_code == 200
    assert dana.get(f"/work/{SLUG}/settings").status_code == 403
    assert "Review and approve" in kim.get(here).text

    assert robin.post(f"/work/{SLUG}/settings", data={"other_organization_approves": "yes"}).status_code == 303

    assert "Review and approve" not in kim.get(here).text
    assert "a person of another organization approves an update" in kim.get(here).text
    assert "Review and approve" in dana.get(here).text
    assert "A person of another organization approves each" in robin.get(f"/work/{SLUG}").text
    assert "checked" in robin.get(f"/work/{SLUG}/settings").text
    assert "are approved by another organization" in robin.get(f"/work/{SLUG}/audit").text
    assert robin.post(f"/work/{SLUG}/settings", data={}).status_code == 303
    assert "Review and approve" in kim.get(here).text


def test_two_authors_who_save_at_once_lose_no_words(database: object) -> None:
    with transaction() as session:
        there = stage(session)
        second = builders.actor(builders.member(session, there.lead, email="kim@fftf.example", name="Kim"))
        ident = commands.compose(session, there.campaign, WORDS, by=there.robin, now=NOW).id
    refused: list[str] = []

    def save(body: str, by: object) -> None:
        entry = WORDS.model_copy(update={"body": body, "based_on": 1})
        try:
            with transaction() as session:
                commands.edit(session, session.get_one(Broadcast, ident), entry, by=by)  # type: ignore[arg-type]
        except Conflict:
            refused.append(body)

    together(lambda: save("The words of Robin", there.robin), lambda: save("The words of Kim", second))

    with reading() as session:
        kept = session.get_one(Broadcast, ident)
    assert {kept.body, *refused} == {"The words of Robin", "The words of Kim"}
    assert kept.version == 2


def test_approving_while_the_author_saves_never_approves_unread_words(database: object) -> None:
    with transaction() as session:
        there = stage(session)
        ident = commands.compose(session, there.campaign, WORDS, by=there.robin, now=NOW).id

    def approve() -> None:
        try:
            with transaction() as session:
                commands.approve(session, session.get_one(Broadcast, ident), 1, by=there.dana, now=NOW)
        except Conflict:
            return

    def save() -> None:
        with transaction() as session:
            other = WORDS.model_copy(update={"body": "Words that nobody has read yet."})
            commands.edit(session, session.get_one(Broadcast, ident), other, by=there.robin)

    together(approve, save)

    with reading() as session:
        kept = session.get_one(Broadcast, ident)
    assert (kept.version, kept.state, kept.approved_version) == (2, BroadcastState.DRAFT, None)
