"""A reader of written letters while developing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from flask import request
from flask.typing import ResponseReturnValue

from app.core.errors import NotFound
from app.mail.mime import filename
from app.mail.views.blueprint import as_html, blueprint, settings
from app.web.pages import cursor, download, page
from app.web.security import development

PAGE = 50
NEWEST = 2_000  # letters that a search looks through
NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]*\.eml")


def _folder() -> Path:
    return settings().var_dir / "mail"


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
    return as_html(html.get_content())


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
