"""The other end of a benchmark says nothing of connections that are no letters, and goes on taking those that are."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

from tests.bench.sinks import sinks

POST = b"POST /v3/mail/send HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"


def said(address: str, *sent: bytes) -> bytes:
    """Everything that comes back to what is sent, until the other end hangs up."""
    place = urlsplit(address)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=20) as connection:
        for part in sent:
            connection.sendall(part)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(4096), b""))


def test_odd_connections_are_refused_in_silence(capfd: pytest.CaptureFixture[str]) -> None:
    with sinks() as (smtp, http):
        for odd in (
            b"GET / HTTP/1.1\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
            b"\x16\x03\x01",
            b"",
        ):
            assert said(http, odd) in {
                b"",
                b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            }
        assert said(smtp, b"DATA\r\nhalf a letter").startswith(b"220 sink")
        assert b"202 Accepted" in said(http, POST)
        assert b"queued as" in said(smtp, b"DATA\r\n", b"a letter\r\n.\r\n")
    assert capfd.readouterr().err == ""
