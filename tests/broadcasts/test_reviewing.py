"""Acts that bind are looked at on a screen of their own before they are done: sending, stopping, sending again."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.broadcasts import commands, jobs, queries
from app.broadcasts.models import Broadcast, BroadcastState
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import Conflict
from app.jobs import worker
from app.mail import jobs as post_office
from app.mail import outbox
from app.mail.transports import OutcomeUnknown
from app.mailings import jobs as mailings
from tests.broadcasts.builders import Stage, ready, stage, supporter
from tests.broadcasts.provider import provider
from tests.mail.builders import Scripted

SignIn = Callable[[Account], FlaskClient]
SLUG = "coalition-for-open-faces"


def scene(readers: int = 3) -> tuple[Stage, int, str]:
    """An approved update; its id and its page."""
    with transaction() as session:
        there = stage(session)
        for number in range(readers):
            supporter(session, number, yes=(there.lead,))
        ident = ready(session, there).id
    return there, ident, f"/work/{SLUG}/updates/{ident}"


def robin(there: Stage, signed_in: SignIn) -> FlaskClient:
    with reading() as session:
        return signed_in(session.get_one(Account, there.robin.account_id))


def state(ident: int) -> BroadcastState:
    with reading() as session:
        return session.get_one(Broadcast, ident).state


def fields(page: str, action: str) -> dict[str, str]:
    """What a form that leads there carries."""
    form = re.search(rf'<form[^>]*action="{action}".*?</form>', page, re.DOTALL)
    assert form, f"no form leads to {action}"
    return dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form[0]))


def test_sending_takes_a_screen_that_says_everything_and_changes_nothing(signed_in: SignIn) -> None:
    there, ident, here = scene()
    with transaction() as session:
        outbox.suppress(session, "person1@people.example", stream="", reason="bounce: no such mailbox", now=utc_now())
    browser = robin(there, signed_in)
    assert f'action="{here}/send"' not in browser.get(here).text
    assert f'href="{here}/send"' in browser.get(here).text
    page = browser.get(f"{here}/send").text
    for said in (
        "Ewa, it went out",
        "Fight for the Future",
        "Dana Ortiz of American Civil Liberties Union, <time",
        "<strong>2 readers</strong> of 3",
        "One person cannot be reached: letters to their address came back.",
        "As fast as it goes",
        "cannot be brought back",
        "Send to 2 people now",
        f'href="{here}/preview"',
    ):
        assert said in page, said
    assert state(ident) is BroadcastState.APPROVED
    assert browser.post(f"{here}/send", data=fields(page, f"{here}/send")).status_code == 303
    assert state(ident) is BroadcastState.SENDING
    assert "Send to" not in browser.get(f"{here}/send").text


def test_a_chosen_time_is_reviewed_before_the_update_is_scheduled(signed_in: SignIn) -> None:
    there, ident, here = scene()
    browser = robin(there, signed_in)
    assert re.search(rf'<form[^>]*action="{here}/send" method="get"', browser.get(f"{here}/departure").text)
    day = (utc_now() + timedelta(days=2)).date().isoformat()
    chosen = {"when": "moment", "day": day, "clock": "09:30", "late_hours": "3", "per_hour": "500"}
    page = browser.get(f"{here}/send", query_string=chosen).text
    assert "9:30 AM" in page
    assert "500 an hour" in page
    assert "for 3 hours after that, it is not sent" in page
    assert "Schedule it for 3 people" in page
    carried = fields(page, f"{here}/send")
    assert {name: carried[name] for name in chosen} == chosen
    back = re.search(r'href="([^"]+/departure\?[^"]+)"', page)
    assert back
    assert 'value="09:30"' in browser.get(back[1].replace("&amp;", "&")).text
    assert state(ident) is BroadcastState.APPROVED
    assert browser.post(f"{here}/send", data=carried).status_code == 303
    assert state(ident) is BroadcastState.SCHEDULED


def test_words_that_changed_behind_the_screen_are_not_sent(signed_in: SignIn) -> None:
    there, ident, here = scene()
    browser = robin(there, signed_in)
    carried = fields(browser.get(f"{here}/send").text, f"{here}/send")
    with transaction() as session:
        update = session.get_one(Broadcast, ident)
        entry = commands.NewBroadcast(subject="Other words", body="Hello.", organization_id=there.lead.id)
        commands.edit(session, update, entry, by=there.robin)
        commands.approve(session, update, update.version, by=there.dana, now=utc_now())
    refused = browser.post(f"{here}/send", data=carried)
    assert refused.status_code == 409
    assert "The words changed while you looked at them. Nothing was sent" in refused.text
    assert state(ident) is BroadcastState.APPROVED


def test_only_who_writes_for_the_sender_reviews_and_a_draft_is_refused(signed_in: SignIn) -> None:
    there, ident, here = scene()
    with reading() as session:
        dana = session.get_one(Account, there.dana.account_id)
    for act in ("send", "stop", "unknown/resend"):
        assert signed_in(dana).get(f"{here}/{act}").status_code == 403
    with transaction() as session:
        update = session.get_one(Broadcast, ident)
        entry = commands.NewBroadcast(subject="New", body="Hello.", organization_id=there.lead.id)
        commands.edit(session, update, entry, by=there.robin)
    browser = robin(there, signed_in)
    page = browser.get(f"{here}/send").text
    assert "These words have not been approved." in page
    assert f'action="{here}/send"' not in page
    assert "there is nothing to stop" in browser.get(f"{here}/stop").text
    assert "There is nothing to send again." in browser.get(f"{here}/unknown/resend").text


def test_when_it_leaves_is_asked_only_of_what_may_leave(signed_in: SignIn) -> None:
    there, ident, here = scene()
    browser = robin(there, signed_in)
    day = (utc_now() + timedelta(days=2)).date().isoformat()
    chosen = {"when": "moment", "day": day, "clock": "09:30", "version": "1"}
    assert browser.post(f"{here}/send", data=chosen).status_code == 303
    page = browser.get(f"{here}/departure").text
    assert "Take it off that time first" in page
    assert 'name="when"' not in page
    assert browser.post(f"{here}/unschedule").status_code == 303
    assert 'name="when"' in browser.get(f"{here}/departure").text
    with transaction() as session:
        entry = commands.NewBroadcast(subject="New", body="Hello.", organization_id=there.lead.id)
        commands.edit(session, session.get_one(Broadcast, ident), entry, by=there.robin)
    page = browser.get(f"{here}/departure").text
    assert "These words have not been approved. Ask a second person to approve them, then send." in page
    assert f'<a href="{here}">See what it still needs</a>' in page
    assert 'name="when"' not in page
    refused = browser.post(f"{here}/send", data=chosen)
    assert refused.status_code == 409
    assert refused.text.count("These words have not been approved.") == 1


def test_approving_takes_a_screen_with_the_words_the_readers_and_what_was_found(signed_in: SignIn) -> None:
    there, ident, here = scene()
    with transaction() as session:
        entry = commands.NewBroadcast(
            subject="Hello, {given_name}", body="Read [this](https://bit.ly/abc).", organization_id=there.lead.id
        )
        commands.edit(session, session.get_one(Broadcast, ident), entry, by=there.robin)
        dana = session.get_one(Account, there.dana.account_id)
    reader = signed_in(dana)
    page = reader.get(f"{here}/approve").text
    assert "hides where it leads" in page
    assert "It cannot be approved before the mistake above is mended." in page
    assert "Approve these words" not in page
    with transaction() as session:
        good = entry.model_copy(update={"body": "The council votes on Monday."})
        commands.edit(session, session.get_one(Broadcast, ident), good, by=there.robin)
    assert "Somebody other than its author" in robin(there, signed_in).get(f"{here}/approve").text
    page = reader.get(f"{here}/approve").text
    for said in ("Nothing is approved yet", "version 3", "Hello, Ewa", "<strong>3 readers</strong> of 3", "Robin"):
        assert said in page, said
    assert state(ident) is BroadcastState.DRAFT
    assert "Ewa" in reader.get(f"{here}/preview/html?as=ewa").text
    assert reader.post(f"{here}/approve", data=fields(page, f"{here}/approve")).status_code == 303
    assert state(ident) is BroadcastState.APPROVED
    assert "only a draft can be approved" in reader.get(f"{here}/approve").text


def test_stopping_takes_a_screen_and_afterwards_the_page_says_who_never_got_it(
    signed_in: SignIn, database: Flask
) -> None:
    with provider() as other_end:
        there, ident, here = scene(readers=5)
        other_end.transport()
        with transaction() as session:
            commands.send(session, session.get_one(Broadcast, ident), by=there.robin, now=utc_now())
        while jobs.plan():
            pass
        assert mailings.send() == 1
        browser = robin(there, signed_in)
        assert f'action="{here}/stop"' not in browser.get(here).text
        page = browser.get(f"{here}/stop").text
        assert "<b>3 people</b> who have not got it never get it." in page
        assert "2 people have it already" in page
        assert "a stopped one never goes on" in page
        assert "Pause instead" in page
        assert state(ident) is BroadcastState.SENDING
        assert browser.post(f"{here}/stop", data=fields(page, f"{here}/stop")).status_code == 303
        assert "2 were handed over before; 3 never got it." in browser.get(here).text


def test_a_stopped_update_that_held_letters_back_says_how_many_were_called_back(
    signed_in: SignIn, database: Flask
) -> None:
    with provider() as other_end:
        there, ident, here = scene(readers=6)
        other_end.transport(recall_minutes=30)
        browser = robin(there, signed_in)
        assert "The mail provider holds each letter for 30 minutes." in browser.get(f"{here}/send").text
        with transaction() as session:
            commands.send(session, session.get_one(Broadcast, ident), by=there.robin, now=utc_now())
        while jobs.plan():
            pass
        assert [mailings.send() for _ in range(2)] == [1, 1]
        assert "Pausing does not: the 4 it holds now would still leave" in browser.get(here).text
        browser.post(f"{here}/pause")
        paused = browser.get(here).text
        assert "<b>4 letters that the mail provider holds will still leave,</b>" in paused
        assert "Stopping for good calls back all of them" in paused
        page = browser.get(f"{here}/stop").text
        assert "holds the letters of 4 people" in page
        assert "for 4 people that is in time" in page
        assert "Nobody has it yet." in page
        browser.post(f"{here}/stop")
        mailings.call_back()
        assert "0 were handed over before and could not be called back; 2 never got it; 4 were called back." in (
            browser.get(here).text
        )


@pytest.mark.parametrize("sampled", [False, True])
def test_who_was_not_planned_yet_counts_among_those_who_never_got_it(database: Flask, *, sampled: bool) -> None:
    there, ident, _ = scene(readers=300)
    with transaction() as session:
        update = session.get_one(Broadcast, ident)
        if sampled:
            commands.compare(
                session, update, commands.Compared(second="We did it", percent=40), by=there.robin, now=utc_now()
            )
            commands.approve(session, update, update.version, by=there.dana, now=utc_now())
        commands.send(session, update, by=there.robin, now=utc_now())
    if sampled:
        while jobs.plan():
            pass
    with transaction() as session:
        update = session.get_one(Broadcast, ident)
        planned = update.mailing.planned if update.mailing else 0
        assert queries.unplanned(session, update) == 300 - planned
        commands.stop(session, update, by=there.robin, now=utc_now())
        assert update.unplanned == 300 - planned
        assert (planned > 0) is sampled
        assert queries.progress(session, update).stopped == planned


def test_sending_again_takes_a_screen_and_a_stopped_update_is_never_sent_again(
    signed_in: SignIn, database: Flask
) -> None:
    there, ident, here = scene(readers=2)
    with transaction() as session:
        commands.send(session, session.get_one(Broadcast, ident), by=there.robin, now=utc_now())
    post_office.use(Scripted(lambda _letter: OutcomeUnknown("the answer was lost")))
    worker.until_idle()
    browser = robin(there, signed_in)
    assert f'action="{here}/unknown/resend"' not in browser.get(here).text
    page = browser.get(f"{here}/unknown/resend").text
    assert "Whoever has the first one already gets it twice." in page
    assert "the answer was lost" in page
    carried = fields(page, f"{here}/unknown/resend")
    assert carried["letters"] == "2"
    with transaction() as session:
        session.execute(sa.update(Broadcast).values(state=BroadcastState.STOPPED, finished_at=utc_now()))
    with transaction() as session, pytest.raises(Conflict, match="was stopped, so nothing of it is sent again"):
        commands.resend_unknown(session, session.get_one(Broadcast, ident), 2, by=there.robin, now=utc_now())
    assert "Send again" not in browser.get(here).text
    with transaction() as session:
        session.execute(sa.update(Broadcast).values(state=BroadcastState.SENT))
    assert browser.post(f"{here}/unknown/resend", data=carried).status_code == 303


def test_too_few_readers_to_compare_are_said_on_the_screen_and_not_after_it(signed_in: SignIn) -> None:
    there, ident, here = scene(readers=3)
    with transaction() as session:
        update = session.get_one(Broadcast, ident)
        commands.compare(session, update, commands.Compared(second="We did it"), by=there.robin, now=utc_now())
        commands.approve(session, update, update.version, by=there.dana, now=utc_now())
    page = robin(there, signed_in).get(f"{here}/send").text
    assert "too few to compare" in page
    assert f'action="{here}/send"' not in page


def test_choosing_the_subject_of_the_rest_takes_a_screen(signed_in: SignIn, database: Flask) -> None:
    there, ident, here = scene(readers=300)
    with transaction() as session:
        update, entry = session.get_one(Broadcast, ident), commands.Compared(second="We did it", percent=40)
        commands.compare(session, update, entry, by=there.robin, now=utc_now())
        commands.approve(session, update, update.version, by=there.dana, now=utc_now())
        commands.send(session, update, by=there.robin, now=utc_now())
    browser = robin(there, signed_in)
    assert "There is nothing to choose" in browser.get(f"{here}/subjects/choose?variant=1").text
    while jobs.plan():
        pass
    page = browser.get(here).text
    assert f'action="{here}/subjects/choose"' not in page
    assert f'href="{here}/subjects/choose?variant=1"' in page
    with reading() as session:
        update = session.get_one(Broadcast, ident)
        rest = 300 - (update.mailing.planned if update.mailing else 0)
    page = browser.get(f"{here}/subjects/choose?variant=1").text
    assert f"Send this subject to {rest} people" in page
    assert "<b>We did it</b>: 0 visits from" in page
    for unknown in ("2", "-1", "x" * 30):
        assert browser.get(f"{here}/subjects/choose?variant={unknown}").status_code in {200, 404}
    carried = fields(page, f"{here}/subjects/choose")
    assert browser.post(f"{here}/subjects/choose", data=carried).status_code == 303
    with reading() as session:
        comparison = queries.comparison_of(session, session.get_one(Broadcast, ident))
        assert comparison is not None
        assert comparison.winner == 1
    assert "There is nothing to choose" in browser.get(f"{here}/subjects/choose?variant=1").text
