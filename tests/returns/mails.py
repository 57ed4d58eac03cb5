"""Mail as it comes in, and letters of ours that it answers."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import sqlalchemy as sa

from app.core.db import reading, transaction
from app.mail import mime, render
from app.mail.models import Email, EmailState
from app.mail.transports import Letter
from app.returns import commands, jobs
from app.returns.models import InboundMail, Reply
from tests.builders import NOW
from tests.mail.builders import Scripted, queued

DOMAIN = "replies.undersigned.example"
QUOTATION = "\n\nOn Thu, May 20, 2021 at 10:00 AM Open Faces <letters@u.example> wrote:\n> We ask.\n> Please.\n> Now.\n"


def take_answers_in(domain: str = DOMAIN) -> None:
    """As REPLY_DOMAIN would."""
    render.bind(
        base_url="http://undersigned.example",
        mail_from="Undersigned <letters@undersigned.example>",
        postal_address="",
        reply_domain=domain,
    )


def sent(once: str = "letter:1", **wanted: Any) -> int:
    """A letter that has left, with answers to an organization; returns its id."""
    ident = queued(once, **{"reply_to": "hello@fftf.example", "from_name": "Fight for the Future", **wanted})
    with transaction() as session:
        letter = session.get_one(Email, ident)
        letter.state, letter.message_id = EmailState.ACCEPTED, f"<{ident:010d}.abc@undersigned.example>"
        letter.subject = "We ask"
    return ident


def mail(
    *,
    to: str = "someone@undersigned.example",
    sender: str = "Demo Official <official@amazon.example>",
    text: str = "We stop.",
    files: tuple[tuple[str, bytes], ...] = (),
    **headers: Any,
) -> bytes:
    """A mail as a person's program writes it; ``in_reply_to`` becomes ``In-Reply-To``."""
    made = EmailMessage(policy=SMTP)
    given = {"From": sender, "To": to, "Subject": "Re: We ask", "Message-Id": f"<{hash(text)}@amazon.example>"}
    named = {"-".join(part.capitalize() for part in name.split("_")): value for name, value in headers.items()}
    for name, value in {**given, **named}.items():
        made[name] = value
    made.set_content(text)
    for filename, body in files:
        made.add_attachment(body, maintype="application", subtype="pdf", filename=filename)
    return made.as_bytes()


def reply_address(email_id: int) -> str:
    """Where answers to this letter come in."""
    return mime.reply_address(mime.Thread(email_id=email_id))


def come_in(raw: bytes, source: str = "") -> None:
    """A mail is kept, and read."""
    with transaction() as session:
        commands.receive(session, raw, source=source or f"test:{hash(raw)}", now=NOW)
    while jobs.replies.read_one():
        pass


def replies() -> list[Reply]:
    """Every reply, oldest first."""
    with reading() as session:
        return list(session.scalars(sa.select(Reply).order_by(Reply.id)))


def inbound() -> list[InboundMail]:
    """Every mail that came in, oldest first, with its bytes."""
    with reading() as session:
        query = sa.select(InboundMail).options(sa.orm.undefer(InboundMail.body)).order_by(InboundMail.id)
        return list(session.scalars(query))


def carried() -> list[Email]:
    """The letters that carry answers on."""
    with reading() as session:
        return list(session.scalars(sa.select(Email).where(Email.once.startswith("reply:")).order_by(Email.id)))


def handed_over() -> list[Letter]:
    """Hand over what waits; returns the letters."""
    from app.mail import jobs as mail_jobs

    transport = Scripted()
    mail_jobs.use(transport)
    while mail_jobs.send():
        pass
    return transport.letters


def text_of(letter: Letter) -> str:
    """The text part of a letter."""
    part = letter.message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())
