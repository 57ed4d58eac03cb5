"""Calls to SendGrid by its official package, each over at a moment that no answer can put off.

The package opens each call with an opener of its own, of which only the time for one operation can be set; this one's
connections share the time of the whole call.
"""

from __future__ import annotations

import functools
import http.client
import io
import socket
import ssl
import urllib.error
import urllib.request
from typing import Any
from urllib.response import addinfourl

import python_http_client
import sendgrid

from app.mail.transports import deadlines, forget_the_way
from app.mail.transports.deadlines import Deadline

WHOLE = 2  # times the timeout: connecting, sending and the whole answer, together


def longest(timeout: float) -> float:
    """Seconds after which a call is certainly over, looking up the host included."""
    return timeout * WHOLE + deadlines.LOOKUP_SECONDS


def client(api_key: str, *, host: str, timeout: float) -> Any:
    """The package's client for one thread. ``timeout`` is for one operation; a call takes at most ``WHOLE`` of them."""
    made = sendgrid.SendGridAPIClient(api_key, host=host).client
    return _Client(host=made.host, request_headers=made.request_headers, version=3, timeout=timeout)


class _Client(python_http_client.Client):  # type: ignore[misc]  # the package has no types
    """The package's client with another way to open a connection."""

    def _build_client(self, name: str | None = None) -> _Client:
        made = super()._build_client(name)
        return _Client(
            host=made.host,
            request_headers=made.request_headers,
            version=self._version,
            url_path=list(made._url_path),  # noqa: SLF001 - its own class
            timeout=made.timeout,
        )

    def _make_request(self, _opener: Any, request: urllib.request.Request, timeout: float | None = None) -> Any:
        step = timeout or self.timeout
        deadline = Deadline(step * WHOLE, step=step)
        try:
            return super()._make_request(_Opener(deadline), request, timeout=step)
        except python_http_client.HTTPError as error:
            forget_the_way(error)  # the package names it in the frame that raises it, and that holds the request
            raise


class _Opener:
    """Opens one call and reads its whole answer. The connection is closed by then, whatever came of it."""

    def __init__(self, deadline: Deadline) -> None:
        self._opener = urllib.request.build_opener(_PlainOpener(deadline), _EncryptedOpener(deadline), _NoFurther())

    def open(self, request: urllib.request.Request, timeout: float) -> addinfourl:
        try:
            with self._opener.open(request, timeout=timeout) as answer:
                return addinfourl(io.BytesIO(answer.read()), answer.headers, answer.url, answer.status)
        except urllib.error.HTTPError as refusal:
            with refusal:
                said = io.BytesIO(refusal.read())
            raise urllib.error.HTTPError(refusal.url, refusal.code, refusal.reason, refusal.headers, said) from None


class _NoFurther(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: the key and the letter are for the host that was named, and for no other."""

    def redirect_request(self, *_arguments: Any, **_named: Any) -> None:
        return None


class _PlainOpener(urllib.request.HTTPHandler):
    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self.deadline = deadline

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(functools.partial(_Plain, deadline=self.deadline), req)


class _EncryptedOpener(urllib.request.HTTPSHandler):
    def __init__(self, deadline: Deadline) -> None:
        super().__init__()
        self.deadline = deadline

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(functools.partial(_Encrypted, deadline=self.deadline), req)


class _Plain(http.client.HTTPConnection):
    def __init__(self, host: str, *, deadline: Deadline, timeout: float) -> None:
        super().__init__(host, timeout=timeout)
        self._create_connection = _dialer(deadline)


class _Encrypted(http.client.HTTPSConnection):
    def __init__(self, host: str, *, deadline: Deadline, timeout: float) -> None:
        super().__init__(host, timeout=timeout, context=_context())
        self._create_connection = _dialer(deadline)
        self._deadline = deadline

    def connect(self) -> None:
        """Connect and encrypt, in what is left of the call's time; what follows is within it too."""
        super().connect()
        if isinstance(self.sock, deadlines.TimedTls):
            self.sock.deadline = self._deadline


@functools.cache
def _context() -> ssl.SSLContext:
    made = deadlines.context()
    made.set_alpn_protocols(["http/1.1"])
    return made


def _dialer(deadline: Deadline) -> Any:
    """In the place of ``socket.create_connection``, which gives each address of a host the whole time."""

    def dial(address: tuple[str, int], _timeout: object = None, _source: object = None) -> socket.socket:
        return deadlines.dial(*address, deadline)

    return dial
