"""What people told the mail provider: a complaint and the provider's own way to leave are lines in the ledger."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from flask import Flask

from app.coalitions.models import Organization
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.mail.models import Suppression
from app.returns.commands.heeding import withdraw
from app.returns.models import MailEvent, Withdrawal
from app.supporters import commands, jobs, queries, rules
from app.supporters.models import Consent, Supporter
from tests import builders
from tests.returns.builders import hear, left, row
from tests.returns.test_hearing import heard
from tests.supporters.test_leaving import record, remember

EWA = "ewa@people.example"


def two_yeses() -> tuple[int, int]:
    """A supporter who said yes to two organizations; returns their ids."""
    with transaction() as session:
        supporter = remember(session)
        groups = [builders.organization(session), builders.organization(session, name="Open Streets")]
        for group in groups:
            record(session, supporter, group, yes=True)
        return groups[0].id, groups[1].id


def noes() -> list[tuple[int, str]]:
    """Lines of the ledger that say no."""
    with reading() as session:
        rows = session.scalars(sa.select(Consent).where(Consent.yes.is_(False)).order_by(Consent.id))
        return [(line.organization_id, line.source) for line in rows]


@pytest.mark.parametrize(
    ("event", "source"),
    [("spamreport", "spam complaint"), ("unsubscribe", "mail provider"), ("group_unsubscribe", "mail provider")],
)
def test_a_complaint_about_an_update_withdraws_the_yes_to_its_sender_only(
    database: Flask, event: str, source: str
) -> None:
    sender, other = two_yeses()
    ident, token = left(to=EWA, stream=rules.stream(sender))
    hear(*heard(row(event, ident, token)))

    assert jobs.heed() == 1
    assert jobs.heed() == 0

    assert noes() == [(sender, source)]
    with reading() as session:
        supporter = queries.by_email(session, EWA)
        assert supporter is not None
        assert not queries.says_yes(session, supporter.id, sender)
        assert queries.says_yes(session, supporter.id, other)
        assert session.scalars(sa.select(Withdrawal.settled_at)).one() is not None


def test_a_complaint_about_a_letter_of_no_sender_leaves_them_all(database: Flask) -> None:
    sender, other = two_yeses()
    ident, token = left(to=EWA)
    hear(*heard(row("spamreport", ident, token)))
    jobs.heed()
    assert sorted(one for one, _ in noes()) == sorted([sender, other])


def test_a_complaint_repeated_or_of_a_stranger_adds_no_line(database: Flask) -> None:
    sender, _ = two_yeses()
    with transaction() as session:
        for address, stream in (
            (EWA, rules.stream(sender)),
            (EWA, rules.stream(sender)),
            ("stranger@people.example", rules.stream(sender)),
            (EWA, rules.stream(999_999)),
            (EWA, "something:else"),
        ):
            withdraw(session, address, stream, complaint=True, at=utc_now())
    while jobs.heed():
        pass
    assert noes() == [(sender, "spam complaint")]


def test_a_new_yes_after_a_complaint_lets_that_senders_letters_go_again(database: Flask) -> None:
    sender, _ = two_yeses()
    with transaction() as session:
        withdraw(session, EWA, rules.stream(sender), complaint=True, at=utc_now())
    jobs.heed()
    with transaction() as session:
        supporter = queries.by_email(session, EWA)
        organization = session.get(Organization, sender)
        assert supporter is not None
        assert organization is not None
        record(session, supporter, organization, yes=True)
        assert session.scalars(sa.select(Suppression)).all() == []


def test_two_workers_heed_one_complaint_once(database: Flask) -> None:
    sender, _ = two_yeses()
    with transaction() as session:
        withdraw(session, EWA, rules.stream(sender), complaint=True, at=utc_now())
    broken: list[BaseException] = []
    start = threading.Barrier(3)

    def work() -> None:
        try:
            start.wait()
            while jobs.heed():
                pass
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test
            broken.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []
    assert noes() == [(sender, "spam complaint")]


def test_an_erased_person_is_in_no_report_and_no_withdrawal(database: Flask) -> None:
    sender, _ = two_yeses()
    ident, token = left(to=EWA, stream=rules.stream(sender))
    hear(*heard(row("spamreport", ident, token)))
    with transaction() as session:
        commands.forget(session, session.scalars(sa.select(Supporter)).one(), now=utc_now())
    with reading() as session:
        assert session.scalars(sa.select(Withdrawal)).all() == []
        assert session.scalars(sa.select(MailEvent.address)).all() == [None]


@pytest.mark.parametrize(("name", "number"), [("updates:7", 7), ("updates:", None), ("letter:7", None), ("", None)])
def test_a_stream_names_its_organization(name: str, number: int | None) -> None:
    assert rules.of_stream(name) == number
