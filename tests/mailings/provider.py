"""A stand-in for SendGrid on this machine: a real server that holds every request against the published description.

It counts who was written to, answers as a test says, and remembers which attempts it answered.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.mail import contract

Request = dict[str, Any]
MOST_BYTES = 30_000_000


@dataclass(frozen=True)
class Answer:
    """What the provider says; a status of 0 closes the connection without a word."""

    status: int = 202
    body: Request | None = None
    headers: dict[str, str] = field(default_factory=dict)


TAKEN = Answer()


def refusal(status: int, *fields: str | None, message: str = "not good") -> Answer:
    """A refusal that names these fields."""
    return Answer(status, {"errors": [{"message": message, "field": name, "help": None} for name in fields or (None,)]})


class Provider:
    """What came in. ``written`` counts the addresses of requests that were taken."""

    def __init__(self) -> None:
        self.answer: Callable[[Request], Answer] = lambda _request: TAKEN
        self.problems: list[str] = []
        self.requests: list[Request] = []
        self.written: Counter[str] = Counter()
        self.received: set[str] = set()
        self.answered: set[str] = set()
        self.url = ""
        self._lock = threading.Lock()

    def take(self, raw: bytes) -> tuple[Answer, str]:
        """Check a request and decide on it; gives the answer and the attempt it is about."""
        request: Request = json.loads(raw)
        found = contract.problems(request) + _beyond_the_schema(request, len(raw))
        attempt = request["personalizations"][0]["custom_args"]["undersigned_attempt"]
        with self._lock:
            self.problems += found
            self.requests.append(request)
            self.received.add(attempt)
        answer = self.answer(request)
        if answer.status == 202:
            with self._lock:
                self.written.update(addresses(request))
        return answer, attempt

    def said(self, attempt: str) -> None:
        """The answer left whole."""
        with self._lock:
            self.answered.add(attempt)


def addresses(request: Request) -> list[str]:
    """Whom a request writes to."""
    return [person["email"].casefold() for one in request["personalizations"] for person in one["to"]]


def _beyond_the_schema(request: Request, size: int) -> list[str]:
    """The limits that SendGrid states in prose."""
    people = addresses(request)
    found = []
    if not 1 <= len(people) <= 1000:
        found.append(f"{len(people)} recipients")
    if size >= MOST_BYTES:
        found.append(f"{size} bytes")
    for one in request["personalizations"]:
        for name in ("custom_args", "substitutions"):
            given = one.get(name, {})
            if sum(len(key.encode()) + len(value.encode()) for key, value in given.items()) > 10_000:
                found.append(f"{name} over 10,000 bytes")
            if not all(isinstance(value, str) for value in given.values()):
                found.append(f"{name} that is no text")
        if "reply_to" in one:
            found.append("reply_to of one recipient")
        found += [f"header {name}" for name in one.get("headers", {}) if name.lower() in contract.RESERVED]
    if not request.get("subject", "").strip() or not all(part["value"].strip() for part in request["content"]):
        found.append("empty words")
    return found


class _Handler(BaseHTTPRequestHandler):
    provider: Provider
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        answer, attempt = self.provider.take(raw)
        self.close_connection = True
        if answer.status == 0:
            return
        said = b"" if answer.body is None else json.dumps(answer.body).encode()
        try:
            self.send_response(answer.status)
            for name, value in {"X-Message-Id": f"m-{attempt[:8]}", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(said)
            self.wfile.flush()
        except OSError:
            return
        self.provider.said(attempt)

    def log_message(self, *_arguments: object) -> None:
        """A test's output is the test's."""


@contextmanager
def running() -> Iterator[Provider]:
    """A provider that listens on this machine until the block ends."""
    provider = Provider()
    handler = type("Handler", (_Handler,), {"provider": provider})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
