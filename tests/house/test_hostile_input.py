"""No form and no address breaks the site: whatever is typed or followed gets an answer that is not our mistake."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from app.accounts.models import Account
from app.core.clock import utc_now
from app.core.db import transaction
from app.petitions import commands as petitions
from app.statements import commands as statements
from app.web.security import Access
from tests import builders
from tests.broadcasts.builders import stage

OPEN = {Access.PUBLIC, Access.LINK, Access.VISITOR, Access.DEVELOPMENT, Access.MACHINE}
HOSTILE = [
    "",
    "\x00",
    "a\x00b",
    "\ud800",
    "\u202eevil",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "' OR 1=1 --",
    "{{ 7*7 }}",
    '#import "x": *',
    "x" * 10_000,
    "line\r\nBcc: everybody@x.example",
    "../../etc/passwd",
    "99999999999999999999",
    "ann@x.example",
    ">" * 3_000,
]
FIELDS = [
    *(
        "given_name",
        "family_name",
        "email",
        "postal_code",
        "country",
        "comments",
        "language",
        "website",
        "name",
        "title",
    ),
    *("password", "current", "next", "listed_as", "signatory_name", "signatory_title", "signatory_email", "authorized"),
    *("digest", "reason", "words", "text", "organization", "account", "everything", "answer-1", "consent-x", "shown"),
]


def paths(app: Flask, method: str) -> list[tuple[str, Rule]]:
    rules = [rule for rule in app.url_map.iter_rules() if method in (rule.methods or set())]
    return [(str(rule), rule) for rule in rules if getattr(app.view_functions[rule.endpoint], "access", None) in OPEN]


def filled(path: str, rule: Rule, value: str) -> str:
    for argument in rule.arguments:
        for form in (f"<{argument}>", f"<path:{argument}>"):
            path = path.replace(form, value)
        path = path.replace(f"<int:{argument}>", "99999999999999999999999")
    return path


@pytest.fixture
def petition_slug(app: Flask) -> str:
    """An open petition and a draft statement, so that some pages are really there."""
    with transaction() as session:
        there = stage(session)
        entry = petitions.NewPetition(title="Ban", text="We ask.")
        asks = [(there.lead, "May we write?")]
        petition = petitions.start_petition(session, there.campaign, entry, asks, by=there.robin, now=utc_now())
        petitions.open_petition(session, petition, by=there.robin, now=utc_now())
        draft = statements.NewStatement(title="Stop", text="We ask.")
        statements.start_statement(session, there.campaign, draft, by=there.robin, now=utc_now())
        return petition.slug


def test_no_address_breaks_the_site(app: Flask, client: FlaskClient, petition_slug: str) -> None:
    values = ["1", petition_slug, "%00", "a%00b", "%ff", "x" * 2_000, "..%2f..", "\u202e", "%0d%0aSet-Cookie:x"]
    for (path, rule), value in itertools.product(paths(app, "GET"), values):
        answer = client.get(filled(path, rule, value))
        assert answer.status_code < 500 or path == "/readyz", (path, value)
        assert "Set-Cookie: x" not in str(answer.headers)


def test_no_question_mark_breaks_the_site(app: Flask, client: FlaskClient, petition_slug: str) -> None:
    for path, rule in paths(app, "GET"):
        for query in (
            "before=99999999999999999999",
            "before=%00",
            "q=%00",
            "after=%ff&show=%00",
            "next=//evil.example",
        ):
            answer = client.get(f"{filled(path, rule, petition_slug)}?{query}")
            assert answer.status_code < 500 or path == "/readyz", (path, query)


def test_no_form_breaks_the_site(app: Flask, client: FlaskClient, petition_slug: str) -> None:
    for path, rule in paths(app, "POST"):
        for value in HOSTILE:
            form = dict.fromkeys(FIELDS, value.encode("utf-8", "ignore").decode())
            answer = client.post(filled(path, rule, petition_slug), data=form)
            assert answer.status_code < 500, (path, value[:20])
            assert answer.status_code != 200 or "<script>alert" not in answer.get_data(as_text=True)


def test_half_a_character_in_json_does_not_break_the_form(client: FlaskClient, petition_slug: str) -> None:
    body = '{"given_name": "\\ud800a", "family_name": "b\\u0000", "email": "a@x.example", "postal_code": "98101"}'
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    answer = client.post(f"/petitions/{petition_slug}/sign", data=body, headers=headers)
    assert answer.status_code < 500


def test_a_body_that_is_too_large_gets_a_sentence(client: FlaskClient, petition_slug: str) -> None:
    for path in (f"/petitions/{petition_slug}/sign", "/verify", "/sign-in"):
        huge = {"text": (io.BytesIO(b"x" * 20 * 1024 * 1024), "letter.pdf")}
        answer = client.post(path, data=huge, content_type="multipart/form-data")
        assert answer.status_code == 413, path
        assert "too large" in answer.get_data(as_text=True).casefold()


def test_a_workroom_address_of_another_coalition_is_not_there(
    app: Flask, signed_in: Callable[[Account], FlaskClient]
) -> None:
    with transaction() as session:
        there = stage(session)
        outsider = builders.member(session, builders.organization(session, name="Outsiders"))
        slug = there.campaign.coalition.slug
    browser = signed_in(outsider)
    for rule in app.url_map.iter_rules():
        path = str(rule)
        if not path.startswith("/work/<coalition>"):
            continue
        for argument in rule.arguments:
            value = slug if argument == "coalition" else there.campaign.slug
            path = path.replace(f"<{argument}>", value).replace(f"<int:{argument}>", "1")
        answer = browser.get(path) if "GET" in (rule.methods or set()) else browser.post(path, data={"version": "1"})
        assert answer.status_code in {404, 422}, (path, answer.status_code)
        assert there.campaign.title not in answer.get_data(as_text=True)
