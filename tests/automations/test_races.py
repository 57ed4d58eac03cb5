"""Two workers, confirming while reminding, leaving while welcoming, erasing: real threads, real transactions."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parseaddr

import sqlalchemy as sa
from flask import Flask

from app.automations import commands, jobs
from app.automations.models import Automation, AutomationLetter, Kind
from app.core.actor import by_link
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import Conflict
from app.jobs import worker
from app.mail import jobs as post_office
from app.mail.models import Email, EmailState
from app.mail.transports import Accepted, Letter
from app.petitions import commands as petitions
from app.petitions.models import Signature, SignatureState
from app.supporters import commands as supporters
from app.supporters.models import Supporter
from tests.automations.builders import confirmed, person, reminders, rows, running, welcomes
from tests.petitions.builders import Scene, scene, together, token_of

MANY = 16
LONG_AGO = timedelta(hours=50)


class Hands:
    """A transport that keeps to whom it was given letters."""

    name = "hands"
    patience = timedelta(seconds=30)

    def __init__(self) -> None:
        self.taken: list[str] = []

    def submit(self, letter: Letter) -> Accepted:
        self.taken.append(parseaddr(str(letter.message["To"]))[1])
        return Accepted()


def waiting(number: int) -> tuple[Scene, int]:
    """So many who signed two days ago and never confirmed; the reminder's id."""
    with transaction() as session:
        here = scene(session)
        reminder = running(session, here, Kind.REMINDER)
        for one in range(number):
            person(session, here, one, yes=(here.lead,))
        session.execute(sa.update(Signature).values(created_at=utc_now() - LONG_AGO))
        session.execute(sa.update(Email).values(created_at=utc_now() - LONG_AGO, state=EmailState.ACCEPTED))
        return here, reminder.id


def welcoming(number: int) -> tuple[Scene, int]:
    """So many who have just confirmed and said yes; the welcome's id."""
    now = utc_now()
    with transaction() as session:
        here = scene(session)
        welcome = running(session, here, Kind.WELCOME, now=now - timedelta(minutes=1))
        for one in range(number):
            confirmed(session, here, one, yes=(here.lead, here.partner))
        session.execute(sa.update(Signature).values(validated_at=now))
        session.execute(sa.update(Email).values(state=EmailState.ACCEPTED))
        return here, welcome.id


def test_many_workers_remind_everybody_once(database: Flask) -> None:
    waiting(MANY)
    together(*(lambda: worker.run(commands.REMIND) for _ in range(4)))
    with reading() as session:
        assert sorted(one.to_address for one in reminders(session)) == sorted(
            f"person{number}@people.example" for number in range(MANY)
        )
        assert {one.mails for one in session.scalars(sa.select(Signature))} == {2}
        assert len(rows(session)) == MANY


def test_many_workers_welcome_everybody_once_and_two_senders_never_make_a_third_letter(database: Flask) -> None:
    here, _ = welcoming(MANY)
    with transaction() as session:
        running(session, here, Kind.WELCOME, here.partner, now=utc_now() - timedelta(minutes=1))
        running(session, here, Kind.REMINDER)
    together(*(lambda: worker.run(commands.WELCOME) for _ in range(4)))
    worker.run(commands.WELCOME)
    with reading() as session:
        assert len(welcomes(session)) == 2 * MANY
        assert len({one.once for one in welcomes(session)}) == 2 * MANY
        query = sa.select(AutomationLetter.signature_id, sa.func.count()).group_by(AutomationLetter.signature_id)
        assert set(dict(session.execute(query).all()).values()) == {2}


def test_who_confirms_while_reminders_are_written_gets_none_or_has_it_taken_back(database: Flask) -> None:
    here, _ = waiting(MANY)
    with reading() as session:
        tokens = [token_of(one, now=utc_now()) for one in session.scalars(sa.select(Signature))]

    def confirm() -> None:
        for token in reversed(tokens):
            with transaction() as session:
                petitions.confirm(session, token, by=by_link("x"), now=utc_now())

    together(confirm, jobs.remind, jobs.remind)
    hands = Hands()
    post_office.use(hands)
    worker.run("mail.send")
    with reading() as session:
        assert {one.state for one in session.scalars(sa.select(Signature))} == {SignatureState.VALIDATED}
        assert {one.state for one in reminders(session)} <= {EmailState.DROPPED}
    assert hands.taken == []
    assert here.petition.id


def test_who_leaves_while_welcomes_are_written_gets_none_afterwards(database: Flask) -> None:
    here, _ = welcoming(MANY)
    hands = Hands()
    post_office.use(hands)
    with reading() as session:
        people = list(session.scalars(sa.select(Supporter.id)))
    sent_before: dict[str, bool] = {}

    def leave() -> None:
        for ident in reversed(people):
            with transaction() as session:
                leaver = session.get_one(Supporter, ident)
                supporters.leave(session, leaver, here.lead, source="unsubscribe page", now=utc_now())
                query = sa.select(Email.state).where(
                    Email.to_canonical == leaver.email_canonical, Email.template == "automations/mail/welcome"
                )
                sent_before[leaver.email] = session.scalar(query) not in {None, EmailState.QUEUED}

    def work() -> None:
        jobs.welcome()
        worker.run("mail.send")

    together(leave, work)
    worker.run(commands.WELCOME)
    worker.run("mail.send")
    assert set(hands.taken) <= {address for address, before in sent_before.items() if before}
    assert len(hands.taken) == len(set(hands.taken))


def test_who_is_erased_while_welcomes_are_written_leaves_no_letter_with_their_name(database: Flask) -> None:
    welcoming(MANY)
    with reading() as session:
        people = list(session.scalars(sa.select(Supporter.id)))

    def erase() -> None:
        for ident in people:
            with transaction() as session:
                petitions.forget_signer(session, session.get_one(Supporter, ident), now=utc_now())

    together(erase, lambda: worker.run(commands.WELCOME))
    worker.run(commands.WELCOME)
    with reading() as session:
        assert session.scalars(sa.select(Supporter)).all() == []
        assert {(one.to_address, one.state) for one in welcomes(session)} <= {("erased@invalid", EmailState.DROPPED)}


def test_switching_off_while_workers_write_leaves_nothing_waiting(database: Flask) -> None:
    here, ident = waiting(MANY)

    def off() -> None:
        with transaction() as session:
            commands.switch_off(session, session.get_one(Automation, ident), by=here.by, now=utc_now())

    together(off, jobs.remind, jobs.remind)
    worker.run(commands.REMIND)
    with reading() as session:
        assert {one.state for one in reminders(session)} <= {EmailState.DROPPED}


def test_two_people_who_write_the_reminder_at_once_make_one(database: Flask) -> None:
    with transaction() as session:
        here = scene(session)

    def write() -> str:
        try:
            with transaction() as session:
                petition = session.get_one(type(here.petition), here.petition.id)
                entry = commands.NewAutomation(subject="One step", body="Press the button.")
                commands.write(session, petition, Kind.REMINDER, entry, by=here.by, now=utc_now())
        except Conflict:
            return "refused"
        return "written"

    assert sorted(map(str, together(write, write, write))) == ["refused", "refused", "written"]
