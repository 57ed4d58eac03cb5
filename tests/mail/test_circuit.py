"""When nobody is served, nobody keeps asking: one letter tries, and the others follow it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from flask import Flask

from app.core.actor import Actor
from app.core.db import reading, transaction
from app.mail import circuit, commands, queries
from app.mail.circuit import FIRST_WAIT, IN_A_ROW, LONGEST_WAIT, Pass, Trouble
from app.mail.models import EmailState, MailCircuit
from app.mail.sending import Sender
from app.mail.transports import Accepted, AccountRefused, GiveUp, Letter, NotAccepted, OutcomeUnknown, TryAgain
from tests.builders import NOW
from tests.mail.builders import Scripted, email, queued

LEASE = timedelta(seconds=30)
UNREACHABLE = TryAgain(timedelta(minutes=1), "The mail server cannot be reached", everyone=True)
LOST = OutcomeUnknown("the answer was lost")
OPERATOR = Actor(label="Operator", account_id=1, operator=True)


class Clock:
    """Time that passes when a test says so."""

    def __init__(self, start: datetime = NOW) -> None:
        self.now = start

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Outage:
    """A provider that serves nobody until it is over."""

    def __init__(self, how: NotAccepted = UNREACHABLE) -> None:
        self.how: NotAccepted | None = how
        self.poison: set[int] = set()

    def __call__(self, letter: Letter) -> Accepted | NotAccepted:
        if letter.email_id in self.poison:
            return UNREACHABLE
        return self.how or Accepted("taken")


def stage(outage: Callable[[Letter], Accepted | NotAccepted]) -> tuple[Scripted, Clock, Sender]:
    transport, clock = Scripted(outage), Clock()
    queries.bind_way(transport.name)
    return transport, clock, Sender(transport, clock)


def row() -> MailCircuit:
    with reading() as session:
        (found,) = queries.circuits(session)
        return found


def is_open() -> bool:
    with reading() as session:
        return bool(queries.circuits(session))


def work(sender: Sender) -> int:
    """Lots until there is nothing to do, as a worker does."""
    done = 0
    while lot := sender.lot():
        done += lot
    return done


@pytest.mark.parametrize("how", [UNREACHABLE, LOST])
def test_after_some_failures_in_a_row_nobody_tries_for_a_while(database: Flask, how: NotAccepted) -> None:
    for number in range(40):
        queued(f"letter:{number}")
    transport, clock, sender = stage(Outage(how))

    work(sender)

    assert len(transport.letters) == IN_A_ROW
    assert row().try_at == clock.now + FIRST_WAIT
    clock.passes(FIRST_WAIT.total_seconds() - 0.1)
    assert sender.lot() == 0
    assert len(transport.letters) == IN_A_ROW


def test_the_waits_grow_and_one_letter_tries_after_each(database: Flask) -> None:
    for number in range(10):
        queued(f"letter:{number}")
    transport, clock, sender = stage(Outage())
    work(sender)
    waits = []
    for _ in range(6):
        found = row()
        assert found.try_at is not None
        waits.append((found.try_at - clock.now).total_seconds())
        clock.now = found.try_at
        before = len(transport.letters)
        work(sender)
        assert len(transport.letters) == before + 1
    assert waits == [5, 10, 20, 40, 60, 60]
    assert timedelta(seconds=waits[-1]) == LONGEST_WAIT


@pytest.mark.parametrize("how", [UNREACHABLE, LOST])
def test_an_outage_of_ten_minutes_costs_no_letter_a_try_and_all_leave_right_after_it(
    database: Flask, how: NotAccepted
) -> None:
    idents = [queued(f"letter:{number}") for number in range(30)]
    outage = Outage(how)
    transport, clock, sender = stage(outage)
    for _second in range(600):
        work(sender)
        clock.passes(1)
    tries = len(transport.letters)
    assert IN_A_ROW < tries < 20
    assert {(email(ident).state, email(ident).attempts) for ident in idents} == {(EmailState.QUEUED, 0)}

    outage.how = None
    seconds = 0
    while is_open():
        clock.passes(1)
        seconds += 1
        work(sender)

    assert seconds <= LONGEST_WAIT.total_seconds()
    clock.passes(1)
    work(sender)
    assert {email(ident).state for ident in idents} == {EmailState.ACCEPTED}
    assert {email(ident).attempts for ident in idents} == {1}


def test_one_letter_that_breaks_every_connection_does_not_hold_up_the_others(database: Flask) -> None:
    poison = queued("poison")
    others = [queued(f"letter:{number}") for number in range(5)]
    outage = Outage()
    _transport, clock, sender = stage(outage)
    work(sender)
    assert is_open()
    outage.how, outage.poison = None, {poison}

    for _second in range(180):
        clock.passes(1)
        work(sender)

    assert {email(ident).state for ident in others} == {EmailState.ACCEPTED}
    assert email(poison).state is EmailState.QUEUED


def test_rather_a_letter_that_may_repeat_tries(database: Flask) -> None:
    for number in range(IN_A_ROW):
        queued(f"first:{number}")
    transport, clock, sender = stage(Outage(LOST))
    work(sender)
    target = queued("target", repeatable=False)
    clock.passes(LONGEST_WAIT.total_seconds())
    work(sender)
    assert target not in {letter.email_id for letter in transport.letters}


def test_an_answer_that_refuses_one_letter_shows_that_the_way_is_open(database: Flask) -> None:
    queued("a"), queued("b"), queued("c"), queued("d")
    outage = Outage()
    _transport, clock, sender = stage(outage)
    work(sender)
    outage.how = GiveUp("no such mailbox")
    clock.passes(5)
    work(sender)
    assert not is_open()


def test_failures_with_successes_between_them_open_nothing(database: Flask) -> None:
    for number in range(12):
        queued(f"letter:{number}")
    answers: Iterator[Accepted | NotAccepted] = iter([UNREACHABLE, Accepted(), Accepted()] * 4)
    _transport, _clock, sender = stage(lambda _letter: next(answers))
    work(sender)
    assert not is_open()


def test_failures_long_after_each_other_open_nothing(database: Flask) -> None:
    queued("a")
    _transport, clock, sender = stage(Outage())
    for _ in range(IN_A_ROW + 1):
        work(sender)
        clock.passes(3 * 24 * 3600)
    assert not is_open()


def test_the_hour_that_the_provider_names_is_waited_for(database: Flask) -> None:
    queued("a"), queued("b")
    transport, clock, sender = stage(Outage(TryAgain(timedelta(seconds=300), "429", asked=True)))
    work(sender)
    assert row().try_at == clock.now + timedelta(seconds=300)
    clock.passes(299)
    work(sender)
    assert len(transport.letters) == 1
    clock.passes(1)
    work(sender)
    assert len(transport.letters) == 2


def test_a_probe_without_a_letter_is_given_back(database: Flask) -> None:
    with transaction() as session:
        for _ in range(IN_A_ROW):
            circuit.failed(session, "scripted", Pass(), Trouble("down"), letters=[], now=NOW)
    _transport, clock, sender = stage(Outage())
    clock.passes(5)
    assert sender.lot() == 0
    queued("a")
    assert sender.lot() == 1


def test_a_worker_that_died_while_it_tried_is_followed_by_another(database: Flask) -> None:
    _open(NOW)
    after = NOW + FIRST_WAIT
    assert _ask(after) is not None
    assert _ask(after + LEASE - timedelta(seconds=1)) is None
    assert _ask(after + LEASE) is not None


def _open(now: datetime) -> None:
    queries.bind_way("scripted")
    with transaction() as session:
        for _ in range(IN_A_ROW):
            circuit.failed(session, "scripted", Pass(), Trouble("down"), letters=[], now=now)


def _ask(now: datetime) -> Pass | None:
    with transaction() as session:
        return circuit.ask(session, "scripted", lease=LEASE, now=now)


def test_a_straggler_from_before_neither_closes_nor_lengthens(database: Flask) -> None:
    _open(NOW)
    before = row().try_at
    with transaction() as session:
        assert not circuit.worked(session, "scripted", Pass())
        circuit.failed(session, "scripted", Pass(), Trouble("late"), letters=[], now=NOW + timedelta(seconds=3))
    assert row().try_at == before


def test_of_many_who_ask_at_once_one_may_try(database: Flask) -> None:
    _open(NOW)
    start = threading.Barrier(6)
    given: list[Pass | None] = []

    def ask() -> None:
        start.wait()
        given.append(_ask(NOW + FIRST_WAIT))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(given) == 6
    assert len([leave for leave in given if leave is not None]) == 1


def test_many_workers_in_an_outage_try_together_no_more_than_one_each(database: Flask) -> None:
    for number in range(60):
        queued(f"letter:{number}")
    outage = Outage()
    transport, clock, sender = stage(outage)
    outcome: list[int] = []

    def some_work() -> None:
        outcome.append(work(sender))

    for _round in range(2):
        before = len(transport.letters)
        threads = [threading.Thread(target=some_work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tried = len(transport.letters) - before
        assert tried <= IN_A_ROW + 3 if _round == 0 else tried == 1
        clock.passes(FIRST_WAIT.total_seconds())
    assert len(outcome) == 8
    outage.how = None
    clock.passes(LONGEST_WAIT.total_seconds())
    work(sender)
    assert {letter.email_id for letter in transport.letters} >= set(range(1, 61))
    with reading() as session:
        assert queries.counts_by_state(session)[EmailState.ACCEPTED] == 60


def test_a_clock_that_is_put_back_does_not_keep_the_circuit_open(database: Flask) -> None:
    _open(NOW + timedelta(hours=5))
    assert _ask(NOW) is not None


def test_an_operator_may_say_that_it_is_over(database: Flask) -> None:
    queued("a")
    _open(NOW)
    with transaction() as session:
        commands.resume(session, by=OPERATOR, now=NOW)
    transport, _clock, sender = stage(Outage(GiveUp("no")))
    assert sender.lot() == 1
    assert len(transport.letters) == 1


def test_what_holds_letters_back_is_said_in_words(database: Flask) -> None:
    _open(NOW)
    with reading() as session:
        (said,) = queries.troubles(session, now=NOW + timedelta(seconds=2))
    assert "No letter leaves by scripted since" in said
    assert "It served nobody 3 times in a row: down." in said
    assert "tries again in 3 seconds, at " in said
    _ask(NOW + FIRST_WAIT)
    with reading() as session:
        (said,) = queries.troubles(session, now=NOW + FIRST_WAIT)
    assert "trying right now" in said
    with transaction() as session:
        commands.pause(session, "scripted", "SendGrid said 401", now=NOW)
    with reading() as session:
        assert "SendGrid said 401" in queries.troubles(session, now=NOW)[-1]


def test_a_refused_account_holds_back_and_is_told_once(database: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(5):
        queued(f"letter:{number}")
    transport, clock, sender = stage(Outage(AccountRefused("SendGrid said 401")))
    for _ in range(3):
        work(sender)
        clock.passes(3600)
    assert len(transport.letters) == 1
    assert capsys.readouterr().out.count("letters are held back") == 1
    with reading() as session:
        assert not queries.pauses(session)[0].by_whom
