"""Real servers on this machine that fail as providers do: they lose answers, reset, stall, refuse, or ask to wait.

Every request that reaches the stand-in for SendGrid is checked against the published description, faulty or not.
"""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.mail import contract

PATIENCE = 20
DRIP_SECONDS = 0.02  # between two bytes of an answer that never ends
# What stands before the drip: an answer may be without end at each of its parts.
DRIPS = {
    "drip the status": b"HTTP/1.1 202 Acc",
    "drip the headers": b"HTTP/1.1 202 Accepted\r\nX-Message-Id: ",
    "drip the body": b"HTTP/1.1 202 Accepted\r\n\r\n",
    "drip a refusal": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 100000\r\n\r\n",
    "drip and promise": b"",
}
Answer = tuple[int, dict[str, Any], dict[str, str]]
Fault = str | Answer | Callable[[dict[str, Any]], Answer | None]


def abort(connection: socket.socket) -> None:
    """End a connection with a reset, as a crashed machine or a firewall does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def drip(connection: socket.socket, released: threading.Event, start: bytes, drop: bytes = b"x") -> None:
    """Answer without an end, a little at a time, for as long as the other side listens."""
    until = time.monotonic() + PATIENCE
    with contextlib.suppress(OSError):
        connection.sendall(start)
        while not released.wait(DRIP_SECONDS) and time.monotonic() < until:
            connection.sendall(drop)


def errors(message: str, where: str | None = None) -> dict[str, Any]:
    """An answer's body as SendGrid writes it."""
    return {"errors": [{"message": message, "field": where, "help": None}]}


@dataclass
class SendGridStandIn:
    """What arrived, what was wrong with it, and how to answer next: one fault a request, then all is well."""

    taken: list[dict[str, Any]] = field(default_factory=list)
    requests: int = 0
    problems: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    always: Fault | None = None
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def addresses(self) -> list[str]:
        """Everybody who was accepted, once for every time."""
        return [one["email"] for body in self.taken for part in body["personalizations"] for one in part["to"]]

    def fault(self) -> Fault | None:
        with self.lock:
            self.requests += 1
            return self.faults.pop(0) if self.faults else self.always

    def take(self, body: dict[str, Any]) -> None:
        with self.lock:
            self.taken.append(body)


class _Http(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stand_in: SendGridStandIn

    def log_message(self, *_arguments: Any) -> None:
        pass

    def do_POST(self) -> None:
        fault = self.stand_in.fault()
        self.close_connection = True
        if fault == "reset while sending":
            self.connection.recv(1)
            abort(self.connection)
        elif fault == "stall while sending":
            self.stand_in.released.wait(PATIENCE)
            abort(self.connection)
        elif fault == "sip":
            while self.connection.recv(1) and not self.stand_in.released.wait(DRIP_SECONDS):
                pass
        else:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.stand_in.problems += contract.problems(body)
            self._answer(body, fault(body) if callable(fault) else fault)

    def _answer(self, body: dict[str, Any], fault: str | Answer | None) -> None:
        if isinstance(fault, tuple):
            self._say(*fault)
            return
        self.stand_in.take(body)  # whatever becomes of the answer, the letter is on its way
        if fault == "lose":
            return
        if fault == "reset":
            abort(self.connection)
        elif fault in DRIPS:
            drop = b"HTTP/1.1 100 Continue\r\n\r\n" if fault == "drip and promise" else b"x"
            drip(self.connection, self.stand_in.released, DRIPS[fault], drop)
        elif fault == "stop in the answer":
            self.wfile.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 50\r\n\r\n{")
        elif fault == "no HTTP":
            self.wfile.write(b"220 mail.example.org ESMTP\r\n")
        else:
            if fault in {"stall", "slow"}:
                self.stand_in.released.wait(PATIENCE if fault == "stall" else 0.3)
            with contextlib.suppress(OSError):
                self._say(202, {}, {"X-Message-Id": "4XyZ1"})

    def _say(self, status: int, words: dict[str, Any], headers: dict[str, str]) -> None:
        raw = json.dumps(words).encode() if words else b""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, _request: Any, _client: Any) -> None:
        """A connection that we broke ourselves is no news."""


@contextmanager
def sendgrid_stand_in(tls: ssl.SSLContext | None = None) -> Iterator[tuple[SendGridStandIn, str]]:
    """The stand-in and its address. Nothing it was asked may break the published description."""
    stand_in = SendGridStandIn()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Http,), {"stand_in": stand_in}))
    port = server.server_address[1]
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield stand_in, f"http://127.0.0.1:{port}" if tls is None else f"https://localhost:{port}"
    finally:
        stand_in.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
    assert stand_in.problems == []


