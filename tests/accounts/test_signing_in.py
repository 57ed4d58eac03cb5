"""Signing in by password and by link; nothing tells a stranger who has an account."""

from __future__ import annotations

import re
import sys
from datetime import datetime, timedelta
from types import FrameType

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from app.accounts import commands, rules
from app.accounts.commands import Mailbox, PasswordSignIn, Try
from app.accounts.models import Account
from app.core import db
from app.core.actor import Actor
from app.core.clock import utc_now
from app.core.errors import Invalid, TooMany
from app.core.tokens import StaleLink
from tests.accounts.builders import PASSWORD, enrolled, letters, mailed_path
from tests.builders import NOW

VISITOR = Actor(label="A visitor", address="192.0.2.7")


def _post(browser: FlaskClient, path: str, **fields: str) -> tuple[int, str, str]:
    answer = browser.post(path, data=fields)
    return answer.status_code, answer.headers.get("Location", ""), answer.get_data(as_text=True)


def test_a_right_password_signs_in_and_goes_on_to_the_page_that_was_asked_for(client: FlaskClient) -> None:
    enrolled()
    assert client.get("/account").headers["Location"] == "/sign-in?next=/account"

    status, onward, _ = _post(client, "/sign-in", email="Robin@FFTF.example", password=PASSWORD, next="/account")

    assert (status, onward) == (303, "/account")
    assert "robin@fftf.example" in client.get("/account").get_data(as_text=True)


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1"])
def test_signing_in_never_leads_to_another_site(client: FlaskClient, target: str) -> None:
    enrolled()
    assert _post(client, "/sign-in", email="robin@fftf.example", password=PASSWORD, next=target)[1] == "/home"


def test_a_wrong_password_and_an_unknown_address_get_the_same_page(client: FlaskClient) -> None:
    enrolled()
    wrong = _post(client, "/sign-in", email="robin@fftf.example", password="something else!")
    unknown = _post(client, "/sign-in", email="robim@fftf.example", password="something else!")

    assert wrong[0] == 422
    assert wrong[2].replace("robin@", "robim@") == unknown[2]
    assert "Error: Sign in" in wrong[2]
    assert 'value="robin@fftf.example"' in wrong[2]
    assert "something else" not in wrong[2]


def test_an_unknown_address_costs_as_much_work_as_a_known_one(database: Flask) -> None:
    """Counted, not timed: the one slow step, checking a hash of today's parameters, is done exactly once for both."""
    enrolled()

    def checks(email: str) -> int:
        seen: list[str] = []

        def note(frame: FrameType, event: str, _argument: object) -> None:
            if event == "call" and frame.f_code is PasswordHasher.verify.__code__:
                seen.append(email)

        with db.reading() as session, pytest.raises(Invalid):
            sys.setprofile(note)
            try:
                commands.sign_in_with_password(session, PasswordSignIn(email=email, password="something else!"))
            finally:
                sys.setprofile(None)
        return len(seen)

    rules.matches(None, "warm up")
    assert checks("robin@fftf.example") == checks("nobody@fftf.example") == 1
    assert not rules.outdated(rules._nobody())


@pytest.mark.parametrize("path", ["/sign-in", "/password/forgotten"])
def test_a_letter_is_promised_alike_to_known_and_unknown_and_sent_to_the_known_only(app: Flask, path: str) -> None:
    enrolled()
    answers = []
    for email in ("robin@fftf.example", "nobody@fftf.example"):
        browser = app.test_client()
        status, onward, body = _post(browser, path, email=email, how="link")
        answers.append((status, onward, body, browser.get(onward).get_data(as_text=True)))

    assert answers[0] == answers[1]
    sent = letters("sign_in_link") + letters("reset_link")
    assert [letter.to_address for letter in sent] == ["robin@fftf.example"]


def test_a_link_signs_in_once_and_only_by_its_button(app: Flask, client: FlaskClient) -> None:
    enrolled()
    _post(client, "/sign-in", email="robin@fftf.example", how="link", next="/account")
    path = mailed_path("sign_in_link")
    scanner, person, thief = app.test_client(), app.test_client(), app.test_client()

    assert scanner.get(path).status_code == 200
    assert scanner.get("/account").status_code == 303
    answer = person.post(path)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
    assert person.get("/account").status_code == 200
    assert thief.get(path).status_code == 410
    assert thief.post(path).status_code == 410
    assert "Go to sign-in" in thief.get(path).get_data(as_text=True)


