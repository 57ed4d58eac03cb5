"""Templates: all used, all there, nothing inline, nothing unescaped, every posting form through the macros."""

from __future__ import annotations

import re

import pytest

from tests.house.rules import ROOT, broken, in_template, texts

TEMPLATES = ROOT / "templates"
REFERENCE = re.compile(r"""["']([\w/.-]+\.(?:html|txt))["']""")
# The macros themselves, and the one form of a layout, which carries the token as they do.
MACROS = {"templates/components/forms.html", "templates/components/page.html", "templates/layouts/workroom.html"}


def names() -> set[str]:
    return {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*") if path.is_file()}


def references() -> set[str]:
    sources = [*(ROOT / "app").rglob("*.py"), *TEMPLATES.rglob("*.html"), *TEMPLATES.rglob("*.txt")]
    found: set[str] = set()
    for path in sources:
        text = path.read_text(encoding="utf-8")
        found |= set(REFERENCE.findall(text))
        for letter in re.findall(r"""["'](\w+/mail/\w+)["']""", text):
            found |= {f"{letter}.txt", f"{letter}.html", f"{letter}.toml"}
    return found


def test_every_template_is_used() -> None:
    assert sorted(names() - references()) == []


def test_every_template_that_is_named_exists() -> None:
    named = {name for name in references() if "/" in name.strip("/")}
    assert sorted(named - names()) == []


def permitted(name: str) -> set[str]:
    """What one template may hold that others may not."""
    # Letters have no policy and no stylesheet to link: mail programs read a style element, and css-inline spreads it.
    letters = {"inline style"} if name == "templates/layouts/mail.html" else set()
    return letters | ({"posting form of its own"} if name in MACROS else set())


def test_no_template_holds_what_the_policy_forbids() -> None:
    found = broken(texts("templates", suffix=".html"), in_template)
    assert {name: faults for name, faults in found.items() if set(map(str, faults)) - permitted(name)} == {}


def test_every_posting_form_outside_the_macros_carries_the_token() -> None:
    for name in MACROS:
        assert "csrf" in (ROOT / name).read_text(encoding="utf-8"), name


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        ('<p style="x">', "inline style"),
        ("<p style = 'x'>", "inline style"),
        ("<style>p {}</style>", "inline style"),
        ("<script>x</script>", "inline script"),
        ('<a href="javascript:x">', "inline script"),
        ("<a onclick='x'>", "inline handler"),
        ("{{ y|safe }}", "unescaped output"),
        ("{% autoescape false %}", "unescaped output"),
        ('<script src="https://cdn.example/x.js"></script>', "third-party asset"),
        ('<img alt="" src="//cdn.example/x.png">', "third-party asset"),
        ("<form action='/x' method=POST>", "posting form of its own"),
    ],
)
def test_the_rules_about_templates_find_bad_ones(bad: str, fault: str) -> None:
    assert in_template(bad) == [fault]


def test_the_rules_about_templates_leave_good_ones() -> None:
    good = '<script src="{{ asset(\'x.js\') }}" defer></script><a href="https://example.org/">x</a><form method="get">'
    assert in_template(good) == []
