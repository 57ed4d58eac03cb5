"""The door for mail that SendGrid brings: only for who knows the secret, quick, and nothing is lost or changed."""

from __future__ import annotations

import json
import time
import uuid

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import create_app
from app.returns import jobs
from app.returns.models import InboundState, ReplyKind
from app.returns.rules.replies import LARGEST_POST
from config.settings import Settings, SettingsError
from tests.returns.mails import DOMAIN, carried, inbound, mail, replies, reply_address, sent

SECRET = "0123456789abcdef0123"
DOOR = f"/webhooks/sendgrid/inbound/{SECRET}"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"inbound_secret": SECRET, "reply_domain": DOMAIN})


def form(raw: bytes, *, boundary: str = "", sender: str = "official@amazon.example", to: str = "") -> tuple[bytes, str]:
    """What SendGrid posts with "send raw", and its content type."""
    boundary = boundary or uuid.uuid4().hex
    fields = {
        "headers": b"Received: by mx",
        "envelope": json.dumps({"to": [to or f"x@{DOMAIN}"], "from": sender}).encode(),
        "charsets": b'{"to":"UTF-8"}',
        "email": raw,
        "spam_score": b"0.1",
    }
    body = b"".join(
        b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (boundary.encode(), name.encode(), value)
        for name, value in fields.items()
    )
    return body + b"--%s--\r\n" % boundary.encode(), f"multipart/form-data; boundary={boundary}"


def bring(client: FlaskClient, raw: bytes, door: str = DOOR, **wanted: str) -> TestResponse:
    body, kind = form(raw, **wanted)
    return client.post(door, data=body, content_type=kind)


def test_a_mail_is_kept_as_it_came_and_read_later(client: FlaskClient) -> None:
    ident = sent()
    raw = mail(text="We stop.").replace(b"We stop.", b"We stop \xe9\x00\xff.")

    assert bring(client, raw, to=reply_address(ident)).status_code == 204

    (kept,) = inbound()
    assert kept.state is InboundState.RECEIVED
    assert raw in kept.body
    assert replies() == []
    assert jobs.replies.read_one() == 1
    (reply,) = replies()
    assert (reply.email_id, reply.kind) == (ident, ReplyKind.HUMAN), "the envelope says to whom it came"
    assert len(carried()) == 1


@pytest.mark.parametrize("door", [DOOR[:-1], DOOR + "x", DOOR.upper(), DOOR[:-20] + "é", DOOR[:-20] + "x"])
def test_without_the_secret_there_is_no_door(client: FlaskClient, door: str) -> None:
    assert bring(client, mail(), door).status_code == 404
    assert inbound() == []


def test_without_a_setting_there_is_no_door(settings: Settings, app: Flask) -> None:
    closed = create_app(settings.model_copy(update={"inbound_secret": ""}))
    assert bring(closed.test_client(), mail()).status_code == 404
    assert closed.test_client().post("/webhooks/sendgrid/inbound/").status_code == 404


@pytest.mark.parametrize("secret", ["short", "with spaces and enough letters", "ümlauts-and-more-letters"])
def test_a_secret_that_is_easily_guessed_stops_the_start(secret: str) -> None:
    with pytest.raises(SettingsError):
        Settings.from_env({"INBOUND_SECRET": secret})


def test_a_post_that_comes_again_is_one_reply(client: FlaskClient) -> None:
    raw = mail(text="We stop.")
    for boundary in ("same", "same", "other"):
        assert bring(client, raw, boundary=boundary, to=reply_address(sent())).status_code == 204
    while jobs.replies.read_one():
        pass
    assert len(inbound()) == 2
    assert len(replies()) == 1


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "text/plain"),
        (b"hello", ""),
        (b"text=parsed&from=a@b", "application/x-www-form-urlencoded"),
        (form(b"")[0].replace(b'name="email"', b'name="text"'), form(b"", boundary="x")[1]),
        (
            b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nhello\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\nhello\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
        (b"\xff" * 5000, 'multipart/form-data; boundary="\xff'),
    ],
)
def test_a_post_that_holds_no_mail_is_kept_and_marked(client: FlaskClient, body: bytes, kind: str) -> None:
    assert client.post(DOOR, data=body, content_type=kind).status_code == 204
    assert jobs.replies.read_one() == 1
    assert jobs.replies.read_one() == 0
    (kept,) = inbound()
    assert (kept.state, kept.body) == (InboundState.UNREADABLE, body)
    assert kept.problem


@pytest.mark.parametrize("envelope", [b"", b"[]", b"7", b'{"to": 7}', b'{"to": [{}], "from": []}', b"[" * 90_000])
def test_an_odd_envelope_does_not_lose_the_mail(client: FlaskClient, envelope: bytes) -> None:
    body, kind = form(mail())
    given = json.dumps({"to": [f"x@{DOMAIN}"], "from": "official@amazon.example"}).encode()
    assert client.post(DOOR, data=body.replace(given, envelope), content_type=kind).status_code == 204
    assert jobs.replies.read_one() == 1
    assert [reply.words for reply in replies()] == ["We stop."]


def test_thirty_megabytes_are_taken_and_more_is_marked_without_being_read(client: FlaskClient) -> None:
    large = mail(files=(("large.pdf", bytes(20_000_000)),))
    assert 25_000_000 < len(large) < LARGEST_POST
    start = time.monotonic()
    assert bring(client, large).status_code == 204
    assert time.monotonic() - start < 10
    endless = client.post(DOOR, environ_overrides={"CONTENT_LENGTH": str(LARGEST_POST + 1)})
    assert endless.status_code == 204
    kept = inbound()
    assert [row.size > 0 for row in kept] == [True, False]
    assert [row.problem != "" for row in kept] == [False, True]
    while jobs.replies.read_one():
        pass
    assert len(replies()) == 1
