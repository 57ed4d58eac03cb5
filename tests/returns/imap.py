"""A mailbox on this machine that speaks as much IMAP as a program needs to fetch from it, and breaks where told."""

from __future__ import annotations

import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Box:
    """Mails by UID, which of them were seen, and what was said. ``breaks_at`` names the command that ends it all."""

    mails: dict[int, bytes] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    said: list[str] = field(default_factory=list)
    validity: int = 7
    password: str = "secret word"
    folder: str = "INBOX"
    breaks_at: str = ""
    sizes: dict[int, int] = field(default_factory=dict)
    port: int = 0
    sent: int = 0
    hung_up: threading.Event = field(default_factory=threading.Event)

    def put(self, raw: bytes) -> int:
        """A new mail arrives; returns its UID."""
        uid = max(self.mails, default=0) + 1
        self.mails[uid] = raw
        return uid


class Talk(socketserver.StreamRequestHandler):
    """One conversation with somebody who fetches."""

    box: Box

    def handle(self) -> None:
        """Answer commands until somebody leaves."""
        self._say("* OK ready")
        while line := self.rfile.readline():
            tag, _, said = line.decode().strip().partition(" ")
            self.box.said.append(said)
            if self.box.breaks_at and self.box.breaks_at in said:
                return
            if self.answer(tag, said):
                continue
            command, _, rest = said.removeprefix("UID ").partition(" ")
            done = getattr(self, f"_{command.lower()}", lambda _rest: "BAD unknown")(rest)
            self._say(f"{tag} {done}")
            if command == "LOGOUT":
                return

    def answer(self, _tag: str, _said: str) -> bool:
        """Whether something else than an honest answer was given."""
        return False

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def _capability(self, _rest: str) -> str:
        self._say("* CAPABILITY IMAP4rev1")
        return "OK done"

    def _login(self, rest: str) -> str:
        return "OK done" if rest == f'"robin@box.example" "{self.box.password}"' else "NO wrong"

    def _select(self, rest: str) -> str:
        if rest != f'"{self.box.folder}"':
            return "NO there is no such folder"
        self._say(f"* {len(self.box.mails)} EXISTS")
        self._say(f"* OK [UIDVALIDITY {self.box.validity}] it is")
        return "OK [READ-WRITE] done"

    def _search(self, _rest: str) -> str:
        unseen = [str(uid) for uid in sorted(self.box.mails) if uid not in self.box.seen]
        self._say(f"* SEARCH {' '.join(unseen)}".rstrip())
        return "OK done"

    def _fetch(self, rest: str) -> str:
        uid = int(rest.split(maxsplit=1)[0])
        raw = self.box.mails.get(uid)
        if raw is None:
            return "OK done"
        if "RFC822.SIZE" in rest:
            self._say(f"* {uid} FETCH (UID {uid} RFC822.SIZE {self.box.sizes.get(uid, len(raw))})")
            return "OK done"
        if "[HEADER]" in rest:
            raw = raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        self._say(f"* {uid} FETCH (UID {uid} BODY[] {{{len(raw)}}}")
        self.wfile.write(raw + b")\r\n")
        return "OK done"

    def _store(self, rest: str) -> str:
        assert re.search(r"\+FLAGS\.SILENT \(\\Seen\)", rest)
        self.box.seen.add(int(rest.split(maxsplit=1)[0]))
        return "OK done"

    def _logout(self, _rest: str) -> str:
        self._say("* BYE")
        return "OK done"


@contextmanager
def serving(box: Box, context: ssl.SSLContext | None = None, talk: type[Talk] = Talk) -> Iterator[Box]:
    """The mailbox behind a port of this machine, encrypted with a context."""

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

        def get_request(self) -> tuple[socket.socket, Any]:
            connection, address = super().get_request()
            return (context.wrap_socket(connection, server_side=True) if context else connection), address

        def handle_error(self, _request: object, _address: object) -> None:
            """A client that does not trust us, or left, is no trouble of ours."""

    handler = type("Talking", (talk,), {"box": box})
    with Server(("127.0.0.1", 0), handler) as server:
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield box
        server.shutdown()
        thread.join()
