"""Fetching mail from an IMAP mailbox: kept first, marked as seen only then, so that no crash loses one.

A mail is known by its mailbox, the mailbox's UIDVALIDITY and its UID; one that is fetched twice is kept once.
"""

from __future__ import annotations

import contextlib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from sqlalchemy.exc import OperationalError

from app.core.clock import utc_now
from app.core.db import transaction
from app.jobs.bell import job
from app.returns import commands
from app.returns.jobs.talking import TROUBLE, Conversation, expected
from app.returns.rules.replies import LARGEST_MAIL
from config.settings import Settings

LOT = 20
SPARE = 60.0  # seconds; with fewer left no further mail is begun
HEADERS = 1024 * 1024
ONLY_HEADERS, ONLY_A_NOTE = 10, 20  # after so many tries, a minute apart, that ended without the mail
TOO_LARGE = "It is larger than 30 MB and stays in the mailbox; here are its headers."
TROUBLED = "The mailbox’s server did not give it whole, often as it was asked. It stays in the mailbox, marked as seen."
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where to fetch from. TLS, except on this machine, which the settings see to; ``context`` trusts the usual.

    The server may be silent for ``patience`` seconds, and a conversation takes ``longest`` seconds at most.
    """

    url: str
    context: ssl.SSLContext | None = None
    patience: float = 30
    longest: float = 300


class _Bound:
    mailbox: Mailbox | None = None
    # How often a mail was begun and not had, by its source. Kept by the process: a new one tries afresh.
    tries: dict[str, int] = {}  # noqa: RUF012 - one dictionary for the process is what is wanted


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
    kept = 0
    try:
        with _opened(mailbox) as server:
            for source, uid in _unseen(server, mailbox):
                if server.seconds_left < min(SPARE, mailbox.longest / 2):
                    break
                kept += _keep(server, source, uid)
    except TROUBLE as error:
        # Without its words, which may repeat what we said to log in. The next minute tries again.
        log.warning("the mailbox cannot be read", error=type(error).__name__)
        return 0
    return kept


@contextmanager
def _opened(mailbox: Mailbox) -> Iterator[Conversation]:
    parts = urlsplit(mailbox.url)
    is_secure = parts.scheme == "imaps"
    context = (mailbox.context or ssl.create_default_context()) if is_secure else None
    server = Conversation(
        parts.hostname or "localhost",
        parts.port or (993 if is_secure else 143),
        context=context,
        patience=mailbox.patience,
        longest=mailbox.longest,
    )
    try:
        server.login(_quoted(unquote(parts.username or "")), unquote(parts.password or ""))
        expected(server.select(_quoted(_folder(mailbox))))
        yield server
    finally:
        # All that matters is kept and marked by now; a server that hangs up first takes nothing back.
        with contextlib.suppress(*TROUBLE):
            server.logout()
        with contextlib.suppress(OSError):
            server.shutdown()


def _unseen(server: Conversation, mailbox: Mailbox) -> list[tuple[str, str]]:
    """A lot of unseen mails: where each comes from, as we know it, and its UID. Those that made trouble come last."""
    validity = (server.response("UIDVALIDITY")[1] or [b""])[0] or b"0"
    parts = urlsplit(mailbox.url)
    box = f"imap:{unquote(parts.username or '')}@{parts.hostname}/{_folder(mailbox)}"[:300]
    box = f"{box}:{validity.decode('ascii')[:20]}"
    found = server.ask("SEARCH", "UNSEEN")
    uids = [uid for uid in (found[0] or b"").decode("ascii").split() if uid.isdecimal() and len(uid) <= 10]
    sources = {f"{box}:{uid}": uid for uid in uids}
    _Bound.tries = {source: number for source, number in _Bound.tries.items() if source in sources}
    return sorted(sources.items(), key=lambda one: _Bound.tries.get(one[0], 0))[:LOT]


def _keep(server: Conversation, source: str, uid: str) -> bool:
    """Keep one mail, and mark it as seen once that is committed; whether it was new to us.

    A mail that the server never gives whole must not keep those behind it from us: after some tries its headers are
    enough, in the end a note.
    """
    tries = _Bound.tries.get(source, 0)
    _Bound.tries[source] = tries + 1
    raw, problem = _asked(server, uid, tries)
    if raw is None:
        return False
    try:
        with transaction() as session:
            is_new = commands.receive(session, raw, source=source, problem=problem, now=utc_now())
    except OperationalError:
        _Bound.tries[source] = tries  # our own disk or database: nothing that the mail or its server did
        raise
    server.ask("STORE", uid, "+FLAGS.SILENT", "(\\Seen)")
    _Bound.tries.pop(source, None)
    return is_new


def _asked(server: Conversation, uid: str, tries: int) -> tuple[bytes | None, str]:
    """A mail's bytes and what kept us from having them all; None where another program moved or deleted it."""
    if tries >= ONLY_A_NOTE:
        return b"", TROUBLED
    size = re.search(rb"RFC822\.SIZE (\d{1,18})", _line(server.ask("FETCH", uid, "(RFC822.SIZE)")))
    if size is None:
        return None, ""
    problem = TOO_LARGE if int(size[1]) > LARGEST_MAIL else TROUBLED if tries >= ONLY_HEADERS else ""
    if problem:
        return _literal(server.ask("FETCH", uid, "(BODY.PEEK[HEADER])", literals=HEADERS)), problem
    return _literal(server.ask("FETCH", uid, "(BODY.PEEK[])", literals=LARGEST_MAIL)), ""


def _line(data: list[Any]) -> bytes:
    return b" ".join(one for one in data if isinstance(one, bytes))


def _literal(data: list[Any]) -> bytes | None:
    return next((bytes(one[1]) for one in data if isinstance(one, tuple)), None)


def _folder(mailbox: Mailbox) -> str:
    return unquote(urlsplit(mailbox.url).path.strip("/")) or "INBOX"


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
