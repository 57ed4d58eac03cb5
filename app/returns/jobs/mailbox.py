"""Fetching mail from an IMAP mailbox: kept first, marked as seen only then, so that no crash loses one.

A mail is known by its mailbox, the mailbox's UIDVALIDITY and its UID; one that is fetched twice is kept once.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog

from app.core.clock import utc_now
from app.core.db import transaction
from app.jobs.bell import job
from app.returns import commands
from app.returns.rules.replies import LARGEST_MAIL
from config.settings import Settings

LOT = 20
TIMEOUT = 30  # seconds for each answer of the server
TROUBLE = (imaplib.IMAP4.error, OSError)
TOO_LARGE = "It is larger than 30 MB and stays in the mailbox; here are its headers."
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where to fetch from. TLS, except on this machine, which the settings see to; ``context`` trusts the usual."""

    url: str
    context: ssl.SSLContext | None = None


class _Bound:
    mailbox: Mailbox | None = None


def bind(settings: Settings) -> None:
    """Choose the mailbox once, at the start; without one nothing is fetched."""
    use(Mailbox(settings.imap_url) if settings.imap_url else None)


def use(mailbox: Mailbox | None) -> None:
    """Fetch from this mailbox from now on."""
    _Bound.mailbox = mailbox


@job("returns.fetch")
def fetch() -> int:
    """Fetch one lot of unseen mail; returns how many were new to us."""
    mailbox = _Bound.mailbox
    if mailbox is None:
        return 0
    try:
        with _opened(mailbox) as server:
            return sum(_keep(server, where, uid) for where, uid in _unseen(server, mailbox))
    except TROUBLE as error:
        # Without its words, which may repeat what we said to log in. The next minute tries again.
        log.warning("the mailbox cannot be read", error=type(error).__name__)
        return 0


@contextmanager
def _opened(mailbox: Mailbox) -> Iterator[imaplib.IMAP4]:
    parts = urlsplit(mailbox.url)
    host = parts.hostname or "localhost"
    if parts.scheme == "imaps":
        context = mailbox.context or ssl.create_default_context()
        server: imaplib.IMAP4 = imaplib.IMAP4_SSL(host, parts.port or 993, ssl_context=context, timeout=TIMEOUT)
    else:
        server = imaplib.IMAP4(host, parts.port or 143, timeout=TIMEOUT)
    try:
        server.login(_quoted(unquote(parts.username or "")), unquote(parts.password or ""))
        _expect(server.select(_quoted(_folder(mailbox))))
        yield server
    finally:
        # All that matters is kept and marked by now; a server that hangs up first takes nothing back.
        with contextlib.suppress(*TROUBLE):
            server.logout()
        with contextlib.suppress(OSError):
            server.shutdown()


def _unseen(server: imaplib.IMAP4, mailbox: Mailbox) -> list[tuple[str, str]]:
    """The first unseen mails: where each comes from, as we know it, and its UID."""
    validity = (server.response("UIDVALIDITY")[1] or [b""])[0] or b"0"
    parts = urlsplit(mailbox.url)
    box = f"imap:{unquote(parts.username or '')}@{parts.hostname}/{_folder(mailbox)}"[:300]
    found = _expect(server.uid("SEARCH", "UNSEEN"))
    uids = (found[0] or b"").decode("ascii").split()
    return [(f"{box}:{validity.decode('ascii')}:{uid}", uid) for uid in uids[:LOT]]


def _keep(server: imaplib.IMAP4, source: str, uid: str) -> bool:
    """Keep one mail, and mark it as seen once that is committed; whether it was new to us."""
    size = re.search(rb"RFC822\.SIZE (\d+)", _line(_expect(server.uid("FETCH", uid, "(RFC822.SIZE)"))))
    if size is None:
        return False  # another program moved or deleted it
    too_large = int(size[1]) > LARGEST_MAIL
    raw = _literal(_expect(server.uid("FETCH", uid, "(BODY.PEEK[HEADER])" if too_large else "(BODY.PEEK[])")))
    if raw is None:
        return False
    with transaction() as session:
        problem = TOO_LARGE if too_large else ""
        is_new = commands.receive(session, raw, source=source, problem=problem, now=utc_now())
    _expect(server.uid("STORE", uid, "+FLAGS.SILENT", "(\\Seen)"))
    return is_new


def _expect(answer: tuple[str, list[Any]]) -> list[Any]:
    if answer[0] != "OK":
        raise imaplib.IMAP4.error("the server refused a command")
    return answer[1]


def _line(data: list[Any]) -> bytes:
    return b" ".join(one for one in data if isinstance(one, bytes))


def _literal(data: list[Any]) -> bytes | None:
    return next((bytes(one[1]) for one in data if isinstance(one, tuple)), None)


def _folder(mailbox: Mailbox) -> str:
    return unquote(urlsplit(mailbox.url).path.strip("/")) or "INBOX"


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
