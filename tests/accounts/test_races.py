"""Signing in while the password changes: whoever knew only the old one ends up without a session."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from app.accounts import commands, queries, rules
from app.accounts.commands import NewPassword, PasswordSignIn
from app.accounts.models import Account
from app.core import db
from app.core.actor import Actor
from app.core.errors import Conflict
from app.core.tokens import StaleLink
from tests.accounts.builders import PASSWORD, enrolled
from tests.builders import NOW

VISITOR = Actor(label="A visitor", address="192.0.2.7")
NEW = "a wholly different phrase"


def _with_an_old_hash() -> int:
    """An account whose password is hashed anew at the next sign-in."""
    person = enrolled()
    weak = PasswordHasher(memory_cost=8_192, time_cost=1, parallelism=1).hash(PASSWORD)
    with db.transaction() as session:
        db.locked(session, Account, person.id).password_hash = weak
    return person.id


def _change(account_id: int) -> None:
    with db.transaction() as session:
        account = db.locked(session, Account, account_id)
        commands.set_password(session, account, NewPassword(password=NEW), by=VISITOR, now=NOW)


def _is_new(account_id: int) -> bool:
    with db.reading() as session:
        return rules.matches(queries.account(session, account_id).password_hash, NEW)


def test_a_password_changed_after_the_check_gives_no_session_and_is_not_restored(database: Flask) -> None:
    account_id = _with_an_old_hash()
    checked, changing = threading.Event(), threading.Event()

    def sign_in() -> None:
        with db.reading() as session:
            proven = commands.sign_in_with_password(
                session, PasswordSignIn(email="robin@fftf.example", password=PASSWORD)
            )
            epoch = proven.epoch
        checked.set()
        assert changing.wait(30)
        with db.transaction() as session:
            commands.note_sign_in(session, account_id, epoch=epoch, new_hash=rules.hashed(PASSWORD), now=NOW)

    with ThreadPoolExecutor(1) as pool:
        attempt = pool.submit(sign_in)
        assert checked.wait(30)
        with db.transaction() as session:
            account = db.locked(session, Account, account_id)
            commands.set_password(session, account, NewPassword(password=NEW), by=VISITOR, now=NOW)
            # The other one now waits for this row, and finds the new epoch when it gets it.
            changing.set()
        with pytest.raises(Conflict, match="Sign in again"):
            attempt.result(30)

    assert _is_new(account_id)
    with db.reading() as session:
        assert queries.account(session, account_id).last_sign_in_at is None


def test_browsers_signing_in_while_the_password_changes_hold_no_living_session(app: Flask) -> None:
    account_id = _with_an_old_hash()
    browsers = [app.test_client() for _ in range(6)]
    barrier = threading.Barrier(len(browsers) + 1)

    def sign_in(browser: FlaskClient) -> int:
        barrier.wait(30)
        return browser.post("/sign-in", data={"email": "robin@fftf.example", "password": PASSWORD}).status_code

    def change() -> None:
        barrier.wait(30)
        _change(account_id)

    with ThreadPoolExecutor(len(browsers) + 1) as pool:
        changed = pool.submit(change)
        answers = list(pool.map(sign_in, browsers))
        changed.result(30)

    assert set(answers) <= {303, 409, 422}
    assert [browser.get("/account").status_code for browser in browsers] == [303] * len(browsers)
    assert _is_new(account_id)


def test_a_link_and_a_new_password_at_once_neither_wait_for_each_other_for_ever_nor_leave_a_session(app: Flask) -> None:
    account_id = enrolled().id
    browser = app.test_client()
    with db.transaction() as session:
        path = commands.sign_in_path(session, queries.account(session, account_id), now=NOW, lasts=commands.LINK_LASTS)
    barrier = threading.Barrier(2)

    def use() -> None:
        barrier.wait(30)
        with db.transaction() as session:
            commands.use_link(session, path.rpartition("/")[2], by=VISITOR, now=NOW)

    def change() -> None:
        barrier.wait(30)
        _change(account_id)

    with ThreadPoolExecutor(2) as pool:
        used, changed = pool.submit(use), pool.submit(change)
        changed.result(30)
        failure = used.exception(30)
    assert failure is None or isinstance(failure, StaleLink)
    assert _is_new(account_id)
    assert browser.post(path).status_code == 410
