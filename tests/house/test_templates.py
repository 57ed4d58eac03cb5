"""Templates: all used, all there, nothing inline, nothing unescaped, every posting form through the macros."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TEMPLATES = ROOT / "templates"
REFERENCE = re.compile(r"""["']([\w/.-]+\.(?:html|txt))["']""")
BAD = {
    "inline style": r"\sstyle=\"",
    "inline script": r"<script(?![^>]*\bsrc=)[^>]*>",
    "inline handler": r"\son[a-z]+=\"",
    "unescaped output": r"\|\s*safe\b",
    "third-party asset": r"(?:src|href)=\"https?://[^\"]*\.(?:js|css|woff2?)",
}


def names() -> set[str]:
    return {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*") if path.is_file()}


def references() -> set[str]:
    sources = [*(ROOT / "app").rglob("*.py"), *TEMPLATES.rglob("*.html"), *TEMPLATES.rglob("*.txt")]
    found: set[str] = set()
    for path in sources:
        text = path.read_text(encoding="utf-8")
        found |= set(REFERENCE.findall(text))
        for letter in re.findall(r"""["'](\w+/mail/\w+)["']""", text):
            found |= {f"{letter}.txt", f"{letter}.html"}
    return found


def faults(text: str) -> list[str]:
    return [name for name, pattern in BAD.items() if re.search(pattern, text)]


def test_every_template_is_used() -> None:
    assert sorted(names() - references()) == []


def test_every_template_that_is_named_exists() -> None:
    named = {
        name
        for name in references()
        if "/" in name and name.split("/")[0] in {path.name for path in TEMPLATES.iterdir()}
    }
    assert sorted(named - names()) == []


def test_no_template_runs_or_loads_what_the_policy_forbids() -> None:
    found = {
        str(path.relative_to(TEMPLATES)): bad
        for path in TEMPLATES.rglob("*.html")
        if (bad := faults(path.read_text(encoding="utf-8")))
    }
    assert found == {}


def test_every_posting_form_goes_through_the_macros() -> None:
    allowed = {"components/forms.html", "components/page.html", "layouts/workroom.html"}
    found = [
        name
        for path in TEMPLATES.rglob("*.html")
        if (name := str(path.relative_to(TEMPLATES))) not in allowed
        and re.search(r"<form[^>]*method=\"post\"", path.read_text(encoding="utf-8"), re.IGNORECASE)
    ]
    assert found == []


def test_the_rules_about_templates_find_bad_ones() -> None:
    assert faults('<p style="x">') == ["inline style"]
    assert faults("<script>x</script>") == ["inline script"]
    assert faults('<a onclick="x">{{ y|safe }}') == ["inline handler", "unescaped output"]
