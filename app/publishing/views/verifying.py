"""Checking words or a PDF against the letters published here. Nothing that is pasted or uploaded is kept."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import request
from flask.typing import ResponseReturnValue

from app.core import limits
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import Invalid
from app.core.text import canonical, digest
from app.press.letter import read_statement
from app.publishing.queries import public as queries
from app.publishing.rules import LONGEST_PASTE, Finding, Found
from app.publishing.views.shared import absolute, blueprint
from app.statements.queries import by_digest, public_statement
from app.statements.rules import check_words, reads_the_same
from app.web.forms import form_state, redisplays
from app.web.pages import page
from app.web.security import actor, public

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.statements.models import Statement

# How many letters are compared word by word when the digest of pasted words is nobody's.
COMPARED = 100
TRIES = 30


@blueprint.get("/statements/<slug>/verify")
@public
def verify(slug: str) -> ResponseReturnValue:
    """The form under one letter."""
    return _page(slug, None)


@blueprint.post("/statements/<slug>/verify")
@public
@redisplays(verify)
def check(slug: str) -> ResponseReturnValue:
    """Compare what was given with this letter."""
    _spend_try()
    with reading() as session:
        statement = public_statement(session, slug)
        finding = _of_file(session, statement) or _of_words(session, statement, _pasted())
    return _page(slug, finding)


@blueprint.get("/verify")
@public
def verify_any() -> ResponseReturnValue:
    """The form for words whose letter one does not know."""
    return _page(None, None)


@blueprint.post("/verify")
@public
@redisplays(verify_any)
def check_any() -> ResponseReturnValue:
    """Look among all published letters."""
    _spend_try()
    with reading() as session:
        finding = _of_file(session, None)
        if finding is None:
            given = _pasted()
            finding = _by_digest(session, given) or _anywhere(session, given)
    return _page(None, finding)


def _spend_try() -> None:
    """Comparing takes seconds of work at the worst; nobody needs it more than thirty times in ten minutes."""
    whom, now = limits.network(actor().address), utc_now()
    with transaction() as session:
        limits.spend(session, "verify", whom, allowed=TRIES, per=timedelta(minutes=10), now=now)


def _page(slug: str | None, finding: Finding | None) -> str:
    with reading() as session:
        statement = public_statement(session, slug) if slug else None
        coalition = statement.campaign.coalition if statement else None
        path = f"/statements/{slug}/verify" if slug else "/verify"
        return page(
            "publishing/verify.html",
            statement=statement,
            coalition=coalition,
            demo=bool(coalition and coalition.is_demo),
            finding=finding,
            path=path,
            form=form_state(),
            canonical=absolute(path),
            share_image=absolute(f"/statements/{statement.slug}/share.png" if statement else "/share.png"),
        )


def _pasted() -> str:
    words = request.form.get("words", "")
    if not canonical(words).strip():
        raise Invalid({"words": "Paste the words, or choose a PDF."})
    if len(words) > LONGEST_PASTE:
        raise Invalid({"words": f"This is longer than a letter: paste at most {LONGEST_PASTE:,} characters."})
    return words


def _uploaded() -> bytes | None:
    file = request.files.get("file")
    if file is None or not file.filename:
        return None
    body: bytes = file.read()
    if not body.startswith(b"%PDF-"):
        raise Invalid({"file": "This is not a PDF. Choose the letter’s PDF, or paste its words."})
    return body


def _of_file(session: Session, statement: Statement | None) -> Finding | None:
    """What is known of an uploaded PDF: first by its bytes, then by the text it carries."""
    body = _uploaded()
    if body is None:
        return None
    known = queries.document_of(session, hashlib.sha256(body).hexdigest())
    if known is not None and (statement is None or known[1].id == statement.id):
        return _named(Found.DELIVERED, known[1])
    carried = read_statement(body)
    if carried is None:
        sentence = (
            "This PDF carries no text of a letter from here, and it is none of the delivered files. "
            "If it was printed or saved anew, paste its words instead."
        )
        raise Invalid({"file": sentence})
    whose = by_digest(session, digest(carried))
    if whose is not None and (statement is None or whose.digest == statement.digest):
        return _named(Found.CARRIES, statement or whose)
    if statement is None:
        return Finding(Found.NOTHING, digest=digest(carried))
    return _of_words(session, statement, carried)


def _of_words(session: Session, statement: Statement, words: str) -> Finding:
    """Pasted words against one letter; if they are another letter's, which."""
    verdict = check_words(statement, words)
    if verdict.same:
        return _named(Found.SAME, statement)
    if verdict.same_words:
        return Finding(Found.SAME_WORDS, digest(words), title=statement.title, path=f"/statements/{statement.slug}")
    other = by_digest(session, digest(words))
    if other is not None:
        return _named(Found.SAME, other)
    return Finding(
        Found.DIFFERENT,
        digest(words),
        parts=tuple(verdict.parts),
        title=statement.title,
        path=f"/statements/{statement.slug}",
    )


def _by_digest(session: Session, given: str) -> Finding | None:
    """A digest typed or copied instead of words: 64 digits, with or without gaps."""
    digits = re.sub(r"\s+", "", given).lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        return None
    whose = by_digest(session, digits)
    return _named(Found.SAME, whose) if whose is not None else Finding(Found.NOTHING, digits)


def _anywhere(session: Session, words: str) -> Finding:
    whose = by_digest(session, digest(words))
    if whose is not None:
        return _named(Found.SAME, whose)
    for statement in queries.newest_letters(session, COMPARED):
        if reads_the_same(statement, words):
            return Finding(Found.SAME_WORDS, digest(words), title=statement.title, path=f"/statements/{statement.slug}")
    return Finding(Found.NOTHING, digest(words))


def _named(found: Found, statement: Statement) -> Finding:
    path = f"/statements/{statement.slug}"
    return Finding(found, statement.digest or "", title=statement.title, path=path)
