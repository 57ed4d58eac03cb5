from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import Conflict, NotAllowed
from app.deliveries import commands as deliveries
from app.deliveries.models import Delivery, Document
from app.mail.models import Email, EmailAttachment
from app.press.letter import read_statement, set_letter
from app.signons import commands, jobs, queries, rules
from app.signons.commands import Correction, Dispute, Withdrawal
from app.signons.models import Edition
from app.statements.models import Statement, StatementState
from tests import builders
from tests.builders import NOW
from tests.signons.builders import LINK, TEXT, Scene, all_accepted, committed, letters, scene, signed

BASE = "http://undersigned.example"


def test_closing_fixes_the_roll_in_order_with_what_was_printed(session: Session) -> None:
    given = scene(session)
    group = builders.organization(session, name="The Aardvark League", within=given.coalition)
    group.public_email = "office@aardvark.example"
    signed(session, given)
    signed(session, given, group)
    signed(session, given, given.lead)

    edition = commands.close(session, given.statement, by=given.by, now=NOW)

    assert edition is not None
    assert (edition.number, edition.digest) == (1, given.statement.digest)
    assert [(name.place, name.listed_as, name.initiator) for name in edition.names] == [
        (1, "Fight for the Future", True),
        (2, "The Aardvark League", False),
        (3, "Northwest Privacy Alliance (NWPA)", False),
    ]
    assert given.statement.state is StatementState.CLOSED
    assert commands.close(session, given.statement, by=given.by, now=NOW) is edition


def test_nothing_is_signed_corrected_or_taken_back_once_it_is_closed(session: Session) -> None:
    given = scene(session)
    row = signed(session, given)
    commands.close(session, given.statement, by=SYSTEM, now=NOW)

    with pytest.raises(Conflict):
        commands.withdraw(session, row, Withdrawal(), by=LINK, now=NOW)
    correction = Correction(listed_as="NWPA", signatory_name="I", signatory_title="D")
    with pytest.raises(Conflict):
        commands.correct(session, row, correction, by=LINK, now=NOW)


def test_only_an_organizer_or_the_clock_closes(session: Session) -> None:
    given = scene(session)

    with pytest.raises(NotAllowed):
        commands.close(session, given.statement, by=builders.actor(given.signatory), now=NOW)


def test_closing_without_a_name_makes_no_edition_and_tells_the_organizers(session: Session) -> None:
    given = scene(session)

    assert commands.close(session, given.statement, by=SYSTEM, now=given.after) is None
    assert commands.close(session, given.statement, by=SYSTEM, now=given.after) is None

    assert given.statement.state is StatementState.CLOSED
    assert len(letters(session, "signons/mail/nobody_signed")) == 1
    assert queries.to_close(session, now=given.after) == []


def test_a_dispute_before_the_letter_is_set_takes_the_name_off_the_edition(session: Session) -> None:
    given = scene(session)
    row = signed(session, given)
    signed(session, given, given.lead)
    edition = commands.close(session, given.statement, by=SYSTEM, now=NOW)
    assert edition is not None
    sheet = queries.sheet_of_edition(edition, base_url=BASE)

    commands.dispute(session, row, Dispute(), by=LINK, now=NOW)

    assert commands.keep_document(session, edition, sheet, b"%PDF-", base_url=BASE, now=NOW) is None
    assert [name.listed_as for name in edition.names] == ["Fight for the Future"]


def test_a_dispute_after_the_letter_was_set_says_that_the_name_is_printed(session: Session) -> None:
    given = scene(session)
    row = signed(session, given)
    edition = commands.close(session, given.statement, by=SYSTEM, now=NOW)
    assert edition is not None
    sheet = queries.sheet_of_edition(edition, base_url=BASE)
    assert commands.keep_document(session, edition, sheet, b"%PDF-", base_url=BASE, now=NOW) is not None

    commands.dispute(session, row, Dispute(), by=LINK, now=NOW)

    assert len(edition.names) == 1
    assert letters(session, "signons/mail/disputed")[0].context["printed"] == "yes"
    assert queries.count(session, given.statement.id) == 0


