"""How an update goes over time, each reader's outcome as a file, and the pages that show it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.broadcasts import commands, jobs
from app.broadcasts.models import Broadcast
from app.core import audit
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs import worker
from app.mailings import commands as mailings
from app.mailings import queries
from app.mailings.models import Mailing, MailingMoment, MailingReader, ReaderState
from tests.broadcasts.builders import Stage, ready, stage, supporter
from tests.builders import NOW

SignIn = Callable[[Account], FlaskClient]
SLUG = "coalition-for-open-faces"


def sending(number: int, **names: str) -> tuple[Stage, int]:
    with transaction() as session:
        there = stage(session)
        for one in range(number):
            made = supporter(session, one, yes=(there.lead,))
            made.given_name = names.get("given_name", made.given_name)
        ident = commands.send(session, ready(session, there), by=there.robin, now=NOW).id
    while jobs.plan():
        pass
    return there, ident


def account(there: Stage, who: str) -> Account:
    with reading() as session:
        return session.get_one(Account, getattr(there, who).account_id)


def test_a_moment_is_written_each_minute_in_which_something_changed(database: Flask) -> None:
    sending(3)
    with transaction() as session:
        assert mailings.note_moments(session, now=NOW) == 1
        assert mailings.note_moments(session, now=NOW + timedelta(seconds=10)) == 0
        assert mailings.note_moments(session, now=NOW + timedelta(minutes=5)) == 0
    worker.until_idle()
    with transaction() as session:
        mailing = session.scalars(sa.select(Mailing)).one()
        session.execute(sa.delete(MailingMoment).where(MailingMoment.handed_over > 0))
        reader = session.scalars(sa.select(MailingReader)).first()
        assert reader is not None
        mailings.reported(session, reader.id, "", ReaderState.BOUNCED, now=NOW)
        assert mailings.note_moments(session, now=NOW + timedelta(minutes=6)) == 1
        first, last = queries.moments(session, mailing.id)
        assert (first.planned, first.handed_over) == (3, 0)
        assert (last.planned, last.handed_over, last.bounced) == (3, 3, 1)
        assert last.at - first.at == timedelta(minutes=6)


def test_old_moments_are_thinned_and_the_first_and_last_stay(database: Flask) -> None:
    sending(1)
    with transaction() as session:
        mailing = session.scalars(sa.select(Mailing)).one()
        session.execute(sa.delete(MailingMoment))
        start = int(NOW.timestamp()) // 60 // 60 * 60 + 1
        values = dict.fromkeys([*queries.DRAWN, "mailing_id"], 0) | {"mailing_id": mailing.id}
        session.execute(sa.insert(MailingMoment), [values | {"minute": start + place} for place in range(200)])
        soon, later = (NOW + timedelta(hours=hours) for hours in (24, 24 * 5))
        assert mailings.thin_moments(session, now=soon) == 0
        assert mailings.thin_moments(session, now=later) > 190
        kept = list(session.scalars(sa.select(MailingMoment.minute).order_by(MailingMoment.minute)))
        assert kept == [start, start + 59, start + 119, start + 179, start + 199]
        assert len(queries.moments(session, mailing.id, most=2)) <= 3


def test_each_reader_s_outcome_is_a_file_for_the_sender_s_people_only(signed_in: SignIn) -> None:
    there, ident = sending(3, given_name="=1+1")
    worker.until_idle()
    path = f"/work/{SLUG}/updates/{ident}/readers.csv"
    assert signed_in(account(there, "dana")).post(path).status_code == 403
    assert signed_in(account(there, "robin")).get(path).status_code == 405
    answer = signed_in(account(there, "robin")).post(path)
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert answer.mimetype == "text/csv"
    assert [row["address"] for row in rows] == [f"person{number}@people.example" for number in range(3)]
    assert {row["outcome"] for row in rows} == {"handed over"}
    assert {row["name"] for row in rows} == {"'=1+1"}
    with reading() as session:
        trail = audit.trail(session, there.campaign.coalition_id)
        assert [one.actor for one in trail if one.act == "update.readers_exported"] == ["Robin Vale"]


def test_an_update_is_scheduled_changed_and_taken_off_by_its_pages(signed_in: SignIn) -> None:
    with transaction() as session:
        there = stage(session)
        supporter(session, 1, yes=(there.lead,))
        ident = ready(session, there).id
    robin, here = signed_in(account(there, "robin")), f"/work/{SLUG}/updates/{ident}"
    form = robin.get(f"{here}/departure").text
    assert "In each reader&#39;s morning" in form
    day = (utc_now() + timedelta(days=2)).date().isoformat()
    wrong = robin.get(f"{here}/send", query_string={"when": "moment", "day": day, "clock": ""})
    assert wrong.status_code == 422
    assert "Choose the time at which it leaves." in wrong.text
    assert f'value="{day}"' in wrong.text
    chosen = {"when": "moment", "day": day, "clock": "09:30", "late_hours": "3", "per_hour": "500"}
    assert robin.post(f"{here}/send", data=chosen).status_code == 303
    page = robin.get(here).text
    assert "9:30 AM" in page
    assert "500 an hour" in page
    assert robin.post(f"{here}/speed", data={"per_hour": "100"}).status_code == 303
    assert "100 an hour" in robin.get(here).text
    assert signed_in(account(there, "dana")).post(f"{here}/unschedule").status_code == 403
    assert robin.post(f"{here}/unschedule").status_code == 303
    assert "Choose when and how fast" in robin.get(here).text
    assert robin.post(f"{here}/send", data={"when": "now"}).status_code == 303
    worker.until_idle()
    page = robin.get(here).text
    assert "Handed over in full" in page
    assert "Over time" in page


def test_a_page_that_moves_says_so_to_the_script_and_to_who_has_none(signed_in: SignIn) -> None:
    there, ident = sending(2)
    page = signed_in(account(there, "robin")).get(f"/work/{SLUG}/updates/{ident}").text
    assert 'data-refresh="10"' in page
    assert "Reload for newer numbers" in page
    worker.until_idle()
    with reading() as session:
        assert session.get_one(Broadcast, ident).finished_at is not None
    assert "data-refresh" not in signed_in(account(there, "robin")).get(f"/work/{SLUG}/updates/{ident}").text


def test_subjects_are_written_shown_and_approved_with_the_words(signed_in: SignIn) -> None:
    with transaction() as session:
        there = stage(session)
        ident = ready(session, there).id
    robin, here = signed_in(account(there, "robin")), f"/work/{SLUG}/updates/{ident}"
    assert "First subject" in robin.get(f"{here}/subjects").text
    entry = {"second": "We did it", "third": "", "percent": "10", "hours": "2", "measure": "clicks"}
    assert robin.post(f"{here}/subjects", data=entry).status_code == 303
    page = signed_in(account(there, "dana")).get(here).text
    assert "We did it" in page
    assert "Review and approve" in page
    assert 'value="We did it"' in robin.get(f"{here}/subjects").text
