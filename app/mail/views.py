"""The outbox for operators, and a reader of written letters while developing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import NotFound
from app.mail import commands, queries
from app.mail.mime import filename
from app.web.pages import cursor, download, page, see_other
from app.web.security import actor, as_letter, development, operator

blueprint = Blueprint("mail", __name__)
PAGE = 50
NEWEST = 2_000  # letters that a search looks through
NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*\.eml")
TONES = {"failed": "bad", "unknown": "warn"}


def _folder() -> Path:
    folder: Path = current_app.config["SETTINGS"].var_dir / "mail"
    return folder


def _letter(name: str, *, headers_only: bool = False) -> EmailMessage:
    """A written letter. Only a plain name of a file in the folder is looked for."""
    path = _folder() / name
    if not NAME.fullmatch(name) or not path.is_file():
        raise NotFound
    message = BytesParser(policy=policy.default).parsebytes(path.read_bytes(), headersonly=headers_only)
    assert isinstance(message, EmailMessage)  # noqa: S101 - the default policy makes these
    return message


@blueprint.get("/dev/mail")
@development
def written() -> ResponseReturnValue:
    """The letters of the development transport, newest first; ``?q=`` looks in recipient and subject."""
    asked = request.args.get("q", "").strip()
    start = max(cursor() or 0, 0)
    paths = sorted(_folder().glob("*.eml"), key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    if asked:
        paths = [path for path in paths[:NEWEST] if asked.casefold() in _line(path).casefold()]
    shown = [_summary(path) for path in paths[start : start + PAGE]]
    older = start + PAGE if len(paths) > start + PAGE else None
    newer = max(start - PAGE, 0) if start else None
    return page("mail/written.html", letters=shown, total=len(paths), older=older, newer=newer, asked=asked)


def _line(path: Path) -> str:
    message = _letter(path.name, headers_only=True)
    return f"{message['To']} {message['Subject']}"


def _summary(path: Path) -> dict[str, object]:
    message = _letter(path.name, headers_only=True)
    at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return {"name": path.name, "to": message["To"], "sender": message["From"], "subject": message["Subject"], "at": at}


@blueprint.get("/dev/mail/<name>")
@development
def read(name: str) -> ResponseReturnValue:
    """One letter: its headers, its text, its files."""
    message = _letter(name)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    files = [filename(part.get_filename() or "") for part in message.iter_attachments()]
    return page(
        "mail/read.html",
        name=name,
        message=message,
        headers=[(field, str(value)) for field, value in message.items()],
        text=text.get_content() if text is not None else "",
        has_html=html is not None,
        files=files,
    )


@blueprint.get("/dev/mail/<name>/html")
@development
def read_html(name: str) -> ResponseReturnValue:
    """The letter as a mail reader shows it, under a policy of its own."""
    html = _letter(name).get_body(("html",))
    if html is None:
        raise NotFound
    return as_letter(Response(html.get_content(), mimetype="text/html"))


@blueprint.get("/dev/mail/<name>/files/<int:number>")
@development
def read_file(name: str, number: int) -> ResponseReturnValue:
    """A file that goes with a letter; counted from 1."""
    files = list(_letter(name).iter_attachments())
    if not 1 <= number <= len(files):
        raise NotFound
    body = files[number - 1].get_payload(decode=True)
    return download(
        body if isinstance(body, bytes) else b"",
        filename(files[number - 1].get_filename() or ""),
        files[number - 1].get_content_type(),
    )


@blueprint.get("/operator/mail")
@operator
def outbox() -> ResponseReturnValue:
    """How many letters stand where, what holds them back, and which need a person."""
    with reading() as session:
        rows = queries.troubled(session, before=cursor(), limit=PAGE + 1)
        return page(
            "mail/outbox.html",
            counts=queries.counts_by_state(session),
            oldest=queries.oldest_waiting(session),
            pauses=queries.pauses(session),
            letters=rows[:PAGE],
            older=rows[PAGE - 1].id if len(rows) > PAGE else None,
            tones=TONES,
            at=utc_now(),
        )


@blueprint.post("/operator/mail/hold")
@operator
def hold() -> ResponseReturnValue:
    """Hold back every letter."""
    transport = current_app.config["SETTINGS"].mail_transport.value
    with transaction() as session:
        commands.hold(session, transport, by=actor(), now=utc_now())
    return see_other("/operator/mail", "Letters are held back until you let them leave.")


@blueprint.post("/operator/mail/resume")
@operator
def resume() -> ResponseReturnValue:
    """Let letters leave again."""
    with transaction() as session:
        commands.resume(session, by=actor())
    return see_other("/operator/mail", "Letters leave again.")


@blueprint.post("/operator/mail/<int:email>/retry")
@operator
def retry(email: int) -> ResponseReturnValue:
    """Try a failed letter again."""
    with transaction() as session:
        commands.retry(session, email, by=actor(), now=utc_now())
    return see_other("/operator/mail", "The letter will be tried again.")
