"""A provider that signs its posts, the reports it makes, and letters that have left."""

from __future__ import annotations

import base64
import itertools
import json
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask
from flask.testing import FlaskClient

from app.core import db
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.text import canonical_email
from app.mail.models import EmailState, Suppression
from app.mailings import commands as mailings
from app.mailings import queries
from app.mailings.models import BatchState, MailingBatch, MailingReader, ReaderState
from app.mailings.queries import Progress
from app.returns import commands
from app.returns.models import MailEvent
from app.returns.rules.reading import Heard
from tests.mail.builders import changed, queued

NUMBERS = itertools.count(1)


@dataclass
class Provider:
    """Signs posts as SendGrid does; ``shown`` is the key as its page shows it."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def shown(self) -> str:
        der = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(der).decode()

    def headers(self, body: bytes, *, at: float | None = None) -> dict[str, str]:
        stamp = str(int(time.time() if at is None else at))
        signature = self.key.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
            "Content-Type": "application/json",
        }

    def post(self, client: FlaskClient, rows: object, **how: Any) -> int:
        body = rows if isinstance(rows, bytes) else written(rows)
        return client.post("/webhooks/sendgrid/events", data=body, headers=self.headers(body, **how)).status_code


def written(rows: object) -> bytes:
    """A body as SendGrid writes it: JSON with a line end after each report."""
    return json.dumps(rows, separators=(",", ":")).replace("},{", "},\r\n{").encode() + b"\r\n"


def listen(app: Flask, provider: Provider) -> None:
    """Have the app know the provider's key."""
    app.config["SETTINGS"] = app.config["SETTINGS"].model_copy(update={"sendgrid_webhook_key": provider.shown})


def row(event: str, email_id: int | None = None, attempt: str = "", **more: Any) -> dict[str, Any]:
    """One report with the fields SendGrid gives it."""
    number = next(NUMBERS)
    given: dict[str, Any] = {
        "email": "mina@example.org",
        "timestamp": int(time.time()),
        "smtp-id": f"<{number}@ismtpd>",
        "event": event,
        "sg_event_id": f"event-{number}-{time.time_ns()}",
        "sg_message_id": f"{number}.filterdrecv.{number}",
    }
    if email_id is not None:
        given |= {"undersigned_email": str(email_id), "undersigned_attempt": attempt}
    return given | more


def bounce(email_id: int | None = None, attempt: str = "", **more: Any) -> dict[str, Any]:
    """A report of a mailbox that is not there."""
    given = {
        "type": "bounce",
        "status": "5.1.1",
        "reason": "550 5.1.1 <mina@example.org> user unknown",
        "bounce_classification": "Invalid Address",
    }
    return row("bounce", email_id, attempt, **given | more)


def left(
    once: str = "letter:1", *, state: EmailState = EmailState.ACCEPTED, attempt: str = "a1", **wanted: Any
) -> tuple[int, str]:
    """A letter that was handed over with an attempt token; returns its id and the token."""
    ident = queued(once, **wanted)
    now = utc_now()
    accepted = now if state in {EmailState.ACCEPTED, EmailState.DELIVERED} else None
    changed(ident, state=state, attempt_token=attempt, accepted_at=accepted, created_at=now, try_after=now)
    return ident, attempt


def hear(*reports: Heard, now: datetime | None = None) -> int:
    """Work off reports in a transaction of their own."""
    with transaction() as session:
        return commands.hear(session, reports, now=now or utc_now())


def stopped(address: str = "mina@example.org") -> set[tuple[str, str]]:
    """What is stopped to an address: pairs of stream and reason."""
    with reading() as session:
        rows = session.execute(sa.select(Suppression.stream, Suppression.reason).where(Suppression.address == address))
        return {(stream, reason) for stream, reason in rows}


def count(model: Any = MailEvent) -> int:
    with reading() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def mailed(
    addresses: list[str],
    *,
    attempt: str = "b1",
    stream: str = "updates:7",
    state: BatchState = BatchState.ACCEPTED,
    message_id: str | None = None,
) -> tuple[list[int], int]:
    """A mailing of one batch to these addresses; returns the readers' ids and the mailing's."""
    now = utc_now()
    with transaction() as session:
        mailing = mailings.begin(session, stream=stream, template="none", now=now)
        db.add(
            session,
            MailingBatch(
                mailing_id=mailing.id,
                number=1,
                size=len(addresses),
                state=state,
                attempt_token=attempt,
                try_after=now,
                submitted_at=now,
                accepted_at=now if state is BatchState.ACCEPTED else None,
            ),
        )
        rows = [
            db.add(
                session,
                MailingReader(
                    mailing_id=mailing.id,
                    reader_key=key,
                    batch_number=1,
                    address=address,
                    canonical=canonical_email(address),
                    message_id=message_id,
                ),
            )
            for key, address in enumerate(addresses, start=1)
        ]
        return [row.id for row in rows], mailing.id


def reader_states() -> list[ReaderState | None]:
    """What is known of every reader, by id."""
    with reading() as session:
        return list(session.scalars(sa.select(MailingReader.state).order_by(MailingReader.id)))


def progress(mailing_id: int) -> Progress:
    """How far a mailing has come by its counters."""
    with reading() as session:
        return queries.progress(session, mailing_id)


def read_row(event: str, reader_id: int, attempt: str = "b1", **more: Any) -> dict[str, Any]:
    """A report about a mailing's letter to one reader."""
    made = bounce(**more) if event == "bounce" else row(event, **more)
    return made | {"undersigned_reader": str(reader_id), "undersigned_attempt": attempt}
