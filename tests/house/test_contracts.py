"""The house holds: imports, sizes, words, and what stands in one place only."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FEATURES = (
    *("accounts", "coalitions", "targets", "campaigns", "deliveries", "supporters", "statements", "signons"),
    *("petitions", "broadcasts", "publishing", "operations"),
)
VOCABULARY = {
    "__init__",
    "models",
    "rules",
    "roles",
    "queries",
    "messages",
    "commands",
    "jobs",
    "views",
    "api",
    "exports",
}
LONGEST_FILE, LONGEST_FUNCTION = 350, 40


def python_files(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def too_long(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    found = [f"{path}: {lines} lines"] if (lines := text.count("\n")) > LONGEST_FILE else []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                found.append(f"{path}:{node.lineno} {node.name}: {length} lines")
    return found


def catches_everything(path: Path) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
    ]


def test_the_import_contracts_hold() -> None:
    program = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    checked = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_uses_only_the_vocabulary_of_the_house(feature: str) -> None:
    names = {path.stem for path in (ROOT / "app" / feature).iterdir() if path.name != "__pycache__"}
    assert names <= VOCABULARY


def test_no_file_and_no_function_outgrows_the_house() -> None:
    found = [row for path in python_files("app", "config", "tests") for row in too_long(path) if "tests" not in row]
    found += [row for path in python_files("tests") for row in too_long(path) if row.endswith("lines") and ":" in row]
    assert [row for row in found if not re.search(r"tests/.*:\d+ ", row)] == []


def test_a_transaction_ends_in_one_place() -> None:
    places = [
        str(path.relative_to(ROOT))
        for path in python_files("app", "config")
        if re.search(r"\.commit\(", path.read_text(encoding="utf-8"))
    ]
    assert places == ["app/core/db.py"]


def test_only_the_worker_catches_everything() -> None:
    places = [
        (str(path.relative_to(ROOT)), len(lines))
        for path in python_files("app", "config")
        if (lines := catches_everything(path))
    ]
    assert places == [("app/jobs/worker.py", 1)]


def test_every_module_says_why_it_is_separate() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in python_files("app", "config")
        if path.read_text(encoding="utf-8").strip()
        and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b|pragma: no cover")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in python_files("app", "config", "tests", "migrations")
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if marks.search(line)
    ]
    assert found == []


def test_the_spelling_is_american() -> None:
    british = re.compile(r"\b\w*(organis|recognis|colour|behaviour|favourite|cancelled)\w*", re.IGNORECASE)
    files = [*python_files("app", "config"), *(ROOT / "templates").rglob("*.*"), *(ROOT / "docs").rglob("*.md")]
    found = [
        f"{path.relative_to(ROOT)}: {match.group(0)}"
        for path in files
        if (match := british.search(path.read_text(encoding="utf-8")))
    ]
    assert found == []


def test_the_size_rule_finds_what_is_too_long(tmp_path: Path) -> None:
    bad = tmp_path / "long.py"
    bad.write_text("def long():\n" + "    x = 1\n" * 45 + "\n" * 400, encoding="utf-8")
    assert len(too_long(bad)) == 2


def test_the_catching_rule_finds_both_kinds(tmp_path: Path) -> None:
    bad = tmp_path / "broad.py"
    bad.write_text(
        "try:\n    x = 1\nexcept Exception:\n    x = 2\ntry:\n    x = 1\nexcept:\n    x = 2\n", encoding="utf-8"
    )
    assert catches_everything(bad) == [3, 7]
