"""Letters with a link that wait out an outage: they arrive with all of their time, or are given up with the reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.accounts import commands, queries
from app.accounts.commands import Mailbox, NewPassword
from app.accounts.models import AccountLink, LinkPurpose
from app.core import db
from app.core.clock import utc_now
from app.core.tokens import StaleLink
from app.jobs import worker
from app.mail import commands as post
from app.mail.commands.handing_over import OF_NO_USE
from app.mail.models import EmailState
from app.mail.sending import Sender
from tests.accounts.builders import enrolled, letters, mailed_path
from tests.accounts.test_signing_in import VISITOR
from tests.builders import NOW
from tests.coalitions.builders import OPERATOR
from tests.mail.builders import Scripted

Request = Callable[..., None]
LINKS: list[tuple[Request, str, LinkPurpose, timedelta]] = [
    (commands.request_sign_in_link, "sign_in_link", LinkPurpose.SIGN_IN, commands.LINK_LASTS),
    (commands.request_password_reset, "reset_link", LinkPurpose.RESET_PASSWORD, commands.RESET_LASTS),
]
A_MINUTE = timedelta(minutes=1)


def asked(request: Request = commands.request_sign_in_link) -> None:
    enrolled()
    with db.transaction() as session:
        request(session, Mailbox(email="robin@fftf.example"), by=VISITOR, now=NOW)


def leave(at: datetime) -> Scripted:
    """What a worker hands over at that hour."""
    transport = Scripted()
    Sender(transport, clock=lambda: at).lot()
    return transport


def opened(template: str, purpose: LinkPurpose, at: datetime) -> AccountLink:
    with db.reading() as session:
        return queries.link(session, mailed_path(template).rpartition("/")[2], purpose, now=at)


@pytest.mark.parametrize(("request_link", "template", "purpose", "lasts"), LINKS)
def test_a_link_s_time_begins_when_its_letter_leaves(
    database: Flask, request_link: Request, template: str, purpose: LinkPurpose, lasts: timedelta
) -> None:
    asked(request_link)
    left_at = NOW + timedelta(minutes=40)

    assert len(leave(left_at).letters) == 1

    assert opened(template, purpose, left_at + lasts - A_MINUTE).used_at is None
    with pytest.raises(StaleLink):
        opened(template, purpose, left_at + lasts + A_MINUTE)


@pytest.mark.parametrize(("request_link", "template", "purpose", "lasts"), LINKS)
def test_a_link_that_nobody_waits_for_any_more_is_not_sent_and_its_letter_says_why(
    database: Flask, request_link: Request, template: str, purpose: LinkPurpose, lasts: timedelta
) -> None:
    asked(request_link)

    assert leave(NOW + commands.WANTED + A_MINUTE).letters == []

    (letter,) = letters(template)
    assert (letter.state, letter.last_error, letter.lease_token) == (EmailState.DROPPED, OF_NO_USE, None)
    with pytest.raises(StaleLink):
        opened(template, purpose, NOW + commands.WANTED + lasts)


def test_a_link_that_was_used_or_ended_gains_no_time_by_a_late_letter(database: Flask) -> None:
    asked()
    token = mailed_path("sign_in_link").rpartition("/")[2]
    with db.transaction() as session:
        commands.use_link(session, token, by=VISITOR, now=NOW + A_MINUTE)
    leave(NOW + timedelta(minutes=20))
    with pytest.raises(StaleLink):
        opened("sign_in_link", LinkPurpose.SIGN_IN, NOW + timedelta(minutes=21))


def test_a_letter_whose_link_was_ended_before_it_left_does_not_leave(database: Flask) -> None:
    asked()
    with db.transaction() as session:
        account = queries.by_email(session, "robin@fftf.example")
        assert account is not None
        commands.set_password(session, account, NewPassword(password="quite other words"), by=OPERATOR, now=NOW)

    sent = leave(NOW + A_MINUTE).letters

    assert [letter.message["Subject"] for letter in sent] == ["Your password was changed"]
    assert letters("sign_in_link")[0].state is EmailState.DROPPED


@pytest.mark.parametrize("path", ["/sign-in/sent", "/password/forgotten/sent"])
def test_while_no_letter_leaves_the_page_says_so_and_when_to_ask_again(client: FlaskClient, path: str) -> None:
    worker.beat(utc_now())
    assert "is on its way" in client.get(path).text
    with db.transaction() as session:
        post.hold(session, "dev", by=OPERATOR, now=utc_now())

    told = " ".join(client.get(path).text.split())

    assert "No letter leaves this site right now." in told
    assert "leaves by itself as soon as letters leave again. Nothing after 60 minutes? It is not sent any more" in told
    assert "from when its letter leaves" in told
    assert "is on its way" not in told
