"""The door of the webhook: whose posts are kept, and what becomes of one that cannot be read."""

from __future__ import annotations

import gzip
import io
import json
import threading
import time
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.mail.models import EmailState
from app.returns import commands, jobs
from app.returns.commands.posts import MOST_ATTEMPTS
from app.returns.models import EventPost, MailEvent, PostState
from app.returns.rules.reading import LARGEST_UNPACKED
from app.returns.rules.signing import TOLERANCE, public_key
from app.returns.views.receiving import LARGEST
from config.settings import Settings, SettingsError
from tests.builders import NOW
from tests.mail.builders import email
from tests.returns.builders import Provider, bounce, count, left, listen, row, written


@pytest.fixture
def provider(app: Flask) -> Provider:
    found = Provider()
    listen(app, found)
    return found


def posts() -> list[EventPost]:
    with reading() as session:
        return list(session.scalars(sa.select(EventPost).order_by(EventPost.id)))


def test_a_signed_post_is_kept_byte_for_byte_and_worked_off_later(client: FlaskClient, provider: Provider) -> None:
    ident, token = left()
    body = written([row("delivered", ident, token)])

    assert provider.post(client, body) == 204

    assert email(ident).state is EmailState.ACCEPTED
    with reading() as session:
        assert session.scalars(sa.select(EventPost.body)).all() == [body]
    assert jobs.work_off() == 1
    assert jobs.work_off() == 0
    assert email(ident).state is EmailState.DELIVERED
    assert [(post.state, post.events) for post in posts()] == [(PostState.DONE, 1)]


def test_without_a_key_there_is_no_such_page(client: FlaskClient) -> None:
    assert Provider().post(client, [row("delivered", 1, "a1")]) == 404


@pytest.mark.parametrize(
    "trick", ["another key", "another body", "another time", "no signature", "nonsense", "no time"]
)
def test_a_forged_post_is_refused_without_a_word_and_not_kept(
    client: FlaskClient, provider: Provider, trick: str
) -> None:
    body = written([bounce(1, "a1")])
    headers = (Provider() if trick == "another key" else provider).headers(body)
    signature, stamp = list(headers)[:2]
    if trick == "another time":
        headers[stamp] = str(int(headers[stamp]) + 1)
    if trick in {"no signature", "nonsense"}:
        headers[signature] = {"no signature": "", "nonsense": "ée;=="}[trick]
    if trick == "no time":
        del headers[stamp]

    answer = client.post(
        "/webhooks/sendgrid/events", data=body + b" " if trick == "another body" else body, headers=headers
    )

    assert (answer.status_code, answer.data) == (403, b"")
    assert count(EventPost) == 0


@pytest.mark.parametrize(
    ("off", "status"), [(-1.1, 403), (-0.9, 204), (0.9, 204), (1.1, 403), (1e12, 403), (-1e12, 403)]
)
def test_a_post_with_a_stale_time_is_refused(client: FlaskClient, provider: Provider, off: float, status: int) -> None:
    at = utc_now().timestamp() + off * TOLERANCE.total_seconds()
    assert provider.post(client, [row("delivered", 1, "a1")], at=at) == status


def test_the_largest_post_is_taken_and_a_larger_one_refused(client: FlaskClient, provider: Provider) -> None:
    assert LARGEST > 768 * 1024
    assert provider.post(client, b"[" + b" " * (768 * 1024) + b"]") == 204
    assert provider.post(client, b"[" + b" " * LARGEST + b"]") == 413
    assert count(EventPost) == 1


