"""Forms behind a mailed link or a session take anything that is typed without a mistake of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import pytest
from flask import Flask, Request
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.datastructures import ImmutableMultiDict

from app.accounts import commands as accounts
from app.accounts.models import Account, LinkPurpose
from app.broadcasts import commands as broadcasts
from app.coalitions.commands import invitation_path
from app.coalitions.models import Role
from app.core import db
from app.core.clock import utc_now
from app.core.db import transaction
from app.core.inputs import Input
from app.petitions import commands as petitions
from app.petitions.rules import confirm_path
from app.returns.models import Reply, ReplyKind
from app.returns.queries import reply_path
from app.signons.queries import dispute_link, manage_link, request_link
from app.statements import commands as statements
from app.supporters.rules import preferences_path, unsubscribe_path
from app.web.security import Access
from tests import builders
from tests.coalitions.builders import OPERATOR, invited
from tests.petitions.builders import sign, signatures
from tests.signons import builders as signons

VALUES = ["\x00", "a\x00b", "9" * 30, "-" + "9" * 30, "9" * 5_000, "x" * 10_000, "\u202e=1\r\nBcc: a@x.example", "1e9"]
# What a person would type, so that an act goes on to the fields behind the first ones.
TYPED = {
    "title": "A title",
    "name": "A name",
    "text": "We ask.",
    "body": "We ask.",
    "demand": "Stop.",
    "note": "",
    "passage": "stop",
    "replacement": "end",
    "reason": "So.",
    "words": "So.",
    "answer": "object",
    "kind": "company",
    "email": "ann@x.example",
    "role": "viewer",
    "listed_as": "NWPA",
    "signatory_name": "Ann",
    "authorized": "yes",
    "signatory_email": "ann@x.example",
    "subject": "News",
    "headline": "News",
    "state": "kept",
    "accept": "yes",
    "password": "four unrelated words",
    "zone": "UTC",
    "outcome": "won",
    "made_on": "2021-06-30",
    "quote": "So.",
    "deadline_date": "2027-06-30",
    "deadline_time": "17:00",
    "postal_code": "98101",
    "legal_status": "other",
}
NUMBERS = {
    *("organization_id", "request_id", "petition_id", "target_id", "parent_id", "version", "based_on", "revision"),
    *("number", "targets", "asks", "goal", "order"),
}
# Fields that are hostile while the others are as typed, so that nothing refuses the form before they are looked at.
ALONE = {"email", "zone", "deadline_date", "passage"}
RAW = {"known", "lead", "lead_name", "admin_email", "shown", "account", "next", "everything", "digest", "current"}


@dataclass
class World:
    """The paths that letters bear, by the route they lead to, and who may do everything in the workroom."""

    links: dict[str, str]
    organizer: Account
    coalition: str
    statement: str
    campaign: str
    petition: str
    organization: str


@pytest.fixture
def world(database: Flask) -> World:
    now = utc_now()
    with transaction() as session:
        there = signons.scene(session, now=now)
        row = signons.signed(session, there)
        campaign = there.statement.campaign
        entry = petitions.NewPetition(title="Ban", text="We ask.")
        asks = [(there.lead, "May we write?")]
        petition = petitions.start_petition(session, campaign, entry, asks, by=there.by, now=now)
        petitions.open_petition(session, petition, by=there.by, now=now)
        for number in (1, 2):
            sign(session, petition, answers={there.lead.id: True}, now=now, email=f"ewa{number}@people.example")
        first, second = signatures(session)
        confirmed = petitions.confirm(
            session, confirm_path(first, now).rpartition("/")[2], by=signons.LINK, now=now
        ).supporter_id
        draft = statements.NewStatement(title="Draft", text="We ask you to stop.")
        drafted = statements.start_statement(session, campaign, draft, by=there.by, now=now)
        news = broadcasts.NewBroadcast(subject="News", body="News.")
        broadcasts.compose(session, campaign, news, by=there.by, now=now)
        asked = signons.ask(session, there, there.lead)
        invitation = invited(session, None, there.partner, email="new@x.example", role=Role.VIEWER)
        invitation.expires_at = now + accounts.LINK_LASTS
        person = builders.account(session, email="linked@x.example")
        reset, path = accounts._link(session, person, LinkPurpose.RESET_PASSWORD, lasts=accounts.RESET_LASTS, now=now)
        assert reset.id
        assert confirmed
        links = {
            "/sign-on/<token>": request_link(asked, now=now),
            "/sign-on/manage/<token>": manage_link(row, now=now),
            "/sign-on/dispute/<token>": dispute_link(row, now=now),
            "/confirm/<token>": confirm_path(second, now),
            "/preferences/<token>": preferences_path(confirmed, now),
            "/unsubscribe/<token>": unsubscribe_path(confirmed, there.lead.id, now),
            "/invitation/<token>": invitation_path(invitation, now=now),
            "/sign-in/link/<token>": accounts.sign_in_path(session, person, now=now),
            "/password/reset/<token>": path,
            "/replies/<token>": reply_path(_reply(session, now), now=now),
        }
        slugs = (there.coalition.slug, drafted.slug, campaign.slug, petition.slug, there.partner.slug)
        assert OPERATOR.operator
        return World(links, there.organizer, *slugs)


def _reply(session: Session, now: datetime) -> Reply:
    row = Reply(digest="d", kind=ReplyKind.HUMAN, sender_address="a@x.example", sender_canonical="a@x.example")
    row.received_at = now
    return db.add(session, row)


def forms(value: str) -> list[dict[str, str]]:
    """Everything hostile; only the numbers; only what views read without an Input; only the texts; one of them."""
    texts = set(TYPED)
    return [
        dict.fromkeys(texts | NUMBERS | RAW, value),
        TYPED | dict.fromkeys(NUMBERS, value),
        TYPED | dict.fromkeys(RAW, value),
        dict.fromkeys(texts, value) | dict.fromkeys(NUMBERS, "1"),
        TYPED | dict.fromkeys(NUMBERS, "1") | dict.fromkeys(ALONE, value),
    ]


def inputs(kind: type[Input] = Input) -> Iterator[type[Input]]:
    for one in kind.__subclasses__():
        yield one
        yield from inputs(one)


def test_no_input_reads_two_of_the_fields_that_are_tried_alone() -> None:
    assert [one for one in inputs() if len(ALONE & set(one.model_fields)) > 1] == []
    assert set().union(*(one.model_fields for one in inputs())) >= ALONE


class Noting(Request):
    """A request that notes whether its form was looked at."""

    looked_at: ClassVar[list[str]] = []

    @property
    def form(self) -> ImmutableMultiDict[str, str]:
        self.looked_at.append(self.path)
        return super().form


def test_no_form_behind_a_mailed_link_breaks(app: Flask, client: FlaskClient, world: World) -> None:
    seen = set()
    for rule in app.url_map.iter_rules():
        path = str(rule)
        if getattr(app.view_functions[rule.endpoint], "access", None) is not Access.LINK or "token" not in path:
            continue
        opening = next(one for one in sorted(world.links, key=len, reverse=True) if path.startswith(one))
        seen.add(opening)
        there = path.replace(opening, world.links[opening])
        if "GET" in (rule.methods or set()):
            assert client.get(there).status_code < 500, path
            continue
        for value in VALUES:
            for form in forms(value):
                answer = client.post(there, data=form)
                assert answer.status_code < 500, (path, value[:20], sorted(form))
    assert seen == set(world.links)


@pytest.fixture
def looked_at(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths to which somebody posted a form that was looked at."""
    monkeypatch.setattr(app, "request_class", Noting)
    Noting.looked_at.clear()
    return Noting.looked_at


