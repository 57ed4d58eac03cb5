"""When an update leaves, how it goes and which subject won, in a real browser; and a visit counted once."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from playwright.sync_api import Page, expect

from app.accounts.models import Account
from app.broadcasts import commands, jobs
from app.broadcasts.models import Broadcast, BroadcastState, ComparedSubject, Comparison, Departure
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.mailings.models import BatchState, Mailing, MailingBatch, MailingMoment, MailingState
from tests import builders
from tests.broadcasts.builders import ready, stage, supporter
from tests.browser import looks

OpenPage = Callable[..., Page]
HERE = "/work/coalition-for-open-faces/updates"


def scene(readers: int = 1, **departing: object) -> tuple[int, int, Account]:
    """Two approved updates, of which the first compares subjects; their ids, and who may send them."""
    with transaction() as session:
        there = stage(session)
        for number in range(readers):
            supporter(session, number, yes=(there.lead,))
        first, second = ready(session, there), ready(session, there)
        commands.compare(session, first, commands.Compared(second="We did it"), by=there.robin, now=utc_now())
        commands.approve(session, first, first.version, by=there.dana, now=utc_now())
        if departing:
            entry = commands.Departing.model_validate(departing)
            commands.depart(session, second, entry, by=there.robin, now=utc_now())
        return first.id, second.id, session.get_one(Account, there.robin.account_id)


def drawn(ident: int) -> None:
    """Half an hour of an update that is being sent."""
    with transaction() as session:
        mailing_id = session.get_one(Broadcast, ident).mailing_id
        session.execute(sa.delete(MailingMoment))
        start = int(utc_now().timestamp()) // 60 - 30
        for place in range(31):
            handed = 40 * place
            values = {"planned": 1300, "handed_over": handed, "delivered": handed * 9 // 10, "bounced": handed // 30}
            rest = {"complained": place // 10, "left": place // 3, "unknown": 0}
            session.add(MailingMoment(mailing_id=mailing_id, minute=start + place, **values, **rest))


def keep(page: Page, name: str) -> None:
    """Screenshots in both widths and lights, where ``SCREENSHOTS`` names a folder."""
    folder = os.environ.get("SCREENSHOTS")
    for width, dark in ((390, False), (390, True), (1280, False), (1280, True)):
        if folder:
            page.set_viewport_size({"width": width, "height": 844})
            page.emulate_media(color_scheme="dark" if dark else "light")
            page.screenshot(path=Path(folder) / f"{name}-{width}-{'dark' if dark else 'light'}.png", full_page=True)


def test_the_pages_of_leaving_are_accessible_in_every_light(open_page: OpenPage) -> None:
    day = (utc_now() + timedelta(days=3)).date().isoformat()
    first, second, robin = scene(readers=300, when="morning", day=day, hour=9, per_hour=100)
    page = open_page(f"{HERE}/{second}", by=robin)
    found: dict[str, list[str]] = {}

    def look(path: str, name: str) -> None:
        page.goto(path)
        if faults := looks.faults(page):
            found[name] = faults
        keep(page, name)

    look(f"{HERE}/{second}", "scheduled")
    look(f"{HERE}/{first}", "approved")
    look(f"{HERE}/{first}/send", "review")
    with transaction() as session:
        commands.send(session, session.get_one(Broadcast, first), by=builders.actor(robin), now=utc_now())
    while jobs.plan():
        pass
    drawn(first)
    look(f"{HERE}/{first}", "sending")
    look(f"{HERE}/{first}/stop", "review-stop")
    with transaction() as session:
        comparison = session.scalars(sa.select(Comparison)).one()
        comparison.open_since, comparison.reason = utc_now(), "Too close to tell: 31 against 28 may be chance."
    look(f"{HERE}/{first}", "choosing")
    look(f"{HERE}/{first}/subjects/choose?variant=1", "review-choice")
    with transaction() as session:
        commands.unschedule(session, session.get_one(Broadcast, second), by=builders.actor(robin), now=utc_now())
    look(f"{HERE}/{second}/departure", "departure")
    look(f"{HERE}/{second}/send?when=morning&day={day}&hour=9&late_hours=6&per_hour=100", "review-morning")
    look(f"{HERE}/{second}/subjects", "subjects")
    with transaction() as session:
        commands.stop(session, session.get_one(Broadcast, first), by=builders.actor(robin), now=utc_now())
        session.execute(sa.update(Mailing).values(recalled_at=utc_now(), recall_id="B1"))
    look(f"{HERE}/{first}", "stopped")
    with transaction() as session:
        session.execute(sa.update(Broadcast).values(state=BroadcastState.SENDING, finished_at=None))
        batch = session.scalars(sa.select(MailingBatch).limit(1)).one()
        batch.state, batch.submitted_at, batch.last_error = BatchState.UNKNOWN, utc_now(), "SendGrid did not answer."
    look(f"{HERE}/{first}/unknown/resend", "review-resend")
    with transaction() as session:
        session.add(Departure(broadcast_id=first, day=utc_now().date(), hour=9, late_hours=6))
        session.execute(sa.update(Mailing).values(state=MailingState.LATE))
        ages_ago = utc_now() - timedelta(hours=3)
        session.execute(sa.update(MailingBatch).values(state=BatchState.QUEUED, not_after=ages_ago))
    look(f"{HERE}/{first}", "late")
    look(f"{HERE}/{first}/late", "review-late")
    assert found == {}


def test_sending_and_stopping_need_no_script_and_no_mouse(open_page: OpenPage) -> None:
    first, second, robin = scene(readers=3)
    page = open_page(f"{HERE}/{second}", by=robin, scripts=False, phone=True)
    page.get_by_role("link", name="Review and send to 3 people").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Review before sending")
    page.get_by_role("button", name="Send to 3 people now").press("Enter")
    expect(page.locator("main")).to_contain_text("Sending.")
    page.get_by_role("link", name="Stop for good").press("Enter")
    expect(page.locator("main")).to_contain_text("3 people who have not got it never get it.")
    page.get_by_role("button", name="Stop for good").press("Enter")
    expect(page.locator("main")).to_contain_text("0 were handed over before; 3 never got it.")
    assert first != second


def test_numbers_that_change_appear_without_a_reload(open_page: OpenPage) -> None:
    _, second, robin = scene(readers=2, when="now")
    while jobs.plan():
        pass
    page = open_page(f"{HERE}/{second}", by=robin)
    page.clock.install()
    page.reload()
    part = page.locator("#progress-now")
    expect(part).to_contain_text("Waiting 2")
    expect(part.get_by_text("Reload for newer numbers")).to_be_hidden()
    drawn(second)
    page.clock.run_for(11_000)
    expect(part).to_contain_text("Over time")


def test_a_visit_by_a_marked_link_is_counted_once_and_leaves_no_mark(open_page: OpenPage) -> None:
    scene()
    with reading() as session:
        code = session.scalars(sa.select(ComparedSubject.code).order_by(ComparedSubject.variant.desc())).first()
    page = open_page("/")
    with page.expect_response("**/visits"):
        page.goto(f"/?via={code}")
    assert page.url.endswith("/")
    page.reload()
    with reading() as session:
        visits = session.scalars(sa.select(ComparedSubject.visits).order_by(ComparedSubject.variant)).all()
    assert visits == [0, 1]
    assert page.context.cookies() == []
