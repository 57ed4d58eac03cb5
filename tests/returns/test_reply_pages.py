"""Replies are shown to whom they concern and to nobody else, as text and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.broadcasts import commands as broadcasts
from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.deliveries import commands as deliveries
from app.deliveries.models import Delivery, DeliveryState, Document
from app.jobs import worker
from app.mail.models import Email, EmailState
from app.returns.models import Reply, ReplyFile
from app.returns.queries import reply_path
from app.supporters import commands as supporters
from app.supporters.models import Supporter
from tests import builders
from tests.broadcasts.builders import ready, stage, supporter
from tests.builders import NOW
from tests.deliveries.builders import Scene, committed
from tests.returns.mails import (
    DOMAIN,
    carried,
    come_in,
    handed_over,
    mail,
    replies,
    reply_address,
    sent,
    take_answers_in,
    text_of,
)

SignIn = Callable[[Account], FlaskClient]
HOSTILE = 'We <script>alert(1)</script> "stop" \u202e{{ 7 * 7 }}'


@pytest.fixture
def given(database: Flask) -> Scene:
    """A document that Amazon's mail server took."""
    take_answers_in()
    made = committed()
    with transaction() as session:
        document = session.get_one(Document, made.document.id)
        deliveries.send_document(session, document, document.campaign.targets, by=SYSTEM, now=NOW)
        letter = session.scalars(sa.select(Email)).first()
        assert letter is not None
        letter.state, letter.accepted_at = EmailState.ACCEPTED, NOW
        deliveries.follow(session, now=NOW)
    return made


def answered(text: str = HOSTILE, **wanted: Any) -> int:
    """Amazon answers the first delivery; returns the reply's id."""
    with reading() as session:
        letter = session.get_one(Delivery, 1).email_id
    assert letter is not None
    come_in(mail(to=reply_address(letter), text=text, **wanted))
    return replies()[-1].id


def here(scene: Scene) -> str:
    return f"/work/{scene.coalition.slug}/deliveries/1"


def stranger() -> Account:
    with transaction() as session:
        return builders.account(session, email="stranger@elsewhere.example")


def test_an_organizer_reads_a_reply_and_records_it_as_the_answer(given: Scene, signed_in: SignIn) -> None:
    ident = answered()
    answered("I am away.", auto_submitted="auto-replied")
    browser = signed_in(given.organizer)

    assert "Amazon.com replied to" in browser.get("/home").text
    page = browser.get(here(given)).text
    assert "2 replies came" in page
    assert "We &lt;script&gt;alert(1)&lt;/script&gt; &#34;stop&#34; {{ 7 * 7 }}" in page
    assert "\u202e" not in page
    assert "From a person" in page
    assert "Auto-Submitted: auto-replied" in page
    assert page.count("Record as answer") == 1
    with reading() as session:
        assert session.get_one(Delivery, 1).state is DeliveryState.HANDED_OVER, "a reply by itself says nothing more"

    filled = browser.get(f"{here(given)}?reply={ident}").text
    assert "stop&#34; {{ 7 * 7 }}</textarea>" in filled
    assert browser.post(f"{here(given)}/answer", data={"kind": "answered", "words": "We stop."}).status_code == 303
    assert "Amazon.com replied to" not in browser.get("/home").text
    assert "The target answered." in browser.get(here(given)).text


def test_a_reply_that_says_nothing_is_set_aside(given: Scene, signed_in: SignIn) -> None:
    ident = answered("Who are you?")
    browser = signed_in(given.organizer)
    other = sent(reply_to="hello@elsewhere.example")
    come_in(mail(to=reply_address(other), text="Not theirs."))
    assert browser.post(f"{here(given)}/replies/{ident + 1}/aside").status_code == 303
    assert replies()[-1].heard_at is None, "another thread's reply is not theirs to settle"

    assert browser.post(f"{here(given)}/replies/{ident}/aside").status_code == 303

    assert "Amazon.com replied to" not in browser.get("/home").text
    assert "Who are you?" in browser.get(here(given)).text
    assert "Nothing to record" not in browser.get(here(given)).text