@dataclass
class SmtpStandIn:
    """A mail server that does what ``script`` says of a verb: an answer to give, or a way to break off."""

    script: dict[str, str] = field(default_factory=dict)
    taken: list[bytes] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)  # ends an answer that is held
    ended: threading.Event = field(default_factory=threading.Event)
    features: tuple[str, ...] = ("SIZE 10000000",)
    tls: ssl.SSLContext | None = None

    def verbs(self) -> list[str]:
        """What was said to it, by the first word."""
        return [line.split(" ")[0].split(":")[0].upper() for line in self.said]


class _Dropped(Exception):
    pass


class _Smtp(socketserver.StreamRequestHandler):
    stand_in: SmtpStandIn

    def handle(self) -> None:
        with contextlib.suppress(_Dropped, OSError):
            self._say("banner", "220 mail.example.org ESMTP")
            while line := self.rfile.readline():
                said = line.decode().strip()
                self.stand_in.said.append(said)
                verb = said.split(" ")[0].split(":")[0].upper()
                self._hear(verb)
                if verb == "QUIT":
                    self.stand_in.ended.set()
                    return

    def _hear(self, verb: str) -> None:
        if verb == "EHLO":
            lines = ("mail.example.org", *self.stand_in.features)
            answer = "\r\n".join(f"250{'-' if at + 1 < len(lines) else ' '}{one}" for at, one in enumerate(lines))
        elif verb == "DATA":
            answer = "354 go on"
        else:
            answer = {"QUIT": "221 bye", "STARTTLS": "220 go on"}.get(verb, "250 OK")
        self._say(verb, answer)
        if verb == "STARTTLS" and self.stand_in.tls is not None:
            self.connection = self.stand_in.tls.wrap_socket(self.connection, server_side=True)
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
        if verb == "DATA" and "DATA" not in self.stand_in.script:
            self._take()

    def _take(self) -> None:
        if self.stand_in.script.get("letter") == "never read":
            self.stand_in.released.wait(PATIENCE)
            raise _Dropped
        if self.stand_in.script.get("letter") == "break in the middle":
            self.rfile.readline()
            abort(self.connection)
            raise _Dropped
        raw = b""
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            raw += line.removeprefix(b".") if line.startswith(b"..") else line
        self.stand_in.taken.append(raw)
        self._say("letter", "250 2.0.0 OK: queued as 4XyZ1")

    def _say(self, moment: str, usual: str) -> None:
        wanted = self.stand_in.script.get(moment, usual)
        if wanted == "drop":
            abort(self.connection)
            raise _Dropped
        if wanted == "stall":
            self.stand_in.released.wait(PATIENCE)
            raise _Dropped
        if wanted.startswith("drip"):
            drip(self.connection, self.stand_in.released, b"250-", b"250-more\r\n" if wanted == "drip lines" else b"x")
            raise _Dropped
        if wanted == "hold":
            self.stand_in.let_go.wait(PATIENCE)
            wanted = usual
        if wanted.startswith("slow"):
            self.stand_in.released.wait(0.3)
            wanted = usual
        self.wfile.write(f"{wanted}\r\n".encode())


class _SmtpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, _request: Any, _client: Any) -> None:
        """A connection that we broke ourselves is no news."""


@contextmanager
def smtp_stand_in(**script: str) -> Iterator[tuple[SmtpStandIn, str]]:
    """The stand-in and its address."""
    stand_in = SmtpStandIn(script)
    server = _SmtpServer(("127.0.0.1", 0), type("Handler", (_Smtp,), {"stand_in": stand_in}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield stand_in, f"smtp://127.0.0.1:{server.server_address[1]}"
    finally:
        stand_in.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
