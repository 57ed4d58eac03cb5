from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa
from flask import Flask

from app.coalitions.models import Organization
from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import Refusal
from app.deliveries.models import Delivery, Document
from app.mail.models import Email
from app.signons import commands, jobs, queries
from app.signons.models import Edition, EditionName, SignOn, SignOnState
from app.statements.models import Statement
from tests import builders
from tests.builders import NOW
from tests.signons.builders import LINK, Scene, ask, committed, contact, entry, letters, signed


def at_once(*acts: Callable[[], object]) -> list[Refusal]:
    """Do all acts in threads that start together; returns the refusals. Anything else that breaks is raised."""
    barrier, refused, broken = threading.Barrier(len(acts)), [], []

    def run(act: Callable[[], object]) -> None:
        barrier.wait()
        try:
            act()
        except Refusal as refusal:
            refused.append(refusal)
        except Exception as error:  # noqa: BLE001 - shown below
            broken.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if broken:
        raise broken[0]
    return refused


def test_an_organization_signing_from_its_link_and_from_inside_at_once_signs_once(database: Flask) -> None:
    given = committed()
    with transaction() as session:
        ask(session, given)

    def sign(name: str, *, inside: bool) -> Callable[[], object]:
        def act() -> None:
            by = builders.actor(given.signatory) if inside else LINK
            with transaction() as session:
                statement = session.get_one(Statement, given.statement.id)
                organization = session.get_one(Organization, given.partner.id)
                commands.sign_on(session, statement, organization, entry(given, listed_as=name), by=by, now=NOW)

        return act

    refused = at_once(sign("Northwest Privacy A", inside=True), sign("Northwest Privacy B", inside=False))

    assert len(refused) == 1
    assert "has signed already" in refused[0].sentence
    with reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(SignOn)) == 1
        assert len(letters(session, "signons/mail/signed")) == 1


def test_a_double_click_signs_once_and_both_see_the_same(database: Flask) -> None:
    given = committed()
    with transaction() as session:
        ask(session, given)

    def sign() -> None:
        with transaction() as session:
            statement = session.get_one(Statement, given.statement.id)
            organization = session.get_one(Organization, given.partner.id)
            commands.sign_on(session, statement, organization, entry(given), by=LINK, now=NOW)

    assert at_once(sign, sign, sign) == []
    with reading() as session:
        assert session.scalars(sa.select(SignOn)).one().version == 1
        assert len(letters(session, "signons/mail/signed")) == 1


def _groups(given: Scene, number: int) -> list[Organization]:
    with transaction() as session:
        groups = []
        for index in range(number):
            group = builders.organization(session, name=f"Group {index}", within=given.coalition)
            contact(session, group, given.coalition)
            ask(session, given, group)
            groups.append(group)
        signed(session, given)
    return groups


def test_a_sign_on_racing_the_closing_is_on_the_edition_or_refused(database: Flask) -> None:
    given = committed()
    groups = _groups(given, 5)

    def sign(group: Organization) -> Callable[[], object]:
        def act() -> None:
            with transaction() as session:
                statement = session.get_one(Statement, given.statement.id)
                organization = session.get_one(Organization, group.id)
                commands.sign_on(session, statement, organization, entry(given, listed_as=group.name), by=LINK, now=NOW)

        return act

    def close() -> None:
        with transaction() as session:
            commands.close(session, session.get_one(Statement, given.statement.id), by=SYSTEM, now=NOW)

    refused = at_once(*(sign(group) for group in groups), close)

    with reading() as session:
        standing = set(session.scalars(sa.select(SignOn.id).where(SignOn.state == SignOnState.CONFIRMED)))
        printed = set(session.scalars(sa.select(EditionName.sign_on_id)))
    assert standing == printed
    assert len(standing) + len(refused) == len(groups) + 1


def test_a_withdrawal_racing_the_closing_is_off_the_edition_or_refused(database: Flask) -> None:
    given = committed()
    groups = _groups(given, 1)
    with transaction() as session:
        row = signed(session, given, groups[0])

    def withdraw() -> None:
        with transaction() as session:
            commands.withdraw(session, session.get_one(SignOn, row.id), commands.Withdrawal(), by=LINK, now=NOW)

    def close() -> None:
        with transaction() as session:
            commands.close(session, session.get_one(Statement, given.statement.id), by=SYSTEM, now=NOW)

    refused = at_once(withdraw, close)

    with reading() as session:
        on_edition = row.id in set(session.scalars(sa.select(EditionName.sign_on_id)))
        assert on_edition == session.get_one(SignOn, row.id).stands() == bool(refused)


def test_two_workers_closing_make_one_edition(database: Flask) -> None:
    given = committed(now=utc_now() - timedelta(days=20))
    with transaction() as session:
        signed(session, given)

    assert at_once(jobs.close_due, jobs.close_due, jobs.close_due) == []

    with reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Edition)) == 1
        assert session.scalar(sa.select(sa.func.count()).select_from(EditionName)) == 1


def test_two_workers_setting_the_letter_send_it_once(database: Flask) -> None:
    given = committed(now=utc_now() - timedelta(days=20))
    with transaction() as session:
        signed(session, given)
    jobs.close_due()

    assert at_once(jobs.typeset, jobs.typeset) == []

    with reading() as session:
        edition = queries.edition_of(session, given.statement.id)
        assert edition is not None
        assert edition.document_id is not None
        assert session.scalar(sa.select(sa.func.count()).select_from(Document)) == 1
        assert session.scalar(sa.select(sa.func.count()).select_from(Delivery)) == 1
        assert session.scalar(sa.select(sa.func.count()).where(Email.template == "deliveries/mail/to_target")) == 1


def test_two_organizers_asking_at_once_ask_once(database: Flask) -> None:
    given = committed()

    def act() -> None:
        with transaction() as session:
            statement = session.get_one(Statement, given.statement.id)
            organization = session.get_one(Organization, given.partner.id)
            commands.ask_to_sign(session, statement, [organization], by=given.by, now=NOW)

    assert at_once(act, act) == []
    with reading() as session:
        assert len(letters(session, "signons/mail/request")) == 1
