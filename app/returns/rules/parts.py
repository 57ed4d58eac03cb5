"""A mail taken apart in bounded time.

Apart from what it means, because the standard library's parser recurses for every level of a nested mail and looks at
every level's boundary for every line: a hostile mail stops it for minutes. This one goes through the bytes once a
level, a few levels deep.
"""

from __future__ import annotations

import binascii
import codecs
import quopri
import re
from dataclasses import dataclass, field
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import collapse_rfc2231_value, getaddresses

from app.core.text import plain

DEEPEST, MOST_PARTS = 8, 100
HEAD_LIMIT = 64 * 1024
HEADER_LIMIT = 4_000
MOST_COMMENTS = 20
HEAD_END = re.compile(rb"\r?\n[ \t]*\r?\n|\A\r?\n")
# Codecs of people's mail. Python has others that decode slowly, or into something that is no text.
CHARSETS = re.compile(r"(utf|ascii|iso8859|iso2022|cp\d|koi8|big5|gb|shift_jis|euc_|mac_|tis|hz)")


@dataclass(slots=True)
class Part:
    """One leaf of a mail: its headers and its bytes, still encoded."""

    head: Message
    body: bytes

    @property
    def kind(self) -> str:
        """Its type: ``text/plain``."""
        return self.head.get_content_type()

    @property
    def filename(self) -> str:
        """The name its sender gave it; "" where there is none."""
        try:
            return words(self.head.get_filename() or "")
        except (ValueError, LookupError, TypeError):
            return "attachment"

    @property
    def is_file(self) -> bool:
        """Whether it is a file, and not words to read."""
        disposition = words(header(self.head, "Content-Disposition")).lower()
        if self.kind not in {"text/plain", "text/html"} or disposition.startswith("attachment"):
            return True
        return disposition.startswith("inline") and self.filename != ""

    def decoded(self, limit: int) -> bytes:
        """Its bytes, of which only as many are decoded as ``limit`` asks for."""
        encoding = header(self.head, "Content-Transfer-Encoding").strip().lower()
        if encoding == "base64":
            digits = re.sub(rb"[^A-Za-z0-9+/]", b"", self.body[: limit * 2 + 1024])
            return binascii.a2b_base64(digits[: len(digits) // 4 * 4] + _rest(digits))[:limit]
        if encoding == "quoted-printable":
            return quopri.decodestring(self.body[: limit * 4])[:limit]
        return self.body[:limit]

    def text(self, limit: int) -> str:
        """Its words; what its character set does not know becomes a replacement character."""
        raw = self.decoded(limit)
        return raw.decode(_charset(self._charset_named()), errors="replace")

    def _charset_named(self) -> str:
        try:
            return collapse_rfc2231_value(self.head.get_param("charset") or "utf-8")
        except (ValueError, LookupError, TypeError):
            return "utf-8"


@dataclass(slots=True)
class Parts:
    """A whole mail: its headers and its leaves. ``is_cut`` where it was deeper or had more than is looked at."""

    head: Message
    leaves: list[Part] = field(default_factory=list)
    is_cut: bool = False


def taken_apart(raw: bytes) -> Parts:
    """The mail's headers and leaves, in their order."""
    head, body = _halves(raw)
    found = Parts(head)
    waiting = [(head, body, 0)]
    while waiting:
        head, body, depth = waiting.pop()
        if head.get_content_maintype() != "multipart":
            found.leaves.append(Part(head, body))
            continue
        inner = _split(head, body)
        if depth >= DEEPEST or len(found.leaves) + len(waiting) + len(inner) > MOST_PARTS:
            found.is_cut = True
            continue
        waiting += [(*_halves(one), depth + 1) for one in reversed(inner)]
    return found


def _halves(raw: bytes) -> tuple[Message, bytes]:
    end = HEAD_END.search(raw, 0, HEAD_LIMIT)
    head = BytesHeaderParser().parsebytes(raw[: end.start() + 1 if end else HEAD_LIMIT])
    for name in ("Content-Type", "Content-Disposition"):
        # The parameters' parser takes the square of their length.
        if len(str(head.get(name) or "")) > HEADER_LIMIT:
            head.replace_header(name, header(head, name))
    return head, raw[end.end() :] if end else b""


def _split(head: Message, body: bytes) -> list[bytes]:
    """What stands between the boundaries. One more than is allowed is enough to know that there are too many."""
    try:
        boundary = (head.get_boundary() or "").encode("ascii")
    except (ValueError, LookupError, TypeError):
        boundary = b""
    if not 0 < len(boundary) <= 200:
        return []
    line = re.compile(rb"(?:\A|\n)--" + re.escape(boundary) + rb"(--)?[ \t]{0,100}\r?(?=\n|\Z)")
    inner: list[bytes] = []
    start: int | None = None
    for found in line.finditer(body):
        if start is not None:
            inner.append(body[start : found.start()].removesuffix(b"\r"))
        start = found.end() + 1
        if found[1] or len(inner) > MOST_PARTS:
            return inner
    return inner if start is None else [*inner, body[start:]]


def header(head: Message, name: str) -> str:
    """A header as it stands in the mail, on one line and cut to a length that no honest mail needs; "" without it.

    Without the one character that no database keeps.
    """
    return " ".join(str(head.get(name) or "")[:HEADER_LIMIT].replace("\0", "").split())


def addresses(value: str) -> list[tuple[str, str]]:
    """Names and addresses of a header. The parser goes down a level for every comment in a comment, so few may be."""
    value = value[:HEADER_LIMIT]
    if value.count("(") > MOST_COMMENTS:
        value = value.translate({ord("("): " ", ord(")"): " "})
    return getaddresses([value])[:MOST_PARTS]


def words(value: str) -> str:
    """A header's words, decoded, on one line, without what no eye sees."""
    try:
        parts = decode_header(value[:HEADER_LIMIT])
    except (ValueError, binascii.Error):
        return plain(value, HEADER_LIMIT)
    made = [
        one.decode(_charset(charset or "ascii"), errors="replace") if isinstance(one, bytes) else one
        for one, charset in parts
    ]
    return plain("".join(made).encode(errors="replace").decode(), HEADER_LIMIT)


def _charset(name: str) -> str:
    try:
        known = codecs.lookup(name.strip("\"' ")[:40]).name
    except (LookupError, ValueError, UnicodeError):
        return "utf-8"
    return known if CHARSETS.match(known) and known != "utf-7" else "utf-8"


def _rest(digits: bytes) -> bytes:
    """The last digits of base64 that was cut, made whole; one digit alone says nothing."""
    rest = digits[len(digits) // 4 * 4 :]
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""
