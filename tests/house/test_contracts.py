"""The house holds: sizes, words, and what stands in one place only. Each rule is shown a bad example as well."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from tests.house import rules
from tests.house.rules import ROOT, broken, texts

# The rules and their examples say the words they forbid.
SELF = ("tests/house/rules.py", "tests/house/test_contracts.py")


def test_no_file_outgrows_the_house() -> None:
    assert broken(texts("app", "config", "tests"), rules.too_long) == {}


def test_no_function_outgrows_a_screen() -> None:
    # Tests are left out: a flow is one story, told in one breath.
    assert broken(texts("app", "config"), rules.long_functions) == {}


def test_a_transaction_ends_in_one_place() -> None:
    assert list(broken(texts("app", "config"), rules.ends_a_transaction)) == ["app/core/db.py"]


def test_only_the_worker_catches_everything_and_once() -> None:
    found = broken(texts("app", "config"), rules.catches_everything)
    assert {name: len(lines) for name, lines in found.items()} == {"app/jobs/worker.py": 1}


def test_every_module_says_why_it_is_separate() -> None:
    # Tests are left out: their names are sentences already.
    assert broken(texts("app", "config", "migrations"), rules.says_nothing) == {}


def test_nothing_is_left_for_later() -> None:
    files = [(name, text) for name, text in texts("app", "config", "tests", "migrations") if name not in SELF]
    assert broken(files, rules.left_for_later) == {}


def test_the_spelling_is_american() -> None:
    words = [*texts("app", "config"), *texts("templates", suffix=""), *texts("docs", suffix=".md")]
    words += [(name, (ROOT / name).read_text(encoding="utf-8")) for name in ("README.md", "CHANGELOG.md")]
    assert broken(words, rules.british) == {}


@pytest.mark.parametrize(
    ("rule", "bad", "good"),
    [
        (rules.too_long, "x = 1\n" * 351, "x = 1\n" * 350),
        (rules.long_functions, "def f():\n" + "    x = 1\n" * 40, "def f():\n" + "    x = 1\n" * 39),
        (rules.long_functions, "class C:\n  async def f():\n" + "    x = 1\n" * 40, "x = 1\n" * 60),
        (rules.ends_a_transaction, "session.commit()", "with transaction() as session: session.flush()"),
        (rules.catches_everything, "try: f()\nexcept: g()", "try: f()\nexcept ValueError: g()"),
        (rules.catches_everything, "try: f()\nexcept Exception as e: g()", "raise Exception"),
        (rules.catches_everything, "try: f()\nexcept (KeyError, Exception): g()", "try: f()\nexcept (A, B): g()"),
        (rules.reads_the_environment, "import os\nos.environ['X']", "import os\nos.cpu_count()"),
        (rules.reads_the_environment, "import os\nos.environ.get('X')", "request.environ.get('X')"),
        (rules.reads_the_environment, "from os import getenv\ngetenv('X')", "from os import sep"),
        (rules.says_nothing, "x = 1", '"""Why."""\nx = 1'),
        (rules.left_for_later, "x = 1  # TODO: later", "todo_list = 1"),
        (rules.left_for_later, "raise NotImplementedError", "raise NotFound"),
        (rules.british, "An organisation", "An organization, see https://example.org/organisation"),
    ],
)
def test_a_rule_finds_the_bad_example_and_leaves_the_good_one(
    rule: Callable[[str], Iterable[object]], bad: str, good: str
) -> None:
    assert list(rule(bad))
    assert not list(rule(good))
