"""Three ways out with something at their end that takes letters, refuses them, or breaks off, as a test asks."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from app.mail.transports import Transport
from app.mail.transports.dev import DevTransport
from app.mail.transports.sendgrid import SendGridTransport
from app.mail.transports.smtp import SmtpTransport
from tests.mail import contract


@dataclass(frozen=True)
class Arrived:
    """A letter as the other end got it, whatever carried it."""

    sender: str
    to: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    files: dict[str, bytes]


@dataclass
class Way:
    """A transport, what arrived at its end, and how to make that end misbehave (``now``, ``ever``, ``account``, …)."""

    transport: Transport
    arrived: Callable[[], list[Arrived]]
    misbehave: Callable[[str], None]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _read(raw: bytes) -> Arrived:
    message = BytesParser(policy=default).parsebytes(raw)
    assert isinstance(message, EmailMessage)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    return Arrived(
        sender=str(message["From"]),
        to=message["To"].addresses[0].addr_spec,
        subject=str(message["Subject"]),
        text=text.get_content().replace("\r\n", "\n"),
        html=html.get_content().replace("\r\n", "\n") if html else "",
        headers={name: str(value) for name, value in message.items()},
        files={str(part.get_filename()): bytes(part.get_payload(decode=True)) for part in message.iter_attachments()},
    )


def dev_way(folder: Path) -> Way:
    def misbehave(how: str) -> None:
        assert how == "now"
        folder.write_text("a file where the folder should be")

    return Way(DevTransport(folder), lambda: [_read(path.read_bytes()) for path in sorted(folder.glob("*"))], misbehave)


@dataclass
class Mailbox:
    """The other end of SMTP."""

    how: str = ""
    taken: list[bytes] = field(default_factory=list)
    greetings: int = 0

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.greetings += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.how == "breaks":
            cast("asyncio.Transport", server.transport).abort()
        answers = {
            "now": f"450 4.2.1 <{address}> try later",
            "ever": f"550 5.1.1 <{address}> no such user",
            "account": "530 5.7.0 authentication required",
            "everyone": "421 4.7.0 too much from you",
        }
        if self.how in answers:
            return answers[self.how]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.how == "lost":
            cast("asyncio.Transport", server.transport).abort()
        self.taken.append(bytes(envelope.original_content or b""))
        return "250 2.0.0 OK: queued as 4XyZ1"

    def authenticate(self, *_arguments: Any) -> AuthResult:
        return AuthResult(success=self.how != "password", handled=False)


class _Encrypted(Controller):
    def _trigger_server(self) -> None:
        """The base class would connect once to wake the server, without trusting this test's certificate."""
        with socket.create_connection(("localhost", self.port)):
            pass


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for ``localhost``, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + made.public_bytes(Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cadata=made.public_bytes(Encoding.PEM).decode())


@contextmanager
def smtp_server(mailbox: Mailbox, **wanted: Any) -> Iterator[int]:
    port = free_port()
    wanted = {"authenticator": mailbox.authenticate, "auth_require_tls": False, **wanted}
    controller: Any = (_Encrypted if "ssl_context" in wanted else Controller)(
        mailbox, hostname="localhost", port=port, **wanted
    )
    controller.start()
    try:
        yield port
    finally:
        controller.stop(no_assert=True)


@contextmanager
def smtp_way() -> Iterator[Way]:
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        transport = SmtpTransport(f"smtp://127.0.0.1:{port}", own_host="undersigned.example", timeout=5)

        def misbehave(how: str) -> None:
            mailbox.how = how

        yield Way(transport, lambda: [_read(raw) for raw in mailbox.taken], misbehave)
        transport.close()


ANSWERS = {
    "ever": (400, {"errors": [{"message": "Does not contain a valid address: a@b.example.", "field": "from.email"}]}),
    "account": (401, {"errors": [{"message": "authorization required", "field": None}]}),
    "everyone": (429, {"errors": [{"message": "too many requests"}]}),
    "lost": (500, {"errors": [{"message": "internal server error"}]}),
}


def sendgrid_way(server: HTTPServer) -> Way:
    """SendGrid as its description says; a request that it does not allow fails the test."""
    taken: list[dict[str, Any]] = []
    state = {"how": ""}

    def answer(request: Request) -> Response:
        assert request.headers["Authorization"] == "Bearer SG.key"
        body = request.get_json()
        assert contract.problems(body) == []
        if state["how"] in ANSWERS:
            status, words = ANSWERS[state["how"]]
            return Response(json.dumps(words), status=status, mimetype="application/json")
        taken.append(body)
        return Response(status=202, headers={"X-Message-Id": "4XyZ1"})

    server.expect_request("/v3/mail/send", method="POST").respond_with_handler(answer)
    transport = SendGridTransport("SG.key", host=server.url_for(""), timeout=5)
    return Way(transport, lambda: [_from_request(body) for body in taken], lambda how: state.update(how=how))


def _from_request(body: dict[str, Any]) -> Arrived:
    parts = {part["type"]: part["value"] for part in body["content"]}
    sender = body["from"]
    return Arrived(
        sender=f"{sender['name']} <{sender['email']}>",
        to=body["personalizations"][0]["to"][0]["email"],
        subject=body["subject"],
        text=parts["text/plain"],
        html=parts.get("text/html", ""),
        headers=body["headers"],
        files={file["filename"]: base64.b64decode(file["content"]) for file in body.get("attachments", [])},
    )


@contextmanager
def broken_server(how: str) -> Iterator[str]:
    """An HTTP server that reads a whole request and then hangs, resets, closes, or stops in its answer."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(2)
                while b"undersigned_attempt" not in connection.recv(1 << 20):
                    pass
                if how == "hangs":
                    done.wait(5)
                if how == "resets":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if how == "stops":
                    connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 50\r\n\r\n{")

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        done.set()
        thread.join()
