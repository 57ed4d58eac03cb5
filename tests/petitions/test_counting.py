"""The count outside of requests: numbered once, repaired by a check, right when several act at the same moment."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from flask import Flask

from app.core import db
from app.core.clock import utc_now
from app.jobs import worker
from app.petitions import commands
from app.petitions.models import Petition, PetitionState, SignatureState
from app.supporters.models import Consent, Supporter
from tests.builders import NOW
from tests.petitions.builders import SOMEBODY, confirm, letters, sign, signatures, there, together, token_of

AT_ONCE = 8


def signed(petition: Petition, count: int) -> list[str]:
    """That many people's confirmation tokens."""
    with db.transaction() as session:
        for number in range(count):
            sign(session, session.get_one(Petition, petition.id), email=f"person{number}@people.example")
        return [token_of(one) for one in signatures(session)]


def press(token: str) -> None:
    with db.transaction() as session:
        commands.confirm(session, token, by=SOMEBODY, now=NOW)


def shown(petition: Petition) -> int:
    with db.reading() as session:
        return session.get_one(Petition, petition.id).counted


def test_the_worker_counts_what_was_confirmed_and_nothing_twice(database: Flask) -> None:
    here = there()
    for token in signed(here.petition, 3):
        press(token)
    assert shown(here.petition) == 0

    worker.run("petitions.count")
    worker.run("petitions.count")

    assert shown(here.petition) == 3
    with db.reading() as session:
        assert sorted(one.ordinal or 0 for one in signatures(session)) == [1, 2, 3]


def test_people_confirming_and_workers_counting_at_once_give_every_ordinal_once(database: Flask) -> None:
    here = there()
    tokens = signed(here.petition, AT_ONCE)

    def press_and_count(token: str) -> None:
        press(token)
        worker.run("petitions.count")

    together(*(lambda token=token: press_and_count(token) for token in tokens))
    worker.run("petitions.count")

    with db.reading() as session:
        assert sorted(one.ordinal or 0 for one in signatures(session)) == list(range(1, AT_ONCE + 1))
    assert shown(here.petition) == AT_ONCE


def test_pressing_the_button_many_times_at_once_confirms_once(database: Flask) -> None:
    here = there()
    with db.transaction() as session:
        sign(session, session.get_one(Petition, here.petition.id), answers={here.lead.id: True})
        token = token_of(signatures(session)[0])

    together(*(lambda: press(token) for _ in range(AT_ONCE)))
    worker.run("petitions.count")

    with db.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Supporter)) == 1
        assert session.scalar(sa.select(sa.func.count()).select_from(Consent)) == 1
    assert shown(here.petition) == 1


def test_one_address_signing_many_times_at_once_signs_once(database: Flask) -> None:
    here = there()

    def attempt() -> None:
        with db.transaction() as session:
            sign(session, session.get_one(Petition, here.petition.id))

    together(*(attempt for _ in range(AT_ONCE)))

    with db.reading() as session:
        assert len(signatures(session)) == 1
        assert len(letters(session)) == 5


def test_a_household_of_eight_confirming_at_once_stands_there_with_two_names(database: Flask) -> None:
    here = there()
    tokens = []
    for number in range(4):
        with db.transaction() as session:
            now = NOW + timedelta(days=2 * number)
            sign(session, session.get_one(Petition, here.petition.id), given_name=f"Person {number}", now=now)
            tokens = [token_of(one) for one in signatures(session)]
    assert len(tokens) == 4

    together(*(lambda token=token: press(token) for token in tokens))

    with db.reading() as session:
        states = [one.state for one in signatures(session)]
        assert states.count(SignatureState.VALIDATED) == 2
        assert states.count(SignatureState.INVALIDATED) == 2


def test_a_count_left_wrong_by_a_crash_is_repaired_even_while_people_sign(database: Flask) -> None:
    here = there()
    tokens = signed(here.petition, 3)
    press(tokens[0])
    worker.run("petitions.count")
    worker.run("petitions.recount")
    with db.transaction() as session:
        broken = session.get_one(Petition, here.petition.id)
        broken.counted = 40
        broken.checked_at = utc_now() - timedelta(minutes=11)
    press(tokens[1])
    worker.run("petitions.count")
    assert shown(here.petition) == 41

    worker.run("petitions.recount")

    assert shown(here.petition) == 2


def test_the_public_page_counts_nothing_itself(database: Flask) -> None:
    here = there()
    with db.transaction() as session:
        session.get_one(Petition, here.petition.id).counted = 1_234
    said: list[str] = []
    sa.event.listen(db.engine(), "before_cursor_execute", lambda *args: said.append(args[2]))

    page = database.test_client().get(f"/petitions/{here.petition.slug}")

    assert "1,234" in page.text
    assert not [statement for statement in said if "count(" in statement.casefold() or "signatures" in statement]


def test_a_petition_closes_by_itself_after_its_last_day(database: Flask) -> None:
    here = there(closes=NOW.date())

    worker.run("petitions.close")

    with db.reading() as session:
        petition = session.get_one(Petition, here.petition.id)
        assert petition.state is PetitionState.CLOSED
        assert petition.closes_at is not None
        assert petition.closes_at.isoformat() == "2021-05-21T06:59:00+00:00"


def test_a_signature_in_time_counts_though_it_is_confirmed_after_closing(database: Flask) -> None:
    here = there(closes=NOW.date())
    tokens = signed(here.petition, 1)
    worker.run("petitions.close")

    press(tokens[0])
    worker.run("petitions.count")

    assert shown(here.petition) == 1


def test_taking_a_name_back_before_it_was_counted_does_not_lower_the_count(database: Flask) -> None:
    here = there()
    with db.transaction() as session:
        sign(session, session.get_one(Petition, here.petition.id))
        signature = confirm(session, signatures(session)[0])
        commands.withdraw_signature(session, token_of(signature), by=SOMEBODY, now=NOW)

    worker.run("petitions.count")

    assert shown(here.petition) == 0
