"""Checks a request against SendGrid's own published description of ``POST /v3/mail/send`` (beside this, MIT license).

A small validator of the parts of JSON Schema that the description uses; a property it does not know is a mistake, and
so is what its prose forbids.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import yaml

DESCRIPTION = Path(__file__).parent / "sendgrid" / "tsg_mail_v3.yaml"
KINDS: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "number": (int, float),
}
RESERVED = {
    *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"),
    *("to", "from", "subject", "reply-to", "cc", "bcc"),
}


@functools.cache
def _description() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))
    return loaded


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        found: Any = _description()
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema


def problems(request: dict[str, Any]) -> list[str]:
    """Everything in a request that SendGrid's description does not allow."""
    body = _resolved(_description()["paths"]["/v3/mail/send"]["post"]["requestBody"])
    found = _check(request, body["content"]["application/json"]["schema"], "$")
    return found + _prose(request)


def _check(value: Any, schema: dict[str, Any], at: str) -> list[str]:
    schema = _resolved(schema)
    kind = schema.get("type")
    if kind and (not isinstance(value, KINDS[kind]) or (kind == "integer" and isinstance(value, bool))):
        return [f"{at}: is no {kind}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: is none of {schema['enum']}"]
    if isinstance(value, str):
        return _check_text(value, schema, at)
    if isinstance(value, list):
        found = [f"{at}: too many"] if len(value) > schema.get("maxItems", len(value)) else []
        return found + [one for i, item in enumerate(value) for one in _check(item, schema["items"], f"{at}[{i}]")]
    if isinstance(value, dict):
        return _check_object(value, schema, at)
    return []


def _check_text(value: str, schema: dict[str, Any], at: str) -> list[str]:
    found = [f"{at}: too short"] if len(value) < schema.get("minLength", 0) else []
    if schema.get("format") == "email" and (value.count("@") != 1 or not value.isascii() or " " in value):
        found.append(f"{at}: is no address")
    return found


def _check_object(value: dict[str, Any], schema: dict[str, Any], at: str) -> list[str]:
    known = schema.get("properties")
    found = [f"{at}.{name}: is missing" for name in schema.get("required", []) if name not in value]
    for name, inner in value.items():
        if known is not None and name in known:
            found += _check(inner, known[name], f"{at}.{name}")
        elif "additionalProperties" in schema:
            found += _check(inner, schema["additionalProperties"], f"{at}.{name}")
        elif known is not None:
            found.append(f"{at}.{name}: is not described")
    return found


def _prose(request: dict[str, Any]) -> list[str]:
    """What only the description's words say."""
    people = request["personalizations"]
    headers = [name for one in (request, *people) for name in one.get("headers", {})]
    found = [f"header {name} is reserved" for name in headers if name.lower() in RESERVED]
    if sum(len(one.get(kind, [])) for one in people for kind in ("to", "cc", "bcc")) > 1000:
        found.append("more than 1000 recipients")
    seen: set[str] = set()
    for one in people:
        found += _person_prose(one, seen)
    kinds = [part["type"] for part in request["content"]]
    if kinds != sorted(kinds, key=["text/plain", "text/html"].index):
        found.append("text/plain must come first")
    if len(set(request.get("categories", []))) < len(request.get("categories", [])):
        found.append("a category stands there twice")
    if len(json.dumps(request)) >= 30_000_000:
        found.append("larger than 30 MB")
    return found


def _person_prose(one: dict[str, Any], seen: set[str]) -> list[str]:
    """What the words say of one personalization."""
    found: list[str] = []
    for person in one["to"]:
        if set(person.get("name", "")) & set(";,"):
            found.append("a name holds a comma or semicolon")
        if person["email"].casefold() in seen:
            found.append("an address stands there twice")
        seen.add(person["email"].casefold())
    for kind, name in (("custom_args", "custom arguments"), ("substitutions", "substitutions")):
        given = one.get(kind, {})
        if any(not isinstance(value, str) for value in given.values()):
            found.append(f"{name} are no text")
        elif sum(len(key.encode()) + len(value.encode()) for key, value in given.items()) > 10_000:
            found.append(f"{name} are larger than 10,000 bytes")
    return found
