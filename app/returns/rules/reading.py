"""The provider's reports in the house's words. Nothing in them is trusted beyond what the signature proves."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from app.core.text import canonical_email, plain
from app.returns.models import Cause, Kind
from app.returns.rules import policy

KINDS = {
    "processed": Kind.PROCESSED,
    "deferred": Kind.DEFERRED,
    "delivered": Kind.DELIVERED,
    "bounce": Kind.BOUNCE,
    "dropped": Kind.DROPPED,
    "spamreport": Kind.COMPLAINT,
    "unsubscribe": Kind.LEFT,
    "group_unsubscribe": Kind.LEFT,
}
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,100}")
MARKS = {"undersigned_email", "undersigned_reader", "undersigned_attempt"}
LONGEST_KEY, LONGEST_ADDRESS, LONGEST_NUMBER = 100, 254, 40
PACKED = b"\x1f\x8b"
LARGEST_UNPACKED = 16 * 1024 * 1024
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
ADDRESS = re.compile(r"\S+@\S+")


class Unreadable(ValueError):
    """A post that is no list of reports. Its sentence is for the operator."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One report. It names a single letter by ``email_id`` or a reader of a mailing by ``reader_id``.

    ``attempt`` is the token that must be the letter's newest. ``proven``: the reporter showed a mark that only we can
    have made, so no token is compared. A report that names no letter has an ``address`` (canonical) and speaks of the
    latest letter to it.
    """

    key: str
    kind: Kind
    at: datetime
    email_id: int | None = None
    reader_id: int | None = None
    attempt: str = ""
    proven: bool = False
    address: str = ""
    written: str = ""  # that address as it was reported, in lowercase
    cause: Cause | None = None
    reason: str = ""

    @property
    def named(self) -> bool:
        """Whether the report says which letter it is about."""
        return self.email_id is not None or self.reader_id is not None


@dataclass(frozen=True, slots=True)
class Post:
    """What a post holds: reports to act on, and how many were ignored (opens, clicks, others' and unknown kinds)."""

    heard: list[Heard] = field(default_factory=list)
    ignored: int = 0


def read_post(body: bytes, *, now: datetime) -> Post:
    """The reports of one post. Raises Unreadable for what is no JSON list; an odd report among others is ignored."""
    try:
        words = _unpacked(body)
        rows = json.loads(words.decode(json.detect_encoding(words), "replace"), parse_int=_integer)
    except (ValueError, RecursionError, zlib.error) as error:
        raise Unreadable(f"The post is no JSON: {type(error).__name__}.") from error
    if not isinstance(rows, list):
        raise Unreadable("The post is no list of reports.")
    heard = [one for row in rows if isinstance(row, dict) and (one := _read(row, now)) is not None]
    return Post(heard, len(rows) - len(heard))


def _unpacked(body: bytes) -> bytes:
    """The post's words; one that was packed on its way is unpacked, up to what an honest one unpacks to."""
    if not body.startswith(PACKED):
        return body
    unpacking = zlib.decompressobj(wbits=31)
    words = unpacking.decompress(body, LARGEST_UNPACKED)
    if not unpacking.eof:
        raise ValueError
    return words


def _integer(digits: str) -> int:
    """A number; one so long that nobody means it is none, and does not cost the reports beside it."""
    return int(digits) if len(digits) <= LONGEST_NUMBER else 0


def _read(row: dict[str, Any], now: datetime) -> Heard | None:
    kind = KINDS.get(_text(row, "event"))
    if kind is None:
        return None
    email_id, reader_id = _number(row.get("undersigned_email")), _number(row.get("undersigned_reader"))
    named = (email_id is None) != (reader_id is None)
    # Only a late bounce comes without marks of ours; anything else without them is another installation's.
    nameless = kind is Kind.BOUNCE and not MARKS & row.keys()
    address = address_of(_text(row, "email")) if nameless else ""
    if not named and not address:
        return None
    reason = _reason(row)
    why = None
    if kind is Kind.BOUNCE:
        why = policy.cause(_text(row, "type"), _text(row, "bounce_classification"), _text(row, "status"), reason)
    return Heard(
        key=_key(row),
        kind=kind,
        at=_moment(row.get("timestamp"), now),
        email_id=email_id,
        reader_id=reader_id,
        attempt=_token(_text(row, "undersigned_attempt")),
        address=address,
        written=_text(row, "email").strip().lower()[:LONGEST_ADDRESS] if address else "",
        cause=why,
        reason=reason if kind in {Kind.BOUNCE, Kind.DROPPED, Kind.DEFERRED} else "",
    )


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _number(value: object) -> int | None:
    """An id, as digits or as a number; we write digits, but what lies between may not keep them so."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _token(text: str) -> str:
    """An attempt's token, or "" for what cannot be one: not every character may be asked for in a database."""
    return text if TOKEN.fullmatch(text) else ""


def _key(row: dict[str, Any]) -> str:
    """The provider's own key of a report, or one made of all its words where that is missing or odd."""
    key = _text(row, "sg_event_id")
    if key and len(key) <= LONGEST_KEY and key.isascii() and key.isprintable():
        return key
    # Of what lies deeper nothing is needed here, and going down might not end.
    flat = {name: value for name, value in row.items() if not isinstance(value, dict | list)}
    return made_key(json.dumps(flat, sort_keys=True))


def made_key(words: str) -> str:
    """A key for a report that brings none: the same words, the same key."""
    return f"own:{hashlib.sha256(words.encode('utf-8', 'replace')).hexdigest()}"


def _moment(value: object, now: datetime) -> datetime:
    """When it happened by the provider's clock; now, if it says nothing sensible. Nothing happens in the future."""
    try:
        at = datetime.fromtimestamp(float(value), UTC)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return now
    return at if EARLIEST < at < now + timedelta(hours=1) else now


def _reason(row: dict[str, Any]) -> str:
    return without_addresses(_text(row, "reason") or _text(row, "response"))


def without_addresses(words: str) -> str:
    """Another server's words in one line, without anybody's address."""
    return plain(ADDRESS.sub("…", words[:2_000]), 500)


def address_of(text: str) -> str:
    """An address as it is compared, or "" for none."""
    try:
        return canonical_email(text)
    except ValueError:
        return ""