def test_a_link_runs_out_after_fifteen_minutes(database: Flask) -> None:
    enrolled()
    with db.transaction() as session:
        entry = Mailbox(email="robin@fftf.example")
        commands.request_sign_in_link(session, entry, by=VISITOR, now=NOW)
    token = mailed_path("sign_in_link").rpartition("/")[2]
    with db.transaction() as session, pytest.raises(StaleLink):
        commands.use_link(session, token, by=VISITOR, now=NOW + timedelta(minutes=16))
    with db.transaction() as session:
        commands.use_link(session, token, by=VISITOR, now=NOW + timedelta(minutes=14))


def test_a_reset_link_is_no_sign_in_link(client: FlaskClient) -> None:
    enrolled()
    _post(client, "/password/forgotten", email="robin@fftf.example")
    secret = mailed_path("reset_link").rpartition("/")[2]
    assert client.post(f"/sign-in/link/{secret}").status_code == 410


def test_a_reset_sets_the_password_ends_every_session_and_tells_the_owner(app: Flask, client: FlaskClient) -> None:
    enrolled()
    elsewhere = app.test_client()
    _post(elsewhere, "/sign-in", email="robin@fftf.example", password=PASSWORD)
    _post(client, "/password/forgotten", email="robin@fftf.example")
    path = mailed_path("reset_link")

    refused = _post(client, path, password="robin@fftf.example")
    assert refused[0] == 422
    assert "other than your name or e-mail address" in refused[2]
    assert _post(client, path, password="a wholly different phrase")[:2] == (303, "/account")

    assert elsewhere.get("/account").status_code == 303
    assert client.get("/account").status_code == 200
    assert [letter.to_address for letter in letters("password_changed")] == ["robin@fftf.example"]
    assert _post(app.test_client(), "/sign-in", email="robin@fftf.example", password=PASSWORD)[0] == 422
    assert client.post(path, data={"password": "yet another good phrase"}).status_code == 410


def test_signing_out_everywhere_ends_other_sessions_and_open_links(app: Flask) -> None:
    app.config["WTF_CSRF_METHODS"] = ()
    enrolled()
    here, there = app.test_client(), app.test_client()
    for browser in (here, there):
        _post(browser, "/sign-in", email="robin@fftf.example", password=PASSWORD)
    _post(app.test_client(), "/sign-in", email="robin@fftf.example", how="link")

    here.post("/account/sign-out-everywhere")

    assert here.get("/account").status_code == 303
    assert there.get("/account").status_code == 303
    assert there.post(mailed_path("sign_in_link")).status_code == 410


def test_signing_out_ends_this_session_only(app: Flask) -> None:
    enrolled()
    here, there = app.test_client(), app.test_client()
    for browser in (here, there):
        _post(browser, "/sign-in", email="robin@fftf.example", password=PASSWORD)
    assert _post(here, "/sign-out")[1] == "/sign-in?signed-out"
    assert here.get("/account").status_code == 303
    assert there.get("/account").status_code == 200


def test_a_password_changes_only_with_the_present_one(app: Flask) -> None:
    app.config["WTF_CSRF_METHODS"] = ()
    enrolled()
    browser = app.test_client()
    _post(browser, "/sign-in", email="robin@fftf.example", password=PASSWORD)

    wrong = _post(browser, "/account/password", current="not this one", password="a wholly different phrase")
    right = _post(browser, "/account/password", current=PASSWORD, password="a wholly different phrase")

    assert wrong[0] == 422
    assert "not your present password" in wrong[2]
    assert right[:2] == (303, "/account")
    assert browser.get("/account").status_code == 200


def test_tries_are_limited_alike_for_known_and_unknown_and_a_stranger_locks_nobody_out(app: Flask) -> None:
    enrolled()
    guesser, owner = VISITOR, Actor(label="A visitor", address="198.51.100.9")
    for email in ("robin@fftf.example", "nobody@fftf.example"):
        for _ in range(8):
            _try(email, guesser)
        with pytest.raises(TooMany):
            _try(email, guesser)
        _try(email, owner)


def _try(email: str, by: Actor) -> None:
    with db.transaction() as session:
        commands.spend_try(session, Try.SIGN_IN, email, by=by, now=NOW)


