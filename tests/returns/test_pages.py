"""The operator's pages about what came back."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.core.audit import AuditEntry
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.mail import outbox
from app.mail.models import Suppression
from app.mailings.models import BatchState
from app.returns import commands, jobs
from app.returns.models import EventPost, ListPull, PostState, Telling
from tests.builders import NOW, account, organization
from tests.mailings.builders import changed, planned, readers
from tests.returns.builders import Provider, bounce, hear, left, listen, mailed, read_row, row, stopped, written
from tests.returns.test_hearing import heard

SignIn = Callable[[Account], FlaskClient]


@pytest.fixture
def operator(database: Flask, signed_in: SignIn) -> FlaskClient:
    with transaction() as session:
        person = account(session)
        person.is_operator = True
    return signed_in(person)


def suppression(address: str = "mina@example.org", *, stream: str = "", reason: str = "bounce") -> int:
    with transaction() as session:
        outbox.suppress(session, address, stream=stream, reason=reason, now=NOW)
        found = session.scalars(
            sa.select(Suppression.id).where(Suppression.address == address, Suppression.stream == stream)
        )
        return found.one()


def failed_post(body: bytes = b"<script>") -> int:
    with transaction() as session:
        assert commands.keep_post(session, body, now=utc_now())
        ident = session.scalars(sa.select(EventPost.id).order_by(EventPost.id.desc())).first()
    while jobs.work_off():
        pass
    assert ident is not None
    return ident


def test_the_pages_are_for_operators_only(database: Flask, signed_in: SignIn) -> None:
    ident, post = suppression(), failed_post()
    with transaction() as session:
        browser = signed_in(account(session))
    for path in ("returns", f"returns/posts/{post}", "suppressions", f"suppressions/{ident}"):
        assert browser.get(f"/operator/{path}").status_code == 404
    for path in (f"returns/posts/{post}/retry", f"suppressions/{ident}/lift"):
        assert browser.post(f"/operator/{path}", data={"reason": "Because I say so."}).status_code == 404
    assert stopped() == {("", "bounce")}


def test_a_page_without_anything_says_what_will_stand_there(operator: FlaskClient) -> None:
    shown = operator.get("/operator/returns").text
    assert "Nothing came back" in shown
    assert "SENDGRID_WEBHOOK_KEY is not set" in shown
    assert "No report was heard in the last 24 hours." in operator.get("/operator/returns").text
    assert "Letters go to everybody" in operator.get("/operator/suppressions").text


def test_an_operator_sees_what_came_back_and_what_was_done(database: Flask, operator: FlaskClient) -> None:
    listen(database, Provider())
    ident, token = left(from_name="Fight for the Future")
    readers, _ = mailed(["ewa@example.org", "tane@example.org"])
    hear(
        *heard(
            bounce(ident, token),
            row("delivered", ident, token),
            read_row("bounce", readers[0], type="blocked", reason="550 blocked <b>by us</b>"),
            read_row("spamreport", readers[1]),
        )
    )

    shown = operator.get("/operator/returns").text

    assert "SENDGRID_WEBHOOK_KEY" not in shown
    words = re.sub(r"<[^>]+>|\s+", " ", shown)
    for sentence in (
        "There is no such mailbox.",
        "No letter goes there any more.",
        "the reader is not at fault",
        "Nothing was stopped.",
        "The reader reported it as spam.",
        "Stopped at once: that sender’s updates",
        "Letters refused for their sender",
    ):
        assert sentence in words
    for address in ("mina@example.org", "ewa@example.org", "tane@example.org"):
        assert address in shown
    assert "&lt;b&gt;by us" in shown
    assert shown.count("<rect") >= 4


def test_reports_are_drawn_by_hour_for_a_day(database: Flask, operator: FlaskClient) -> None:
    ident, token = left()
    for hours in (0, 3, 30):
        hear(*heard(row("delivered", ident, token)), now=utc_now() - timedelta(hours=hours))
    shown = operator.get("/operator/returns").text
    table = shown.partition("Reports by hour (UTC)</caption>")[2].partition("</table>")[0]
    assert table.count("<td>Delivered</td>") == 2


def test_the_newest_come_first_and_older_ones_are_a_page_away(operator: FlaskClient) -> None:
    for number in range(60):
        ident, token = left(f"letter:{number}", to=f"reader{number}@example.org")
        hear(*heard(bounce(ident, token)))
    first = operator.get("/operator/returns").text
    assert "reader59@" in first
    assert "reader9@" not in first
    older = re.search(r'href="(\?before=\d+)"', first)
    assert older is not None
    assert "reader9@" in operator.get(f"/operator/returns{older[1]}").text


def test_a_failed_post_is_shown_kept_to_look_into_and_tried_again(operator: FlaskClient) -> None:
    post = failed_post()
    shown = operator.get("/operator/returns").text
    assert "The post is no JSON" in shown

    file = operator.get(f"/operator/returns/posts/{post}")
    assert file.data == b"<script>"
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert file.headers["Content-Type"] == "application/octet-stream"

    with transaction() as session:  # as a mended program would read it
        session.execute(sa.update(EventPost).values(body=written([])))
    assert operator.post(f"/operator/returns/posts/{post}/retry").status_code == 303
    assert jobs.work_off() == 1
    with reading() as session:
        assert session.scalars(sa.select(EventPost.state)).all() == [PostState.DONE]
    assert operator.post(f"/operator/returns/posts/{post}/retry").status_code == 409
    assert operator.get("/operator/returns/posts/999").status_code == 404


def test_a_list_that_could_not_be_read_is_told(operator: FlaskClient) -> None:
    with transaction() as session:
        session.add(ListPull(name="spam_reports", until=NOW, try_after=NOW, last_error="SendGrid said 403 when asked."))
    assert "The list “spam reports” could not be read" in operator.get("/operator/returns").text


def test_what_the_provider_has_yet_to_be_told_is_shown_with_what_is_in_the_way(operator: FlaskClient) -> None:
    assert "yet to be told" not in operator.get("/operator/returns").text
    with transaction() as session:
        for address, stopped, error in (("a@example.org", True, "SendGrid said 403."), ("b@example.org", False, None)):
            session.add(Telling(address=address, stopped=stopped, asked_at=NOW, try_after=NOW, last_error=error))
    page = operator.get("/operator/returns").text
    assert "The mail provider has yet to be told" in page
    assert "SendGrid said 403. It is tried again" in page
    assert "a@example.org" not in page


def test_who_left_a_sender_is_listed_with_the_sender_s_name(operator: FlaskClient) -> None:
    with transaction() as session:
        sender = organization(session, name="Northwest Privacy Alliance").id
    ident = suppression(stream=f"updates:{sender}", reason="left")
    suppression(stream="updates:99999", reason="left")
    shown = operator.get("/operator/suppressions").text
    assert "Updates from Northwest Privacy Alliance" in shown
    assert f"updates:{sender}" not in shown
    assert "A sender that is gone (updates:99999)" in shown
    assert "Updates from Northwest Privacy Alliance" in operator.get(f"/operator/suppressions/{ident}").text


def test_what_came_back_of_an_update_is_named_as_its_readers_got_it(database: Flask, signed_in: SignIn) -> None:
    ident = planned(1)
    with transaction() as session:
        somebody = account(session, email="operator@host.example")
        somebody.is_operator = True
    changed(ident, state=BatchState.ACCEPTED, attempt_token="b1", submitted_at=utc_now(), accepted_at=utc_now())
    (reader,) = readers(ident)
    hear(*heard(read_row("bounce", reader.id, type="bounce", reason="550 no such user")))
    shown = signed_in(somebody).get("/operator/returns").text
    assert f'{reader.address}<span class="table-sub">friend, it went out</span>' in shown


def test_addresses_are_found_by_a_part_and_one_letters_stops_are_left_out(operator: FlaskClient) -> None:
    suppression("mina@example.org")
    suppression("100%@example.org", stream="updates:7", reason="left")
    suppression("hidden@example.org", stream="letter:5", reason="taken back")
    everything = operator.get("/operator/suppressions").text
    assert "mina@" in everything
    assert "hidden@" not in everything
    assert "mina@" in operator.get("/operator/suppressions?q=MINA").text
    assert "mina@" not in operator.get("/operator/suppressions?q=%25@").text.partition("<table")[2]
    assert "No address holds" in operator.get("/operator/suppressions?q=nobody").text


def test_letting_letters_go_again_asks_for_a_reason_and_keeps_it(operator: FlaskClient) -> None:
    ident = suppression()
    refused = operator.post(f"/operator/suppressions/{ident}/lift", data={"reason": "So."})
    assert refused.status_code == 422
    assert "at least 5 characters" in refused.text
    assert 'value="So."' in refused.text

    answer = operator.post(f"/operator/suppressions/{ident}/lift", data={"reason": "Ann called."})

    assert answer.status_code == 303
    assert stopped() == set()
    with reading() as session:
        entry = session.scalars(sa.select(AuditEntry)).one()
    assert (entry.act, entry.actor) == ("suppression.lifted", "Robin Vale")
    assert entry.detail == {"domain": "example.org", "stopped_by": "bounce", "reason": "Ann called."}


def test_a_lifted_address_does_not_stop_again_for_what_came_before(operator: FlaskClient) -> None:
    full = {"bounce_classification": "Mailbox Unavailable", "status": "5.2.2"}
    for number in range(3):
        ident, token = left(f"letter:{number}")
        hear(*heard(bounce(ident, token, **full)))
    with reading() as session:
        found = session.scalars(sa.select(Suppression.id)).one()
    operator.post(f"/operator/suppressions/{found}/lift", data={"reason": "Ann emptied her mailbox."})
    ident, token = left("letter:again")
    hear(*heard(bounce(ident, token, **full)))
    assert stopped() == set()


@pytest.mark.parametrize(("stream", "reason"), [("updates:7", "left"), ("updates:7", "complaint")])
def test_an_operator_cannot_undo_that_somebody_left_a_sender(operator: FlaskClient, stream: str, reason: str) -> None:
    ident = suppression(stream=stream, reason=reason)
    page = operator.get(f"/operator/suppressions/{ident}")
    assert "Only they can ask" in page.text
    assert "/lift" not in page.text
    assert operator.post(f"/operator/suppressions/{ident}/lift", data={"reason": "Because."}).status_code == 409
    assert stopped() == {(stream, reason)}
