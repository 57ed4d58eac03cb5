from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app.core.errors import Conflict, NotAllowed, NotFound
from app.core.tokens import StaleLink
from app.signons import commands, queries
from app.signons.commands import Decline
from app.signons.rules import Superseded, TakenBack
from tests import builders
from tests.builders import NOW
from tests.signons.builders import LINK, ask, contact, letters, link, scene, signed

LATER = NOW + timedelta(hours=1)


def _token(path: str) -> str:
    return path.removeprefix("/sign-on/")


def test_every_organization_with_an_address_is_asked_once(session: Session) -> None:
    given = scene(session)
    mute = builders.organization(session, name="No Address", within=given.coalition)
    outside = builders.organization(session, name="Not In The Coalition")
    everybody = [given.partner, mute, outside]

    asked = commands.ask_to_sign(session, given.statement, everybody, by=given.by, now=NOW)
    again = commands.ask_to_sign(session, given.statement, everybody, by=given.by, now=NOW)

    assert [one.organization_id for one in asked] == [given.partner.id]
    assert [one.id for one in again] == [one.id for one in asked]
    letter = letters(session, "signons/mail/request")
    assert [one.to_address for one in letter] == ["ingrid@northwest-privacy-alliance.example"]
    assert letter[0].context["answer_path"].startswith("/sign-on/")
    assert letter[0].reply_to == "office@fight-for-the-future.example"


def test_without_a_private_contact_the_public_address_is_asked(session: Session) -> None:
    given = scene(session)
    group = builders.organization(session, name="Bees United", within=given.coalition)
    group.public_email = "hello@bees.example"

    request = ask(session, given, group)

    assert (request.email, request.name) == ("hello@bees.example", "")


def test_only_an_organizer_asks_and_only_while_it_is_open(session: Session) -> None:
    given = scene(session)
    with pytest.raises(NotAllowed):
        commands.ask_to_sign(session, given.statement, [given.partner], by=builders.actor(given.signatory), now=NOW)
    stranger = builders.account(session, email="x@stranger.example")
    with pytest.raises(NotFound):
        commands.ask_to_sign(session, given.statement, [given.partner], by=builders.actor(stranger), now=NOW)
    with pytest.raises(Conflict, match="over"):
        commands.ask_to_sign(session, given.statement, [given.partner], by=given.by, now=given.after)


def test_asking_again_makes_older_links_stale_and_says_so(session: Session) -> None:
    given = scene(session)
    request = ask(session, given)
    first = _token(link(session, request))

    commands.resend_request(session, request, by=given.by, now=LATER)

    with pytest.raises(Superseded, match="A newer link was sent to you on May 20, 2021"):
        queries.request_by_link(session, first, now=LATER)
    assert queries.request_by_link(session, _token(link(session, request)), now=LATER).id == request.id


def test_pressing_resend_twice_sends_once(session: Session) -> None:
    given = scene(session)
    request = ask(session, given)
    with pytest.raises(Conflict, match="Wait a few minutes"):
        commands.resend_request(session, request, by=given.by, now=NOW)

    assert commands.resend_to_unanswered(session, given.statement, by=given.by, now=NOW) == []
    assert len(commands.resend_to_unanswered(session, given.statement, by=given.by, now=LATER)) == 1
    assert commands.resend_to_unanswered(session, given.statement, by=given.by, now=LATER) == []
    assert len(letters(session, "signons/mail/request")) == 2


def test_only_those_who_have_not_answered_are_asked_again(session: Session) -> None:
    given = scene(session)
    signed(session, given)
    group = builders.organization(session, name="Bees United", within=given.coalition)
    contact(session, group, given.coalition)
    request = ask(session, given, group)
    commands.decline(session, given.statement, group, Decline(), by=LINK, now=NOW)

    assert commands.resend_to_unanswered(session, given.statement, by=given.by, now=LATER) == []
    with pytest.raises(Conflict, match="has answered already: declined"):
        commands.resend_request(session, request, by=given.by, now=LATER)


def test_a_request_taken_back_says_so_and_may_be_made_anew(session: Session) -> None:
    given = scene(session)
    request = ask(session, given)
    old = _token(link(session, request))

    commands.revoke_request(session, request, by=given.by, now=NOW)
    with pytest.raises(TakenBack, match="took back"):
        queries.request_by_link(session, old, now=NOW)
    with pytest.raises(Conflict, match="taken back"):
        commands.resend_request(session, request, by=given.by, now=LATER)

    commands.ask_to_sign(session, given.statement, [given.partner], by=given.by, now=LATER)
    assert queries.request_by_link(session, _token(link(session, request)), now=LATER).id == request.id
    with pytest.raises(Superseded):
        queries.request_by_link(session, old, now=LATER)


def test_links_that_are_altered_or_late_or_of_another_kind_are_stale(session: Session) -> None:
    given = scene(session)
    row = signed(session, given)
    request = queries.request_for(session, given.statement.id, given.partner.id)
    assert request is not None
    token = _token(link(session, request))
    manage = queries.manage_link(row, now=NOW).removeprefix("/sign-on/manage/")

    for wrong in (token[:-2] + "xx", manage, "", "x" * 5000):
        with pytest.raises(StaleLink):
            queries.request_by_link(session, wrong, now=NOW)
    with pytest.raises(StaleLink):
        queries.request_by_link(session, token, now=given.after + timedelta(days=7))
    queries.sign_on_by_link(session, "sign-on-manage", manage, now=given.after + timedelta(days=89))
    with pytest.raises(StaleLink):
        queries.sign_on_by_link(session, "sign-on-manage", manage, now=given.after + timedelta(days=90))
    with pytest.raises(StaleLink):
        queries.sign_on_by_link(session, "sign-on-dispute", manage, now=NOW)


def test_the_table_shows_where_every_organization_stands(session: Session) -> None:
    given = scene(session)
    quiet = builders.organization(session, name="Quiet Group", within=given.coalition)
    contact(session, quiet, given.coalition)
    ask(session, given, quiet)
    signed(session, given)

    rows = queries.answers(session, given.statement)

    assert [(row.organization.name, row.standing) for row in rows] == [
        ("Fight for the Future", "not asked"),
        ("Northwest Privacy Alliance", "signed"),
        ("Quiet Group", "asked"),
    ]
    assert rows[0].lead
    assert not rows[2].printed_otherwise