@pytest.mark.parametrize("key", ["nonsense", "MFkw", "TUZrd0V3WUhLb1pJemowQ0FRWUlLb1pJemowREFRY0RRZ0FF"])
def test_a_wrong_key_stops_the_start_with_a_sentence(key: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({"SENDGRID_WEBHOOK_KEY": key})
    assert "copy" in refused.value.problems["SENDGRID_WEBHOOK_KEY"]
    with pytest.raises(ValueError, match="copy"):
        public_key(key)


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"event": "bounce"}', b"\xff\xfe", b'"' + b"x" * 10, b"[" * 100_000, b"[1e999"]
)
def test_a_post_that_cannot_be_read_is_kept_and_not_tried_again(
    client: FlaskClient, provider: Provider, body: bytes
) -> None:
    assert provider.post(client, body) == 204
    ident, token = left()
    provider.post(client, [row("delivered", ident, token)])

    while jobs.work_off():
        pass

    failed, good = posts()
    assert (failed.state, good.state) == (PostState.FAILED, PostState.DONE)
    assert failed.last_error is not None
    assert failed.last_error.startswith("The post is no")
    assert email(ident).state is EmailState.DELIVERED


def test_odd_reports_among_good_ones_are_ignored(client: FlaskClient, provider: Provider) -> None:
    ident, token = left()
    odd: list[object] = [
        *(None, 7, "bounce", [], {}, {"event": 5}, {"event": "delivered"}, row("account_status_change")),
        *(row("delivered", 10**17, "a1"), row("delivered", undersigned_email="9" * 400, undersigned_attempt=token)),
        *(row("delivered", undersigned_email="٤", undersigned_attempt=token), row("bounce", email="no address")),
        row("delivered", undersigned_email=True, undersigned_attempt=token),
    ]
    strange = bounce(ident, token, reason="a\x00b \ud800 " + "x" * 5000, timestamp=1e300, sg_event_id="\x00" * 500)
    provider.post(client, [*odd, strange])

    assert jobs.work_off() == 1

    assert email(ident).state is EmailState.BOUNCED
    assert [post.events for post in posts()] == [len(odd) + 1]
    assert count(MailEvent) == 1


def among(ident: int, token: str, odd: bytes) -> bytes:
    """A good report with an odd one before it."""
    return b"[" + odd + b"," + json.dumps(row("delivered", ident, token)).encode() + b"]"


@pytest.mark.parametrize(
    "odd",
    [
        b'{"event":"bounce","email":"a@b.example","x":' + b"[" * 700 + b"]" * 700 + b"}",
        b'{"event":"bounce","email":"a@b.example","timestamp":' + b"9" * 5_000 + b"}",
        b'{"event":"delivered","undersigned_email":"1","undersigned_attempt":"a\\u0000b","sg_event_id":"o1"}',
        b'{"event":"delivered","undersigned_reader":"1","undersigned_attempt":"\\ud800","sg_event_id":"o2"}',
        b'{"event":"delivered","undersigned_reader":"1","undersigned_attempt":"no such","sg_event_id":"o3"}',
        b'{"event":"bounce","email":"\\ud800@b.example"}',
        b'{"event":"bounce","email":"\xff\xfe@b.example","reason":"\xff"}',
        b'{"event":"open","useragent":"\xc3\x28"}',
        b'{"event":"a new kind of event"}',
        b'{"event":NaN,"timestamp":-Infinity}',
    ],
)
def test_one_odd_report_costs_none_of_those_beside_it(client: FlaskClient, provider: Provider, odd: bytes) -> None:
    ident, token = left()

    assert provider.post(client, among(ident, token, odd)) == 204
    assert jobs.work_off() == 1

    assert email(ident).state is EmailState.DELIVERED
    assert [(post.state, post.events) for post in posts()] == [(PostState.DONE, 2)]


def test_numbers_may_be_written_as_words_and_words_as_numbers(client: FlaskClient, provider: Provider) -> None:
    ident, token = left()
    moment = int(utc_now().timestamp())
    provider.post(client, [row("delivered", undersigned_email=ident, undersigned_attempt=token, timestamp=str(moment))])

    assert jobs.work_off() == 1

    assert email(ident).state is EmailState.DELIVERED
    with reading() as session:
        assert [int(at.timestamp()) for at in session.scalars(sa.select(MailEvent.at))] == [moment]


def test_a_packed_post_is_unpacked_and_one_that_swells_is_put_aside(client: FlaskClient, provider: Provider) -> None:
    ident, token = left()
    assert provider.post(client, gzip.compress(b"[" + b" " * LARGEST_UNPACKED + b"]")) == 204
    assert provider.post(client, gzip.compress(written([row("delivered", ident, token)]))[:-4]) == 204
    assert provider.post(client, gzip.compress(written([row("delivered", ident, token)]))) == 204

    while jobs.work_off():
        pass

    assert [post.state for post in posts()] == [PostState.FAILED, PostState.FAILED, PostState.DONE]
    assert email(ident).state is EmailState.DELIVERED


def test_a_post_of_ten_thousand_reports_is_worked_off_whole(client: FlaskClient, provider: Provider) -> None:
    ident, token = left()
    small = [{"event": "open", "sg_event_id": str(number)} for number in range(9_999)]
    assert provider.post(client, [*small, row("delivered", ident, token)]) == 204

    assert jobs.work_off() == 1

    assert [(post.state, post.events) for post in posts()] == [(PostState.DONE, 10_000)]
    assert email(ident).state is EmailState.DELIVERED


def test_a_replayed_post_changes_nothing_and_an_old_one_is_refused(client: FlaskClient, provider: Provider) -> None:
    ident, token = left()
    body = written([bounce(ident, token)])
    headers = provider.headers(body)
    path = "/webhooks/sendgrid/events"
    assert [client.post(path, data=body, headers=headers).status_code for _ in range(3)] == [204] * 3

    while jobs.work_off():
        pass

    assert count(MailEvent) == 1
    assert provider.post(client, body, at=time.time() - 3600) == 403
    assert len(posts()) == 1
    assert provider.post(client, body, at=time.time() + 1) == 204, "repeated by the provider, signed anew"
    assert jobs.work_off() == 0
    assert provider.post(client, body + b" ") == 204
    assert len(posts()) == 2


def test_a_post_that_comes_at_once_to_many_is_kept_once(app: Flask, provider: Provider) -> None:
    ident, token = left()
    body = written([bounce(ident, token)])
    headers = provider.headers(body)
    start, answers = threading.Barrier(6), list[int]()

    def post() -> None:
        browser = app.test_client()
        start.wait()
        answers.append(browser.post("/webhooks/sendgrid/events", data=body, headers=headers).status_code)

    threads = [threading.Thread(target=post) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [204] * 6
    assert len(posts()) == 1
    while jobs.work_off():
        pass
    assert count(MailEvent) == 1


def test_a_post_that_failed_is_not_tried_again_by_its_repetition(client: FlaskClient, provider: Provider) -> None:
    assert provider.post(client, b"<script>") == 204
    while jobs.work_off():
        pass
    assert provider.post(client, b"<script>") == 204
    assert [one.state for one in posts()] == [PostState.FAILED]


def test_the_largest_post_is_answered_at_once_and_so_is_its_repetition(client: FlaskClient, provider: Provider) -> None:
    body = b"[" + b" " * (768 * 1024) + b"]"
    for _ in range(2):
        fastest = min(_seconds(client, body, provider) for _ in range(5))
        assert fastest < 0.1


def _seconds(client: FlaskClient, body: bytes, provider: Provider) -> float:
    headers = provider.headers(body)
    started = time.perf_counter()
    assert client.post("/webhooks/sendgrid/events", data=body, headers=headers).status_code == 204
    return time.perf_counter() - started


def test_a_post_that_is_too_large_is_refused_before_it_is_read(client: FlaskClient, provider: Provider) -> None:
    class Unread(io.BytesIO):
        def read(self, *_size: int | None) -> bytes:
            raise AssertionError("it was read")

    length = {"CONTENT_LENGTH": str(10**12), "wsgi.input": Unread()}
    headers = provider.headers(b"x")
    answer = client.post("/webhooks/sendgrid/events", headers=headers, environ_overrides=length)

    assert answer.status_code == 413
    assert posts() == []


def test_a_post_that_breaks_the_worker_again_and_again_is_put_aside_and_the_others_go_on(database: Flask) -> None:
    with transaction() as session:
        assert commands.keep_post(session, b"[]", now=NOW)
        assert commands.keep_post(session, b"[ ]", now=NOW)
    bad, good = (post.id for post in posts())
    with transaction() as session:
        assert [claim.post_id for claim in commands.take_posts(session, now=NOW)] == [bad, good]

    moment, done = NOW, False
    for _ in range(MOST_ATTEMPTS * 2):
        moment += timedelta(minutes=3)
        with transaction() as session:
            claims = commands.take_posts(session, now=moment)
            assert len(claims) <= 1
            if [claim.post_id for claim in claims] == [good]:
                commands.settle_posts(session, claims, {good: 0})
                done = True

    assert done
    assert [(post.id, post.state) for post in posts()] == [(bad, PostState.FAILED), (good, PostState.DONE)]
    assert "broke" in (posts()[0].last_error or "")


def test_old_posts_and_reports_are_forgotten_and_failed_posts_stay(database: Flask) -> None:
    ident, _ = left()
    old = utc_now() - timedelta(days=100)
    with transaction() as session:
        for state in PostState:
            session.add(EventPost(body=b"[]", received_at=old, try_after=old, state=state))
        session.add(EventPost(body=b"[]", received_at=utc_now(), try_after=utc_now(), state=PostState.DONE))
        for name, at in (("old", old), ("new", utc_now())):
            session.add(MailEvent(event_id=name, kind="delivered", at=at, heard_at=at, email_id=ident))

    while jobs.forget_old():
        pass

    assert [post.state for post in posts()] == [PostState.WAITING, PostState.FAILED, PostState.DONE]
    assert count(MailEvent) == 1
