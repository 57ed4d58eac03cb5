from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.core.actor import SYSTEM
from app.core.db import reading, transaction
from app.deliveries import commands
from app.deliveries.models import Delivery, DeliveryState, Document
from app.mail.models import Email, EmailState
from app.targets.models import Target
from tests import builders
from tests.builders import NOW
from tests.deliveries.builders import PDF, Scene, committed

SignIn = Callable[[Account], FlaskClient]


@pytest.fixture
def given(database: object) -> Scene:
    made = committed()
    with transaction() as session:
        document = session.get_one(Document, made.document.id)
        commands.send_document(session, document, document.campaign.targets, by=SYSTEM, now=NOW)
    return made


def _hand_over() -> None:
    with transaction() as session:
        letter = session.scalars(sa.select(Email).where(Email.template == "deliveries/mail/to_target")).one()
        letter.state, letter.accepted_at, letter.raw = EmailState.ACCEPTED, NOW, b"Subject: x\r\n\r\nbytes"
        commands.follow(session, now=NOW)


def test_a_member_sees_what_is_known_of_each_delivery(given: Scene, signed_in: SignIn) -> None:
    page = signed_in(given.viewer).get(f"/work/{given.coalition.slug}/deliveries")

    assert page.status_code == 200
    assert "No e-mail address is known for IBM" in page.text
    only = signed_in(given.viewer).get(f"/work/{given.coalition.slug}/deliveries?state=failed")
    assert "policy@amazon.example" not in only.text
    assert signed_in(given.viewer).get(f"/work/{given.coalition.slug}/deliveries?state=nonsense").status_code == 200


def test_a_stranger_finds_no_deliveries(given: Scene, signed_in: SignIn) -> None:
    with transaction() as session:
        stranger = builders.account(session, email="stranger@elsewhere.example")
    browser = signed_in(stranger)

    for path in ("", "/1", "/1/document.pdf", "/1/letter.eml"):
        assert browser.get(f"/work/{given.coalition.slug}/deliveries{path}").status_code == 404


def test_the_bytes_that_left_can_be_kept(given: Scene, signed_in: SignIn) -> None:
    browser = signed_in(given.organizer)
    base = f"/work/{given.coalition.slug}/deliveries/1"

    assert browser.get(f"{base}/letter.eml").status_code == 404
    _hand_over()
    assert browser.get(f"{base}/letter.eml").data == b"Subject: x\r\n\r\nbytes"
    assert browser.get(f"{base}/document.pdf").data == PDF


def test_an_organizer_records_an_answer_and_keeps_what_was_typed_when_it_is_refused(
    given: Scene, signed_in: SignIn
) -> None:
    _hand_over()
    browser = signed_in(given.organizer)
    base = f"/work/{given.coalition.slug}/deliveries/1"

    refused = browser.post(f"{base}/answer", data={"kind": "", "words": "They <b>said</b> yes."})
    assert refused.status_code == 422
    assert "They &lt;b&gt;said&lt;/b&gt; yes." in refused.text
    assert browser.post(f"{base}/answer", data={"kind": "answered", "words": "Yes."}).status_code == 303
    assert "The target answered." in browser.get(base).text
    assert "Record this" not in signed_in(given.viewer).get(base).text
    assert signed_in(given.viewer).post(f"{base}/answer", data={"kind": "answered", "words": "x"}).status_code == 403


def test_a_failed_delivery_is_sent_again_once_there_is_an_address(given: Scene, signed_in: SignIn) -> None:
    browser = signed_in(given.organizer)
    base = f"/work/{given.coalition.slug}/deliveries/2"
    refused = browser.post(f"{base}/again")
    assert refused.status_code == 409
    assert "There is still no e-mail address for IBM" in refused.text

    with transaction() as session:
        session.get_one(Target, given.targets[1].id).email = "policy@ibm.example"
    assert browser.post(f"{base}/again").status_code == 303
    assert browser.post(f"{base}/again").status_code == 409
    with reading() as session:
        assert session.get_one(Delivery, 2).state is DeliveryState.QUEUED


def test_a_target_added_later_can_still_be_sent_the_document(given: Scene, signed_in: SignIn) -> None:
    with transaction() as session:
        campaign = session.get_one(Document, given.document.id).campaign
        late = builders.target(session, given.coalition, name="Microsoft", email="policy@microsoft.example")
        campaign.targets.append(late)
    browser = signed_in(given.organizer)
    index = f"/work/{given.coalition.slug}/deliveries"
    assert "has not been sent to Microsoft" in browser.get(index).text

    assert browser.post(f"{index}/documents/{given.document.id}/send").status_code == 303
    assert "has not been sent to" not in browser.get(index).text
    assert browser.post(f"{index}/documents/999/send").status_code == 404
