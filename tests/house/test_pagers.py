"""Every page that a cursor reached leads back to the start of its list, and keeps what the list was narrowed to."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask, render_template_string

ROOT = Path(__file__).parent.parent.parent
PAGER = '{% import "components/page.html" as page with context %}{{ page.pager() }}'


def shown(app: Flask, address: str) -> str:
    with app.test_request_context(address):
        return render_template_string(PAGER)


@pytest.mark.parametrize(
    ("address", "start"),
    [
        ("/work/x/audit?before=7", "/work/x/audit"),
        ("/work/x/audit?act=petition.opened&before=7", "/work/x/audit?act=petition.opened"),
        ("/work/x/organizations?show=joined&q=a%26b&after=1", "/work/x/organizations?show=joined&amp;q=a%26b"),
        ("/?before=%22%3E%3Cscript%3E&q=%22%3E%3Cb%3E", "/?q=%22%3E%3Cb%3E"),
    ],
)
def test_a_later_page_leads_to_the_first_with_the_same_filters(app: Flask, address: str, start: str) -> None:
    assert f'rel="first" href="{start}">Newest</a>' in shown(app, address)


def test_the_first_page_has_no_way_back(app: Flask) -> None:
    assert "<nav" not in shown(app, "/work/x/audit?act=petition.opened")


def test_no_list_hides_its_pager_on_the_last_page() -> None:
    for path in (ROOT / "templates").rglob("*.html"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert not ("page.pager(" in line and "{% if" in line), path
