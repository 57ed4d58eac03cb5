"""Every route declares who may enter, and no GET changes anything."""

from __future__ import annotations

import ast
from pathlib import Path

from flask import Flask

from app.web.security import SAFE_METHODS, Access

ROOT = Path(__file__).parent.parent.parent


def access(app: Flask, endpoint: str) -> Access | None:
    return getattr(app.view_functions[endpoint], "access", None)


def writing_gets(source: str) -> list[str]:
    """Views answering GET whose body opens a write transaction."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef):
            continue
        gets = any(
            isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr == "get"
            for mark in node.decorator_list
        )
        calls = {
            call.func.id for call in ast.walk(node) if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        }
        if gets and "transaction" in calls:
            found.append(node.name)
    return found


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
    files = [
        path for path in (ROOT / "app").rglob("*.py") if path.stem in {"views", "api"} or path.parent.name == "views"
    ]
    found = {
        str(path.relative_to(ROOT)): bad for path in files if (bad := writing_gets(path.read_text(encoding="utf-8")))
    }
    assert found == {}


def test_the_rule_about_gets_finds_a_writing_one() -> None:
    assert writing_gets("@b.get('/x')\ndef x():\n    with transaction() as s:\n        pass\n") == ["x"]
    assert writing_gets("@b.post('/x')\ndef x():\n    with transaction() as s:\n        pass\n") == []


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
        assert answer.status_code in {409, 404}, path
