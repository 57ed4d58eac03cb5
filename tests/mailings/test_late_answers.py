"""An answer about one reader that comes after its claim ran out: it settles what its own attempt left uncertain."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask import Flask

from app.core.clock import utc_now
from app.core.db import transaction
from app.mail import commands as mail_commands
from app.mail import jobs as post_office
from app.mail.mass import Accepted, AccountRefused, GiveUp, Letter, NotAccepted, OutcomeUnknown, TryAgain
from app.mail.transports.smtp import SmtpTransport
from app.mailings import commands, jobs, queries
from app.mailings.models import BatchState, Mailing, MailingReader, MailingState, ReaderState
from app.mailings.rules import APART
from tests.builders import NOW
from tests.mail.builders import Scripted
from tests.mail.faults import PATIENCE, smtp_stand_in
from tests.mail.test_sender import OPERATOR
from tests.mailings.builders import batches, changed, mailing, planned, readers, seen
from tests.mailings.test_one_by_one import recipient

AGES_AGO = NOW - timedelta(days=1)
A_MINUTE = timedelta(minutes=1)
FIRST = "reader1@people.example"
Outcome = Accepted | NotAccepted
REFUSED, LATER, ACCOUNT = GiveUp("no such mailbox"), TryAgain(A_MINUTE, "greylisted"), AccountRefused("wrong password")
ANSWERS: list[Outcome] = [Accepted("late"), REFUSED, LATER, ACCOUNT, OutcomeUnknown("lost")]


class Slow(Scripted):
    """The answer about the first letter to the first reader is held until it is let go; all others are taken."""

    def __init__(self, late: Outcome) -> None:
        super().__init__()
        self.late = late
        self.asked, self.let_go = threading.Event(), threading.Event()

    def submit(self, letter: Letter) -> Accepted:
        first = recipient(letter) == FIRST and not self.asked.is_set()
        if not first:
            return super().submit(letter)
        self.letters.append(letter)
        self.asked.set()
        assert self.let_go.wait(PATIENCE)
        if isinstance(self.late, NotAccepted):
            raise self.late
        return self.late


@contextmanager
def on_its_way(ident: int, late: Outcome) -> Iterator[Slow]:
    """A worker waits for an answer about the first reader, and its claim has run out. It comes when the block ends."""
    post_office.use(hands := Slow(late))
    worker = threading.Thread(target=jobs._send)
    worker.start()
    assert hands.asked.wait(PATIENCE)
    changed(ident, leased_until=AGES_AGO)
    try:
        yield hands
    finally:
        hands.let_go.set()
        worker.join()


def work() -> None:
    """What another worker does, in a process of its own."""
    while jobs._send():
        pass


def first_of(ident: int) -> MailingReader:
    return readers(ident)[0]


def adds_up(ident: int) -> None:
    """The counters of every batch say what its readers do."""
    rows = readers(ident)
    for one in batches(ident):
        mine = [row.state for row in rows if row.batch_number == one.number]
        assert one.size == len(mine)
        assert {state: getattr(one, state.value) for state in APART} == {state: mine.count(state) for state in APART}


def test_a_letter_that_a_mail_server_takes_late_is_known_to_be_taken(database: Flask) -> None:
    with smtp_stand_in(letter="hold") as (server, address):
        transport = SmtpTransport(address, own_host="undersigned.example", timeout=5)
        post_office.use(transport)
        ident = planned(3)
        slow = threading.Thread(target=jobs._send)
        slow.start()
        for _ in range(PATIENCE * 100):
            if server.taken:
                break
            server.released.wait(0.01)
        changed(ident, leased_until=AGES_AGO)
        server.script.clear()
        work()
        assert (seen(ident).accepted, seen(ident).unknown) == (2, 1)
        server.let_go.set()
        slow.join()
        transport.close()
    assert len(server.taken) == 3
    assert (seen(ident).accepted, seen(ident).unknown) == (3, 0)
    adds_up(ident)


@pytest.mark.parametrize("late", ANSWERS, ids=lambda one: type(one).__name__)
def test_a_late_answer_settles_its_own_reader(database: Flask, late: Outcome) -> None:
    ident = planned(4)
    with on_its_way(ident, late) as hands:
        work()
        assert first_of(ident).state is ReaderState.UNKNOWN
        assert (seen(ident).accepted, seen(ident).unknown) == (3, 1)
    adds_up(ident)
    known, counts = first_of(ident), seen(ident)
    if isinstance(late, Accepted):
        assert (known.state, counts.accepted, counts.unknown) == (ReaderState.ACCEPTED, 4, 0)
    elif late is REFUSED:
        assert (known.state, known.reason) == (ReaderState.FAILED, "no such mailbox")
        assert (counts.accepted, counts.failed, counts.unknown) == (3, 1, 0)
    elif isinstance(late, OutcomeUnknown):
        assert (known.state, counts.unknown) == (ReaderState.UNKNOWN, 1)
    else:
        assert (known.state, counts.waiting, counts.unknown) == (None, 1, 0)
        assert min(one.try_after for one in batches(ident) if one.state is BatchState.QUEUED) > utc_now()
        changed(ident, try_after=AGES_AGO)
        with transaction() as session:
            mail_commands.resume(session, by=OPERATOR, now=utc_now())
        work()
        assert seen(ident).accepted == 4
        adds_up(ident)
    wanted = Counter({f"reader{number}@people.example": 1 for number in range(1, 5)})
    assert Counter(map(recipient, hands.letters)) == wanted + Counter({FIRST: int(late in (LATER, ACCOUNT))})


def test_a_reader_who_waits_again_is_not_in_the_round_of_who_has_their_batch(database: Flask) -> None:
    ident = planned(4)
    with on_its_way(ident, LATER), transaction() as session:
        commands.give_up_the_lost(session, now=utc_now())
        other = commands.claim(session, lease=A_MINUTE, now=utc_now())
        assert other is not None
        assert commands.next_reader(session, other, passed_over=(), until=utc_now() + A_MINUTE, now=utc_now())
    with transaction() as session:
        waits = queries.waiting_ids(session, ident, other.number)
    assert first_of(ident).id not in waits
    assert len(waits) == 3
    adds_up(ident)


@pytest.mark.parametrize("late", ANSWERS, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("again", ["waits", "was handed over"])
def test_what_a_person_had_sent_again_is_not_settled_by_the_earlier_answer(
    database: Flask, late: Outcome, again: str
) -> None:
    ident = planned(4)
    with on_its_way(ident, late) as hands:
        work()
        with transaction() as session:
            assert commands.resend(session, ident, now=utc_now()) == 1
        if again == "was handed over":
            work()
        before = [(one.state, one.reason, one.batch_number) for one in readers(ident)]
    assert [(one.state, one.reason, one.batch_number) for one in readers(ident)] == before
    with transaction() as session:
        mail_commands.resume(session, by=OPERATOR, now=utc_now())
    work()
    assert seen(ident).accepted == 4
    assert Counter(map(recipient, hands.letters))[FIRST] == 2
    adds_up(ident)


@pytest.mark.parametrize("late", ANSWERS, ids=lambda one: type(one).__name__)
def test_what_a_report_told_meanwhile_is_never_taken_back(database: Flask, late: Outcome) -> None:
    ident = planned(2)
    with on_its_way(ident, late):
        work()
        with transaction() as session:
            bounced = commands.Report(first_of(ident).id, "", ReaderState.BOUNCED, "550 gone")
            assert commands.reported_many(session, [bounced], now=utc_now()) == 1
    assert (first_of(ident).state, first_of(ident).reason) == (ReaderState.BOUNCED, "550 gone")
    adds_up(ident)


@pytest.mark.parametrize("late", [Accepted("late"), REFUSED, LATER, ACCOUNT], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("end", ["stopped", "done", "left"])
def test_nothing_leaves_of_what_is_at_its_end_when_the_answer_comes(database: Flask, late: Outcome, end: str) -> None:
    ident = planned(3)
    with on_its_way(ident, late) as hands:
        work()
        with transaction() as session:
            commands.nobody_else(session, session.get_one(Mailing, ident))
            if end == "stopped":
                commands.stop(session, ident, now=utc_now())
            elif end == "done":
                assert commands.finish_if_done(session, ident, now=utc_now())
            else:
                assert commands.settle_for_good(session, ident) == 1
    changed(ident, try_after=AGES_AGO)
    with transaction() as session:
        mail_commands.resume(session, by=OPERATOR, now=utc_now())
    work()
    counts = seen(ident)
    assert Counter(map(recipient, hands.letters))[FIRST] == 1
    assert mailing(ident).state is {"stopped": MailingState.STOPPED, "done": MailingState.DONE}.get(
        end, MailingState.GOING
    )
    if isinstance(late, Accepted):
        assert (counts.accepted, counts.unknown) == (3, 0)
    elif late is REFUSED:
        assert (counts.failed, counts.unknown) == (1, 0)
    else:
        assert (counts.stopped, counts.unknown) == ((1, 0) if end == "stopped" else (0, 1))
    adds_up(ident)


def test_an_answer_of_another_attempt_settles_nothing(database: Flask) -> None:
    ident = planned(2)
    with on_its_way(ident, Accepted("late")):
        work()
        with transaction() as session:
            session.get_one(MailingReader, first_of(ident).id).attempt_token = "a later attempt's"
    assert first_of(ident).state is ReaderState.UNKNOWN


def at_once(*works: Callable[[], None]) -> None:
    start, wrong = threading.Barrier(len(works)), list[BaseException]()

    def run(work: Callable[[], None]) -> None:
        start.wait()
        try:
            work()
        except BaseException as error:
            wrong.append(error)
            raise

    threads = [threading.Thread(target=run, args=(one,)) for one in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("late", [Accepted("late"), REFUSED, LATER], ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("attempt", range(4))
def test_a_late_answer_another_worker_a_person_and_a_report_at_once_lose_and_double_nothing(
    database: Flask, late: Outcome, attempt: int
) -> None:
    ident = planned(3)
    assert attempt >= 0
    now = utc_now()
    with transaction() as session:
        taken = commands.claim(session, lease=A_MINUTE, now=now)
        assert taken is not None
        reader = commands.next_reader(session, taken, passed_over=(), until=now, now=now)
        assert reader is not None
    changed(ident, leased_until=AGES_AGO)
    post_office.use(hands := Scripted())
    again: list[int] = []

    def answer() -> None:
        with transaction() as session:
            commands.settle_reader(session, taken, reader.id, late, now=utc_now())

    def send_again() -> None:
        with transaction() as session:
            again.append(commands.resend(session, ident, now=utc_now()))

    def report() -> None:
        with transaction() as session:
            commands.reported_many(session, [commands.Report(reader.id, "", ReaderState.DELIVERED)], now=utc_now())

    works = [answer, work, send_again] if attempt % 2 else [answer, work, send_again, report]
    at_once(*works)
    changed(ident, try_after=AGES_AGO)
    work()

    adds_up(ident)
    copies = Counter(map(recipient, hands.letters))[reader.address.casefold()]
    known = next(one for one in readers(ident) if one.id == reader.id)
    # Sent once more only where a person had it sent again, or where it certainly had not been taken.
    assert copies <= sum(again) + (late is LATER)
    assert known.state in {ReaderState.ACCEPTED, ReaderState.FAILED, ReaderState.DELIVERED}
    assert len(hands.letters) == 2 + copies