def test_a_reply_to_an_earlier_letter_of_the_delivery_is_shown_too(given: Scene, signed_in: SignIn) -> None:
    ident = answered("To the first letter.")
    with transaction() as session:
        delivery = session.get_one(Delivery, 1)
        delivery.state = DeliveryState.BOUNCED
        session.get_one(Email, delivery.email_id).state = EmailState.BOUNCED
        deliveries.send_again(session, delivery, by=given.by, now=NOW)
        assert delivery.email_id != session.get_one(Reply, ident).email_id
    browser = signed_in(given.organizer)
    assert "To the first letter." in browser.get(here(given)).text
    assert "Amazon.com replied to" in browser.get("/home").text


def test_only_organizers_see_replies_and_keep_their_files(given: Scene, signed_in: SignIn) -> None:
    answered(files=(("../plan <b>.html", b"<script>alert(1)</script>"),))
    with reading() as session:
        file = session.scalars(sa.select(ReplyFile.id)).one()
    path = f"{here(given)}/files/{file}"

    kept = signed_in(given.organizer).get(path)
    assert kept.data == b"<script>alert(1)</script>"
    assert kept.headers["Content-Type"] == "application/octet-stream"
    assert kept.headers["Content-Disposition"] == "attachment; filename=plan-b-.html"
    assert kept.headers["X-Content-Type-Options"] == "nosniff"

    viewer = signed_in(given.viewer)
    assert "official@amazon.example" not in viewer.get(here(given)).text
    assert viewer.get(here(given) + "?reply=1").status_code == 200
    assert "Amazon.com replied to" not in viewer.get("/home").text
    for browser in (viewer, signed_in(stranger())):
        assert browser.get(path).status_code == 404
        assert browser.post(f"{here(given)}/replies/1/aside").status_code == 404
        assert browser.get("/operator/replies").status_code == 404
        assert browser.get(f"/operator/replies/files/{file}").status_code == 404
    assert signed_in(given.organizer).get(f"/work/{given.coalition.slug}/deliveries/2/files/{file}").status_code == 404


def test_the_carried_letter_leads_to_the_files_and_to_nothing_else(given: Scene, client: FlaskClient) -> None:
    ident = answered(files=(("plan.pdf", b"%PDF"),))
    (letter,) = [one for one in handed_over() if "via Undersigned" in str(one.message["From"])]
    text = text_of(letter)
    path = next(line for line in text.split() if "/replies/" in line).removeprefix("http://undersigned.example")

    page = client.get(path)
    assert page.status_code == 200
    assert "We &lt;script&gt;" in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    kept = client.get(f"{path}/files/1")
    assert (kept.data, kept.headers["Content-Type"]) == (b"%PDF", "application/octet-stream")

    answered("another", files=(("other.pdf", b"%PDF other"),))
    assert client.get(f"{path}/files/2").status_code == 404
    assert client.get(f"{path}x").status_code == 410
    with reading() as session:
        other = reply_path(session.get_one(Reply, ident), now=utc_now()).replace("/replies/", "/preferences/")
    assert client.get(other).status_code == 410