@pytest.mark.parametrize("value", VALUES, ids=[repr(value[:4]) for value in VALUES])
def test_no_form_of_the_workroom_breaks(
    app: Flask, signed_in: Callable[[Account], FlaskClient], world: World, looked_at: list[str], value: str
) -> None:
    browser = signed_in(world.organizer)
    rooms = {"statements": world.statement, "campaigns": world.campaign, "petitions": world.petition}
    tried = read = 0
    for rule in app.url_map.iter_rules():
        path = str(rule)
        asked = getattr(app.view_functions[rule.endpoint], "access", None)
        if asked is not Access.SIGNED_IN or "POST" not in (rule.methods or set()) or path.startswith("/account"):
            continue
        tried += 1
        slug = next((slug for room, slug in rooms.items() if f"/{room}/<slug>" in path), "amazon-com")
        slug = world.organization if path.startswith("/organizations") else slug
        names = {"coalition": world.coalition, "campaign": world.campaign, "organization": world.organization}
        for argument in rule.arguments:
            path = path.replace(f"<{argument}>", names.get(argument, slug)).replace(f"<int:{argument}>", "1")
        for number, form in enumerate(forms(value)):
            answer = browser.post(path, data=form)
            assert answer.status_code < 500, (path, value[:20], number)
            if number > 0 and path not in looked_at:
                break  # a button without a form: whatever is posted to it is the same
        read += path in looked_at
    assert tried > 50
    assert read > 40
