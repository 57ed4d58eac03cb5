"""Every route declares who may enter, and no GET changes anything."""

from __future__ import annotations

import re

from flask import Flask

from app.web.security import SAFE_METHODS, Access
from tests.house.rules import texts, writing_gets


def access(app: Flask, endpoint: str) -> Access | None:
    return getattr(app.view_functions[endpoint], "access", None)


def test_every_route_declares_who_may_enter(app: Flask) -> None:
    undeclared = [
        name for name, view in app.view_functions.items() if not isinstance(getattr(view, "access", None), Access)
    ]
    assert undeclared == []


def test_no_route_answers_both_reading_and_writing_methods(app: Flask) -> None:
    mixed = [
        str(rule)
        for rule in app.url_map.iter_rules()
        if rule.methods and rule.methods & {"GET"} and rule.methods - SAFE_METHODS
    ]
    assert mixed == []


def test_no_get_opens_a_writing_transaction() -> None:
    # No exceptions: whatever a page must remember is written by a form, or by the worker.
    files = [(name, text) for name, text in texts("app") if re.search(r"/(?:views|api)(?:/\w+)?\.py$", name)]
    rooms = {name.split("/")[1] for name, _ in files}
    assert len(rooms) > 10
    found = {room: writing_gets(*(text for name, text in files if name.startswith(f"app/{room}/"))) for room in rooms}
    assert {room: views for room, views in found.items() if views} == {}


def test_the_rule_about_gets_finds_writing_ones() -> None:
    body = "def x():\n    with transaction() as s:\n        pass\n"
    assert writing_gets("@b.get('/x')\n" + body) == ["x"]
    assert writing_gets("@b.route('/x')\n" + body) == ["x"]
    assert writing_gets("@b.route('/x', methods=['GET', 'POST'])\n" + body.replace("tr", "db.tr")) == ["x"]
    assert writing_gets("@b.get('/y')\ndef y():\n    return x()\n", body) == ["y"]
    assert writing_gets("@b.post('/x')\n" + body) == []
    assert writing_gets("@b.route('/x', methods=['POST'])\n" + body) == []
    assert writing_gets("@b.get('/x')\n" + body.replace("transaction", "reading")) == []


def test_a_stranger_is_sent_to_sign_in_from_every_workroom_page(app: Flask) -> None:
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        if access(app, rule.endpoint) not in {Access.SIGNED_IN, Access.OPERATOR} or "GET" not in (
            rule.methods or set()
        ):
            continue
        path = str(rule)
        for argument in rule.arguments:
            for form in (f"<{argument}>", f"<int:{argument}>", f"<path:{argument}>"):
                path = path.replace(form, "1")
        answer = client.get(path)
        assert answer.status_code == 303, path
        assert answer.headers["Location"].startswith("/sign-in?next="), path


def test_a_post_from_another_site_is_refused_everywhere(app: Flask) -> None:
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        if "POST" not in (rule.methods or set()) or access(app, rule.endpoint) is Access.MACHINE:
            continue
        path = str(rule)
        for argument in rule.arguments:
            for form in (f"<{argument}>", f"<int:{argument}>", f"<path:{argument}>"):
                path = path.replace(form, "1")
        answer = client.post(path, headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"})
        if hasattr(app.view_functions[rule.endpoint], "from_anywhere"):
            assert (path, answer.status_code) == ("/unsubscribe/1", 410)  # mail programs post there on their own
            continue
        assert answer.status_code in {409, 404}, path
