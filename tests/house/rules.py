"""The rules of the house as functions over text: each gives what is wrong, so that each can be shown a bad example."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
VOCABULARY = {
    *("__init__", "models", "rules", "roles", "queries", "messages", "commands", "jobs", "views", "api", "exports"),
}
LONGEST_FILE, LONGEST_FUNCTION = 350, 40
MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b|pragma: no cover")
BRITISH = re.compile(r"\b\w*(?:organis|recognis|colour|behaviour|favourite|cancelled)\w*", re.IGNORECASE)
ADDRESS = re.compile(r"https?://\S+")
IN_TEMPLATES = {
    "inline style": r"\sstyle\s*=\s*[\"']|<style\b",
    "inline script": r"<script(?![^>]*\bsrc=)[^>]*>|javascript:",
    "inline handler": r"\son[a-z]+\s*=\s*[\"']",
    "unescaped output": r"\|\s*safe\b|autoescape\s+false",
    "third-party asset": r"<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)=[\"'](?:https?:)?//",
    "posting form of its own": r"<form\b[^>]*\bmethod\s*=\s*[\"']?post|\bformmethod\s*=",
}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def texts(*folders: str, suffix: str = ".py") -> Iterator[tuple[str, str]]:
    """Every file with its path as seen from the project's folder."""
    for folder in folders:
        for path in sorted(path for path in (ROOT / folder).rglob(f"*{suffix}") if path.is_file()):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def broken(files: Iterable[tuple[str, str]], rule: Callable[[str], Iterable[object]]) -> dict[str, list[object]]:
    """What a rule finds, by file."""
    return {name: found for name, text in files if (found := list(rule(text)))}


def functions(source: str) -> list[Function]:
    """Every function and method, nested ones too."""
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, FUNCTIONS)]


def called(node: ast.AST) -> set[str]:
    """The last names of what is called here: ``transaction`` for ``db.transaction()`` too."""
    found = set()
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            found |= {getattr(call.func, "id", ""), getattr(call.func, "attr", "")}
    return found - {""}


def too_long(source: str) -> list[str]:
    """A file that nobody reads to its end."""
    return [f"{lines} lines"] if (lines := len(source.splitlines())) > LONGEST_FILE else []


def long_functions(source: str) -> list[str]:
    """Functions that do not fit on a screen."""
    sizes = {node.name: (node.end_lineno or node.lineno) - node.lineno + 1 for node in functions(source)}
    return [f"{name}: {size} lines" for name, size in sizes.items() if size > LONGEST_FUNCTION]


def catches_everything(source: str) -> list[int]:
    """Lines with an ``except`` that would swallow a programming mistake."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            names = {getattr(kind, "id", getattr(kind, "attr", "")) for kind in kinds}
            if node.type is None or names & {"Exception", "BaseException"}:
                found.append(node.lineno)
    return sorted(found)


def ends_a_transaction(source: str) -> list[str]:
    """Calls of ``.commit()``; only core/db.py may."""
    return ["commit"] if "commit" in called(ast.parse(source)) else []


def reads_the_environment(source: str) -> list[str]:
    """Names that lead to the process's environment; a request has an ``environ`` of its own, which is another thing."""
    attributes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)]
    names = {node.attr for node in attributes if ast.unparse(node) != "request.environ"}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            names |= {alias.name for alias in node.names}
    return sorted(names & {"environ", "environb", "getenv"})


def says_nothing(source: str) -> list[str]:
    """A module with code and no word on why it is separate."""
    return ["no docstring"] if source.strip() and not ast.get_docstring(ast.parse(source)) else []


def left_for_later(source: str) -> list[str]:
    """Marks of work that was not done."""
    return [match.group(0) for match in MARKS.finditer(source)]


def british(text: str) -> list[str]:
    """British spelling, except in addresses, which are as they are."""
    return BRITISH.findall(ADDRESS.sub("", text))


def in_template(text: str) -> list[str]:
    """What a template must not contain."""
    return [name for name, pattern in IN_TEMPLATES.items() if re.search(pattern, text, re.IGNORECASE)]


def answers_get(view: Function) -> bool:
    """Whether a decorator makes this function answer GET."""
    for mark in view.decorator_list:
        if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute):
            methods = next((ast.unparse(given.value) for given in mark.keywords if given.arg == "methods"), "GET")
            if mark.func.attr == "get" or (mark.func.attr == "route" and "GET" in methods):
                return True
    return False


def writing_gets(*sources: str) -> list[str]:
    """Views answering GET that open a write transaction, themselves or through a function of these sources."""
    known = {node.name: node for source in sources for node in functions(source)}

    def writes(node: Function, seen: frozenset[str]) -> bool:
        calls = called(node)
        further = [known[name] for name in (calls & known.keys()) - seen]
        return "transaction" in calls or any(writes(one, seen | {one.name}) for one in further)

    views = [node for source in sources for node in functions(source) if answers_get(node)]
    return sorted(view.name for view in views if writes(view, frozenset({view.name})))
