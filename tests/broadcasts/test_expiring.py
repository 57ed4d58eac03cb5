"""An update that leaves in each reader's morning does not leave where the morning is long over; a person decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.broadcasts import commands, messages, queries
from app.broadcasts.models import Broadcast, BroadcastState
from app.core import audit
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import Conflict
from app.jobs import worker
from app.mail.transports import Accepted, TryAgain
from app.mailings import commands as mailings
from app.mailings.models import BatchState, Mailing, MailingBatch, MailingReader, MailingState
from tests.broadcasts.builders import Stage, ready, stage, supporter
from tests.builders import NOW

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

SignIn = Callable[[Account], FlaskClient]
PATIENCE = timedelta(hours=6)
LEASE = timedelta(minutes=1)
PLACES = ("NZ", "DE", "DE", "DE")


def scheduled(session: Session, *, now: datetime = NOW, per_hour: int | None = None) -> tuple[Stage, Broadcast]:
    """One reader in New Zealand and three in Germany, each to get it at eight in the morning; planned and begun."""
    there = stage(session)
    for number, country in enumerate(PLACES):
        supporter(session, number, yes=(there.lead,)).country = country
    session.flush()
    day = (now + timedelta(days=2)).date()
    entry = commands.Departing(when=commands.When.MORNING, day=day, hour=8, per_hour=per_hour)
    update = commands.depart(session, ready(session, there), entry, by=there.robin, now=now)
    departure = queries.departure_of(session, update)
    assert departure is not None
    assert departure.starts_at is not None
    commands.start_due(session, update.id, now=departure.starts_at)
    commands.keep_words(session, update, messages.form(update), now=departure.starts_at)
    while commands.plan_lot(session, update, lot=10, size=2, now=departure.starts_at):
        session.expire_all()
    return there, update


def mornings(session: Session) -> list[datetime]:
    """When the batches were due, each once."""
    query = sa.select(MailingBatch.not_after).distinct().order_by(MailingBatch.not_after)
    return [at.astimezone(UTC) - PATIENCE for at in session.scalars(query) if at is not None]


def send_all(session: Session, now: datetime) -> int:
    """Hand over whatever may leave at this moment; how many readers."""
    sent = 0
    while (taken := mailings.claim(session, lease=LEASE, now=now)) is not None:
        allowed = mailings.hand_over(session, taken, until=now + LEASE, now=now)
        mailings.settle(session, taken, Accepted(), now=now)
        sent += len(allowed or ())
    session.flush()
    session.expire_all()
    return sent


def the_mailing(session: Session) -> Mailing:
    return session.scalars(sa.select(Mailing)).one()


def decide(session: Session, there: Stage, update: Broadcast, what: commands.Late, letters: int, now: datetime) -> None:
    entry = commands.LateDecided(what=what, letters=letters)
    commands.decide_late(session, update, entry, by=there.robin, now=now)
    session.flush()
    session.expire_all()


def test_each_morning_in_time_leaves_by_itself(session: Session) -> None:
    scheduled(session)
    first, second = mornings(session)
    assert send_all(session, first + PATIENCE) == 1
    assert send_all(session, second - timedelta(seconds=1)) == 0
    assert send_all(session, second) == 3
    assert the_mailing(session).state is MailingState.GOING


def test_where_the_morning_is_long_over_nothing_leaves_and_the_mailing_waits(session: Session) -> None:
    there, update = scheduled(session)
    first, second = mornings(session)
    assert send_all(session, first) == 1
    late = second + PATIENCE + timedelta(seconds=1)
    assert send_all(session, late) == 0
    assert the_mailing(session).state is MailingState.LATE
    assert not commands.finish_if_done(session, update, now=late)
    assert send_all(session, late + timedelta(days=1)) == 0
    with pytest.raises(Conflict, match="By now it is too late for 3 readers, not 2"):
        decide(session, there, update, commands.Late.SEND, 2, late)
    assert the_mailing(session).state is MailingState.LATE
    decide(session, there, update, commands.Late.SEND, 3, late)
    assert send_all(session, late) == 3
    assert commands.finish_if_done(session, update, now=late)
    assert audit.trail(session, there.campaign.coalition_id)[0].act == "update.late_sent"
    with pytest.raises(Conflict, match="does not wait for a decision"):
        decide(session, there, update, commands.Late.SEND, 3, late)


def test_who_is_left_out_never_gets_it_and_the_others_still_get_it_in_their_morning(session: Session) -> None:
    there, update = scheduled(session)
    first, second = mornings(session)
    late = first + PATIENCE + timedelta(minutes=1)
    assert late < second
    assert send_all(session, late) == 0
    decide(session, there, update, commands.Late.LEAVE_OUT, 1, late)
    assert send_all(session, late) == 0
    assert send_all(session, second) == 3
    counts = queries.progress(session, update)
    assert (counts.accepted, counts.stopped, counts.waiting) == (3, 1, 0)
    assert commands.finish_if_done(session, update, now=second)


def test_a_later_try_and_a_smaller_batch_are_as_late_as_the_first(session: Session) -> None:
    scheduled(session)
    first, second = mornings(session)
    assert send_all(session, first) == 1
    taken = mailings.claim(session, lease=LEASE, most=1, now=second)
    assert taken is not None
    assert mailings.hand_over(session, taken, until=second + LEASE, now=second)
    mailings.settle(session, taken, TryAgain(timedelta(hours=7), "busy"), now=second)
    session.expire_all()
    waiting = sa.select(MailingBatch.not_after).where(MailingBatch.state == BatchState.QUEUED)
    assert {at.astimezone(UTC) for at in session.scalars(waiting) if at} == {second + PATIENCE}
    assert len(session.scalars(waiting).all()) == 3
    assert send_all(session, second + timedelta(hours=7, seconds=1)) == 0
    assert the_mailing(session).state is MailingState.LATE


def test_at_a_chosen_speed_a_morning_that_began_in_time_goes_on(session: Session) -> None:
    _, update = scheduled(session, per_hour=60)
    first, second = mornings(session)
    assert send_all(session, first) == 1
    assert send_all(session, second) == 1
    late = second + PATIENCE + timedelta(hours=1)
    assert send_all(session, late) == 1
    assert the_mailing(session).state is MailingState.GOING
    assert update.state is BroadcastState.SENDING


def test_at_a_chosen_speed_a_morning_that_has_not_begun_waits(session: Session) -> None:
    scheduled(session, per_hour=60)
    first, second = mornings(session)
    assert send_all(session, first) == 1
    assert send_all(session, second + PATIENCE + timedelta(hours=1)) == 0
    assert the_mailing(session).state is MailingState.LATE


def test_a_try_that_certainly_failed_is_no_beginning_of_a_morning(session: Session) -> None:
    scheduled(session, per_hour=60)
    first, second = mornings(session)
    assert send_all(session, first) == 1
    taken = mailings.claim(session, lease=LEASE, now=second)
    assert taken is not None
    assert mailings.hand_over(session, taken, until=second + LEASE, now=second)
    mailings.settle(session, taken, TryAgain(timedelta(minutes=1), "nobody is served"), now=second)
    session.expire_all()
    assert send_all(session, second + PATIENCE + timedelta(hours=1)) == 0
    assert the_mailing(session).state is MailingState.LATE


def test_who_pauses_over_the_hour_decides_when_going_on(session: Session) -> None:
    there, update = scheduled(session)
    first, second = mornings(session)
    assert send_all(session, first) == 1
    commands.pause(session, update, by=there.robin, now=first)
    late = second + PATIENCE + timedelta(minutes=1)
    commands.resume(session, update, by=there.robin, now=late)
    assert send_all(session, late) == 0
    assert the_mailing(session).state is MailingState.LATE


def test_the_page_says_what_happened_and_takes_the_decision(signed_in: SignIn) -> None:
    with transaction() as session:
        there, update = scheduled(session, now=utc_now())
        account = session.get_one(Account, there.robin.account_id)
        dana = session.get_one(Account, there.dana.account_id)
        here = f"/work/{there.campaign.coalition.slug}/updates/{update.id}"
        ages_ago = utc_now() - timedelta(hours=7)
        session.execute(sa.update(MailingBatch).values(try_after=ages_ago, not_after=ages_ago + PATIENCE))
        session.execute(sa.update(Mailing).values(next_at=ages_ago))
    worker.run(mailings.SEND)
    robin = signed_in(account)
    page = robin.get(here).text
    assert "For 4 people that hour has passed: nothing could be sent to them within 6 hours of it." in page
    assert f'href="{here}/late"' in page
    assert "Go on sending" not in page
    assert "The hour that was chosen for some readers has passed" in robin.get("/home").text
    assert "hour that was chosen" not in signed_in(dana).get("/home").text
    assert signed_in(dana).get(f"{here}/late").status_code == 403
    review = robin.get(f"{here}/late").text
    assert "Send it to 4 people now" in review
    assert "Leave 4 people out" in review
    answer = robin.post(f"{here}/late", data={"what": "sent", "letters": "4"}, follow_redirects=True)
    assert "Sending goes on. It goes to 4 people now." in answer.text
    worker.until_idle()
    with reading() as session:
        assert len(session.scalars(sa.select(MailingReader)).all()) == 4
        assert the_mailing(session).state is MailingState.DONE
    assert "does not wait for a decision" in robin.get(f"{here}/late").text


def test_what_waits_for_a_decision_cannot_be_paused_out_of_sight(session: Session) -> None:
    there, update = scheduled(session)
    first, second = mornings(session)
    assert send_all(session, first) == 1
    late = second + PATIENCE + timedelta(hours=1)
    assert send_all(session, late) == 0
    with pytest.raises(Conflict, match="Decide on its page"):
        commands.pause(session, update, by=there.robin, now=late)
    assert update.state is BroadcastState.SENDING