def test_the_limit_is_told_as_a_page(client: FlaskClient) -> None:
    enrolled()
    answers = [_post(client, "/sign-in", email="robin@fftf.example", password="wrong wrong wrong") for _ in range(9)]
    assert [status for status, _, _ in answers[:8]] == [422] * 8
    assert answers[8][0] == 429
    assert re.search(r"Wait \w+ minutes?", answers[8][2])


def test_guessing_from_many_networks_shuts_the_password_s_door_and_not_the_mailed_link_s(
    app: Flask, client: FlaskClient
) -> None:
    enrolled()
    _used_up(Try.SIGN_IN, 40)

    refused = _post(client, "/sign-in", email="robin@fftf.example", password=PASSWORD)
    assert refused[0] == 429
    assert "have a sign-in link mailed to you" in refused[2]
    assert 'value="robin@fftf.example"' in refused[2]
    assert "E-mail me a link instead" in refused[2]

    assert _post(client, "/sign-in", email="robin@fftf.example", how="link")[:2] == (303, "/sign-in/sent")
    assert app.test_client().post(mailed_path("sign_in_link")).status_code == 303


def test_whoever_uses_up_the_letters_leaves_a_link_that_works(app: Flask, client: FlaskClient) -> None:
    enrolled()
    asked = _post(client, "/sign-in", email="robin@fftf.example", how="link")[0]
    _used_up(Try.SIGN_IN_LINK, 9)

    answers = [_post(client, "/sign-in", email=email, how="link") for email in ("robin@fftf.example",)]
    _used_up(Try.SIGN_IN_LINK, 10, email="nobody@fftf.example")
    unknown = _post(client, "/sign-in", email="nobody@fftf.example", how="link")

    assert asked == 303
    assert (answers[0][0], unknown[0]) == (429, 429)
    assert "the newest letter in its mailbox holds a link that signs in" in answers[0][2]
    assert answers[0][2].replace("robin@", "nobody@") == unknown[2]
    assert app.test_client().post(mailed_path("sign_in_link")).status_code == 303
    assert _post(client, "/password/forgotten", email="robin@fftf.example")[0] == 303


def test_the_limit_of_letters_is_over_before_the_last_link_that_was_mailed_runs_out(database: Flask) -> None:
    enrolled()
    with db.transaction() as session:
        commands.request_sign_in_link(session, Mailbox(email="robin@fftf.example"), by=VISITOR, now=NOW)
    _used_up(Try.SIGN_IN_LINK, 10, now=NOW)
    runs_out = NOW + commands.LINK_LASTS
    with pytest.raises(TooMany) as refused:
        _used_up(Try.SIGN_IN_LINK, 1, now=NOW)
    assert NOW + timedelta(seconds=refused.value.retry_after) <= runs_out


def _used_up(what: Try, times: int, *, email: str = "robin@fftf.example", now: datetime | None = None) -> None:
    """So many tries for a mailbox, each from another network."""
    for number in range(times):
        with db.transaction() as session:
            by = Actor(label="A visitor", address=f"203.0.113.{number}")
            commands.spend_try(session, what, email, by=by, now=now or utc_now())


def test_a_hash_of_older_parameters_is_renewed_at_sign_in(client: FlaskClient) -> None:
    person = enrolled()
    weak = PasswordHasher(memory_cost=8_192, time_cost=1, parallelism=1).hash(PASSWORD)
    with db.transaction() as session:
        db.locked(session, Account, person.id).password_hash = weak

    _post(client, "/sign-in", email="robin@fftf.example", password=PASSWORD)

    with db.reading() as session:
        renewed = session.get(Account, person.id)
        assert renewed is not None
        assert renewed.last_sign_in_at is not None
        assert renewed.last_sign_in_at <= utc_now()
        assert renewed.password_hash != weak
        assert renewed.password_hash is not None
        assert not rules.outdated(renewed.password_hash)


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("elevenchars", "at least 12"),
        ("aaaaaaaaaaaaa", "different characters"),
        ("robin@fftf.example", "other than"),
        ("x1y2" * 60, "at most 200"),
        ("four unrelated words", ""),
    ],
)
def test_a_password_is_long_and_not_the_address(password: str, words: str) -> None:
    assert words in (rules.complaint(password, email="Robin@fftf.example") or "")


def test_a_password_keeps_its_spaces_and_composed_letters() -> None:
    kept = rules.hashed(PasswordSignIn(email="a@b.example", password=" caf\u00e9 au lait ").password)
    assert rules.matches(kept, " cafe\u0301 au lait ")
    assert not rules.matches(kept, "caf\u00e9 au lait")
