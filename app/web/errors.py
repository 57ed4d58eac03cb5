"""The one translator of refusals: a page for people, ``application/problem+json`` for programs."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Flask, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from app.core import db
from app.core.errors import Invalid, Refusal, TooMany

log = structlog.get_logger()

TITLES = {
    400: "This request could not be read",
    403: "Not allowed",
    404: "Not found",
    405: "This address takes no such request",
    409: "This is not possible any more",
    410: "This link has run out",
    413: "Too large",
    422: "Some answers need another look",
    429: "Too many tries",
    500: "Something broke here",
    503: "Busy",
}
SENTENCES = {
    404: "There is no such page, or it is not yours to see.",
    405: "Go back and use the page's own buttons.",
    413: "What you sent is too large. Make it smaller and try again.",
    500: "The mistake is ours and has been written down. Nothing you did was half done; try again in a minute.",
}


def wants_json() -> bool:
    """Whether the asker is a program."""
    best = request.accept_mimetypes.best_match(["text/html", "application/json", "application/problem+json"])
    return best is not None and best != "text/html" and bool(request.headers.get("Accept", "").strip() != "*/*")


def answer(status: int, sentence: str, *, problems: dict[str, str] | None = None) -> Response:
    """A refusal as this asker can read it."""
    title = TITLES.get(status, "This cannot be done")
    if wants_json():
        body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "detail": sentence}
        if problems:
            body["errors"] = problems
        response = jsonify(body)
        response.mimetype = "application/problem+json"
        response.status_code = status
        return response
    page = render_template("web/refusal.html", title=title, sentence=sentence, problems=problems or {}, status=status)
    return make_response(page, status)


def _refused(refusal: Refusal) -> Response:
    problems = refusal.problems if isinstance(refusal, Invalid) else None
    response = answer(refusal.status, refusal.sentence, problems=problems)
    if isinstance(refusal, TooMany):
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:
        return make_response(error.get_response())
    response = answer(status, SENTENCES.get(status, "Go back and try again."))
    if status == 405 and isinstance(getattr(error, "valid_methods", None), (list, tuple, set)):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))  # type: ignore[attr-defined]
    return response


def _csrf(error: CSRFError) -> Response:
    log.info("csrf refused", reason=error.description)
    return answer(
        400,
        "This page was open for too long or in another session. Open it again and send the form once more.",
    )


def _busy(error: OperationalError) -> Response:
    log.error("database unavailable", error=type(error.orig).__name__)
    full = db.is_full()
    why, when = ("The disk of this site is full", "later") if full else ("The database is busy", "in a few seconds")
    response = answer(503, f"{why}. Nothing was changed; try again {when}.")
    response.headers["Retry-After"] = "300" if full else "5"
    return response


class Quiet(Flask):
    """An app whose log names a route where Flask's would write out the address, which may be somebody's link."""

    def log_exception(self, exc_info: Any) -> None:
        """Log a mistake of ours with its traceback."""
        rule = request.url_rule.rule if request.url_rule is not None else "an address without a page"
        self.logger.error("Mistake at %s [%s]", rule, request.method, exc_info=exc_info)


def install(app: Flask) -> None:
    """Hang the translator into the app."""
    app.register_error_handler(Refusal, _refused)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OperationalError, _busy)
