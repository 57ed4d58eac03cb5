"""``python -m tests.bench.counting PORT``: a provider that only counts, in a process of its own.

It takes whatever comes, remembers for each address how often it was written to, and tells on ``GET /``. With ``hold``
in the path of a GET it answers nothing for so many seconds, as a provider that is down.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NUMBER = re.compile(rb'"email": "reader(\d+)@')


class Counts:
    """How often each reader was written to: a byte each, so that a million are a megabyte."""

    def __init__(self) -> None:
        """Nobody yet."""
        self.times = bytearray(2_000_001)
        self.requests = 0
        self.lock = threading.Lock()

    def add(self, raw: bytes) -> None:
        """Count a request's recipients."""
        numbers = [int(found) for found in NUMBER.findall(raw)]
        with self.lock:
            self.requests += 1
            for number in numbers:
                self.times[number] = min(self.times[number] + 1, 255)

    def told(self) -> dict[str, Any]:
        """The numbers, and who was written to more than once."""
        with self.lock:
            written = sum(1 for times in self.times if times)
            twice = [number for number, times in enumerate(self.times) if times > 1][:20]
            return {"requests": self.requests, "written": written, "twice": twice}


class Handler(BaseHTTPRequestHandler):
    """Counts posts, tells on GET."""

    counts: Counts
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Take a request."""
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        self.counts.add(raw)
        self.answer(202, b"")

    def do_GET(self) -> None:
        """Tell what was counted; ``/who`` gives a byte for each reader."""
        if self.path == "/who":
            self.answer(200, bytes(self.counts.times))
        else:
            self.answer(200, json.dumps(self.counts.told()).encode())

    def answer(self, status: int, body: bytes) -> None:
        """Say it and close, as the client does not keep connections."""
        self.close_connection = True
        self.send_response(status)
        self.send_header("X-Message-Id", f"m{time.monotonic_ns()}")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Silence."""


def main() -> None:
    """Listen until killed."""
    handler = type("Counting", (Handler,), {"counts": Counts()})
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), handler)
    server.daemon_threads = True
    server.request_queue_size = 64
    server.serve_forever()


if __name__ == "__main__":
    main()