def test_an_operator_sees_what_found_no_letter_and_what_could_not_be_read(given: Scene, signed_in: SignIn) -> None:
    come_in(mail(text="Dear sirs", files=(("x.pdf", b"x"),)))
    come_in(b"\xffno mail")
    come_in(mail(to=reply_address(sent(reply_to="")), text="To nobody"))
    answered("To the coalition")
    with transaction() as session:
        operator = builders.account(session, email="op@undersigned.example")
        operator.is_operator = True
    browser = signed_in(operator)

    page = browser.get("/operator/replies").text

    assert "Dear sirs" in page
    assert "To nobody" in page
    assert "To the coalition" not in page
    assert "no sender and no headers" in page
    assert browser.get("/operator/replies/files/1").data == b"x"
    with reading() as session:
        ident = session.scalar(sa.text("SELECT id FROM inbound_mails WHERE problem != ''"))
    assert browser.get(f"/operator/replies/mails/{ident}").data == b"\xffno mail"
    assert browser.get(f"/operator/replies/mails/{ident + 1}").status_code == 404
    assert browser.post("/operator/replies/1/heard").status_code == 303
    assert replies()[0].heard_at is not None
    assert browser.post(f"/operator/replies/{replies()[-1].id}/heard").status_code == 303
    assert replies()[-1].heard_at is None, "what concerns a coalition is the coalition's to settle"


def update_answered(folder: Path) -> tuple[Account, Account, str, int]:
    """Ewa1 answers an update of the lead; returns who wrote it, who approved it, its page, and Ewa's id."""
    take_answers_in()
    with transaction() as session:
        there = stage(session)
        there.lead.public_email = "hello@fftf.example"
        ewa = supporter(session, 1, yes=(there.lead,))
        update = ready(session, there)
        broadcasts.send(session, update, by=there.robin, now=NOW)
    worker.until_idle()
    with reading() as session:
        robin, dana = (session.get_one(Account, one.account_id) for one in (there.robin, there.dana))
    letters = [BytesParser(policy=default).parsebytes(path.read_bytes()) for path in (folder / "mail").glob("*.eml")]
    (asked,) = [str(one["Reply-To"]) for one in letters if one["List-Unsubscribe"]]
    assert DOMAIN in asked
    come_in(mail(to=asked, sender="Ewa <person1@people.example>", text="I like it.", files=(("a", b"a"),)))
    come_in(mail(to=asked, sender="Ewa <person1@people.example>", text="Away", precedence="bulk"))
    return robin, dana, f"/work/coalition-for-open-faces/updates/{update.id}", ewa.id


def test_replies_to_an_update_are_its_sender_s_alone(database: Flask, signed_in: SignIn, tmp_path: Path) -> None:
    robin, dana, update, _ = update_answered(tmp_path)

    assert "1 reply from people, 1 automatic" in " ".join(signed_in(robin).get(update).text.split())
    page = signed_in(robin).get(f"{update}/replies").text
    assert "person1@people.example" in page
    assert "I like it." in page
    assert signed_in(robin).get(f"{update}/replies/files/1").data == b"a"
    assert "Only Fight for the Future reads them" in signed_in(dana).get(update).text
    for browser in (signed_in(dana), signed_in(stranger())):
        assert browser.get(f"{update}/replies").status_code == 404
        assert browser.get(f"{update}/replies/files/1").status_code == 404
    assert [letter.to_address for letter in carried()] == ["hello@fftf.example"]


def test_erasing_a_supporter_erases_what_they_replied(database: Flask, tmp_path: Path) -> None:
    _, _, _, ewa = update_answered(tmp_path)
    come_in(mail(sender="Ewa <person1@people.example>", text="And to nobody."))
    come_in(mail(to=reply_address(sent(template="deliveries/mail/to_target")), sender="person1@people.example"))
    come_in(mail(sender="Other <person2@people.example>", text="Somebody else."))

    with transaction() as session:
        supporters.forget(session, session.get_one(Supporter, ewa), now=utc_now())

    left = [(reply.sender_address, reply.words) for reply in replies()]
    assert left == [
        ("erased@invalid", ""),
        ("erased@invalid", ""),
        ("erased@invalid", ""),
        ("person1@people.example", "We stop."),
        ("person2@people.example", "Somebody else."),
    ]
    with reading() as session:
        assert session.scalars(sa.select(ReplyFile.id)).all() == []
    gone, kept = carried()
    assert (gone.state, gone.context, gone.reply_to) == (EmailState.DROPPED, {}, "")
    assert kept.context["words"] == "We stop."
