"""Reading a posted form into a command's Input, and showing it again with its problems and nothing lost."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import g, make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app.core.errors import Conflict, Invalid, Refusal, TooMany
from app.core.inputs import Input, storable
from app.web.errors import wants_json

Entry = TypeVar("Entry", bound=Input)
ViewFunction = Callable[..., ResponseReturnValue]


@dataclass(frozen=True)
class FormState:
    """What a form shows: a value (text, or a list of texts) and perhaps a sentence for each field."""

    id: str = "form"
    values: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


def posted(kind: type[Entry]) -> Entry:
    """The posted form as the command's Input. Fields whose type is a list take every value given."""
    return kind.of(_flat(kind, request.form))


def asked(kind: type[Entry]) -> Entry:
    """What stands behind the question mark of an address as an Input, like ``posted``."""
    return kind.of(_flat(kind, request.args))


def typed(name: str) -> str:
    """One field that no Input reads; "" if it was not given."""
    return str(storable(request.form.get(name, "")))


def _flat(kind: type[Input], form: MultiDict[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in form:
        information = kind.model_fields.get(name)
        takes_list = information is not None and "list[" in str(information.annotation)
        values[name] = form.getlist(name) if takes_list else form.get(name)
    return values


def form_state(initial: Mapping[str, Any] | None = None, *, name: str = "form") -> FormState:
    """What the form shows now: what was just refused, or else ``initial``.

    ``name`` tells two forms on one page apart; give the same to ``redisplays``.
    """
    failed = g.get("failed_form")
    if failed is not None and failed.id == name:
        return FormState(id=name, values=failed.values, errors=failed.errors)
    return FormState(id=name, values={key: _shown(value) for key, value in (initial or {}).items()})


def _shown(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, list):
        return [str(item) for item in value]
    return str(getattr(value, "value", value))


def redisplays(show: ViewFunction, *, name: str = "form") -> Callable[[ViewFunction], ViewFunction]:
    """For a view that reads a form: when its input is refused, show ``show``'s page with what was typed and why.

    A Conflict or a limit is shown the same way, on top of the form, so that a closed deadline loses nobody's words. A
    program gets ``application/problem+json`` instead.
    """

    def wrap(view: ViewFunction) -> ViewFunction:
        @functools.wraps(view)
        def attempt(**arguments: Any) -> ResponseReturnValue:
            try:
                return view(**arguments)
            except (Invalid, Conflict, TooMany) as refusal:
                if wants_json():
                    raise
                return _again(show, refusal, name, arguments)

        return attempt

    return wrap


def _again(show: ViewFunction, refusal: Refusal, name: str, arguments: dict[str, Any]) -> Response:
    problems = refusal.problems if isinstance(refusal, Invalid) else {"": refusal.sentence}
    sent = request.form if request.method == "POST" else request.args
    given = {key: [str(storable(one)) for one in sent.getlist(key)] for key in sent}
    values = {key: found if len(found) > 1 else found[0] for key, found in given.items()}
    g.failed_form = FormState(id=name, values=values, errors=problems)
    response = make_response(show(**arguments))
    response.status_code = refusal.status
    response.headers["Cache-Control"] = "no-store"
    if isinstance(refusal, TooMany):
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response