def test_a_time_to_withdraw_after_closing_holds_the_letter_back(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "WITHDRAWAL_AFTER_CLOSING", timedelta(hours=48))
    given = scene(session)
    row = signed(session, given)
    signed(session, given, given.lead)
    edition = commands.close(session, given.statement, by=SYSTEM, now=NOW)
    assert edition is not None

    commands.withdraw(session, row, Withdrawal(), by=LINK, now=NOW + timedelta(hours=47))

    assert [name.listed_as for name in edition.names] == ["Fight for the Future"]
    assert not rules.roll_is_fixed(given.statement, NOW + timedelta(hours=47))


def _late(*, targets: bool = True) -> Scene:
    """A scene whose deadline is past by the real clock, with one name."""
    given = committed(now=utc_now() - timedelta(days=20), targets=targets)
    with transaction() as session:
        signed(session, given)
    return given


def _state(given: Scene) -> StatementState:
    with reading() as session:
        return session.get_one(Statement, given.statement.id).state


def test_the_worker_closes_sets_sends_and_tells_from_start_to_end(database: Flask) -> None:
    given = _late()

    assert jobs.close_due() == 1
    assert jobs.close_due() == 0
    assert jobs.typeset() == 1
    assert jobs.typeset() == 0
    assert jobs.finish() == 0
    with reading() as session:
        document = session.scalars(sa.select(Document)).one()
        assert read_statement(document.body) == TEXT
        assert document.stands_behind == "Northwest Privacy Alliance (NWPA) signed it."
        attached = session.scalars(sa.select(EmailAttachment)).one()
        assert attached.body == document.body
    assert _state(given) is StatementState.CLOSED

    all_accepted()
    with transaction() as session:
        assert deliveries.follow(session, now=utc_now()) == 1
    assert jobs.finish() == 1
    assert jobs.finish() == 0

    assert _state(given) is StatementState.DELIVERED
    with reading() as session:
        told = letters(session, "signons/mail/delivered")
        assert [one.to_address for one in told] == ["ingrid@northwest.example"]
        assert "is not known" in told[0].context["deliveries"][0]["says"]


def test_a_letter_that_waits_for_its_target_is_not_called_delivered(database: Flask) -> None:
    given = _late(targets=False)

    assert (jobs.close_due(), jobs.typeset(), jobs.finish()) == (1, 1, 0)

    assert _state(given) is StatementState.CLOSED


def test_a_worker_that_died_after_setting_the_letter_does_nothing_twice(database: Flask) -> None:
    _late()
    jobs.close_due()
    with reading() as session:
        edition = queries.to_set(session)[0]
        ident, sheet = edition.id, queries.sheet_of_edition(edition, base_url=BASE)
    pdf = set_letter(sheet)
    # The process dies here: nothing was kept, so the sweep sets the letter again.

    assert jobs.typeset() == 1
    # A slow twin comes back with the same letter.
    with transaction() as session:
        held = session.get_one(Edition, ident)
        assert commands.keep_document(session, held, sheet, pdf, base_url=BASE, now=utc_now()) is None

    with reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Document)) == 1
        assert session.scalar(sa.select(sa.func.count()).select_from(Delivery)) == 1
        assert session.scalar(sa.select(sa.func.count()).where(Email.template == "deliveries/mail/to_target")) == 1


def test_a_statement_that_was_closed_without_its_edition_gets_it_from_the_sweep(database: Flask) -> None:
    given = _late()
    with transaction() as session:
        row = session.get_one(Statement, given.statement.id)
        row.state, row.closed_at = StatementState.CLOSED, given.after

    assert jobs.close_due() == 1

    with reading() as session:
        assert queries.edition_of(session, given.statement.id) is not None
