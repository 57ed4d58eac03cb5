from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.core import tokens
from app.core.actor import SYSTEM
from app.core.audit import AuditEntry
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.mail.models import Email
from app.signons import commands, queries
from app.signons.models import Edition, SignOn, SignOnRequest, SignOnState
from app.statements.models import Statement, StatementState
from tests import builders
from tests.signons.builders import Scene, answer, ask, committed, contact, link, signed

SignIn = Callable[[Account], FlaskClient]


@pytest.fixture
def given(database: object) -> Scene:
    return committed(now=utc_now() - timedelta(days=1))


@pytest.fixture
def path(given: Scene) -> str:
    with transaction() as session:
        return link(session, ask(session, given), now=utc_now())


def _row(given: Scene) -> SignOn | None:
    with reading() as session:
        row = queries.sign_on_for(session, given.statement.id, given.partner.id)
        session.expunge_all()
        return row


def _manage(given: Scene) -> str:
    with transaction() as session:
        return queries.manage_link(signed(session, given), now=utc_now())


def _dispute(given: Scene) -> str:
    with transaction() as session:
        return queries.dispute_link(signed(session, given), now=utc_now())


def _close(given: Scene) -> None:
    with transaction() as session:
        commands.close(session, session.get_one(Statement, given.statement.id), by=SYSTEM, now=utc_now())


def _counts() -> list[int | None]:
    with reading() as session:
        tables = (SignOn, SignOnRequest, Edition, Email, AuditEntry)
        versions = session.scalar(sa.select(sa.func.coalesce(sa.func.sum(SignOn.version), 0)))
        return [session.scalar(sa.select(sa.func.count()).select_from(table)) for table in tables] + [versions]


def test_an_organization_reads_reviews_and_signs_by_its_link(given: Scene, path: str, client: FlaskClient) -> None:
    page = client.get(path).text
    assert "<strong>stop</strong> selling face recognition" in page
    assert "Coalition for Open Faces asks <b>Northwest Privacy Alliance</b>" in page
    assert 'value="Northwest Privacy Alliance"' in page
    assert "I am authorized to sign for Northwest Privacy Alliance." in page
    assert "checked" not in page

    review = client.post(f"{path}/review", data=answer(given))
    assert review.status_code == 200
    for shown in ("Northwest Privacy Alliance (NWPA)", "Ingrid Sørensen, Executive Director", "How to take it back"):
        assert shown in review.text
    assert "Sign on for Northwest Privacy Alliance" in review.text
    assert _row(given) is None

    carried = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', review.text))
    done = client.post(path, data=carried, follow_redirects=True)
    assert "Northwest Privacy Alliance has signed" in done.text
    row = _row(given)
    assert row is not None
    assert row.stands()


def test_a_form_posted_twice_signs_once(given: Scene, path: str, client: FlaskClient) -> None:
    first, second = (client.post(path, data=answer(given)) for _ in range(2))

    assert (first.status_code, second.status_code) == (303, 303)
    row = _row(given)
    assert row is not None
    assert row.version == 1


def test_opening_every_link_twice_as_a_mail_scanner_does_changes_nothing(
    given: Scene, path: str, client: FlaskClient
) -> None:
    manage, dispute = _manage(given), _dispute(given)
    before = _counts()

    for address in (path, f"{path}/decline", manage, dispute):
        for _ in range(2):
            assert client.get(address).status_code == 200
            assert client.head(address).status_code == 200
    for address in (f"{path}/review", f"{path}/change", f"{manage}/correct", f"{manage}/withdraw"):
        assert client.get(address).status_code in {404, 405, 410}

    assert _counts() == before


def test_what_was_typed_survives_a_refusal_and_the_way_back(given: Scene, path: str, client: FlaskClient) -> None:
    typed = answer(given, listed_as='<b>Us</b> & "them"', authorized="")

    refused = client.post(f"{path}/review", data=typed)
    assert refused.status_code == 422
    assert "&lt;b&gt;Us&lt;/b&gt; &amp; &#34;them&#34;" in refused.text
    assert "<b>Us</b>" not in refused.text
    assert "Tick this if you are authorized." in refused.text

    back = client.post(f"{path}/change", data=answer(given))
    assert 'value="Northwest Privacy Alliance (NWPA)"' in back.text
    assert client.get(path).headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("listed_as", "=1+1", "Start with a letter"),
        ("listed_as", "x" * 10_000, "Write at most 200 characters; this is 10,000."),
        ("listed_as", "\u202e\u200f", "Fill this in."),
        ("signatory_name", "https://spam.example", "without a web address"),
        ("signatory_title", "", "Fill this in."),
        ("signatory_email", "nobody", "Write an e-mail address"),
        ("listed_as", "Fight for the Future", "name of another organization"),
    ],
)
def test_bad_input_gets_a_sentence(
    given: Scene, path: str, client: FlaskClient, field: str, typed: str, sentence: str
) -> None:
    for address in (path, f"{path}/review"):
        refused = client.post(address, data=answer(given, **{field: typed}))
        assert refused.status_code == 422
        assert sentence in refused.text
    assert _row(given) is None


def test_words_that_are_not_those_shown_are_not_signed(given: Scene, path: str, client: FlaskClient) -> None:
    refused = client.post(path, data=answer(given, digest="0" * 64))

    assert refused.status_code == 409
    assert "These are not the words you were shown" in refused.text
    assert "Northwest Privacy Alliance (NWPA)" in refused.text


def test_a_letter_that_closed_meanwhile_says_so_and_shows_what_was_typed(
    given: Scene, path: str, client: FlaskClient
) -> None:
    _close(given)

    late = client.post(path, data=answer(given))

    assert late.status_code == 409
    assert "The sign-on closed on" in late.text
    assert "Northwest Privacy Alliance (NWPA)" in late.text
    assert "The sign-on is over" in client.get(path).text
    assert _row(given) is None


def test_stale_tampered_and_taken_back_links_each_get_a_sentence(given: Scene, path: str, client: FlaskClient) -> None:
    with reading() as session:
        ident = session.scalars(sa.select(SignOnRequest.id)).one()
    old = tokens.sign("sign-on", {"id": ident, "sent": 0}, lasts=timedelta(days=1), now=utc_now())

    for address in (f"{path}x", "/sign-on/nonsense", f"/sign-on/manage/{old}", f"/sign-on/dispute/{old}"):
        assert client.get(address).status_code == 410
        assert "This link is not valid any more" in client.get(address).text
    assert "A newer link was sent to you on" in client.get(f"/sign-on/{old}").text
    with transaction() as session:
        commands.revoke_request(session, session.get_one(SignOnRequest, ident), by=given.by, now=utc_now())
    for answered in (client.get(path), client.post(path, data=answer(given))):
        assert answered.status_code == 410
        assert "took back this request" in answered.text


def test_an_organization_declines_and_changes_its_mind(given: Scene, path: str, client: FlaskClient) -> None:
    done = client.post(f"{path}/decline", data={"reason": "Not <i>now</i>"}, follow_redirects=True)
    assert "declined to sign. Sign below if it has changed its mind." in done.text
    row = _row(given)
    assert row is not None
    assert (row.state, row.reason) == (SignOnState.DECLINED, "Not <i>now</i>")

    assert client.post(path, data=answer(given)).status_code == 303
    assert "Use the link in the receipt" in client.get(f"{path}/decline").text


def test_a_receipt_corrects_and_takes_back_until_it_closes(given: Scene, client: FlaskClient) -> None:
    manage = _manage(given)
    wrong = client.post(f"{manage}/correct", data={"listed_as": "", "signatory_name": "I", "signatory_title": "D"})
    assert wrong.status_code == 422
    right = {"listed_as": "NWPA", "signatory_name": "Ingrid", "signatory_title": "Director"}
    assert client.post(f"{manage}/correct", data=right).status_code == 303
    assert "Ingrid, Director" in client.get(manage).text

    assert client.post(f"{manage}/withdraw", data={"reason": ""}).status_code == 303
    assert "the sign-on was withdrawn" in client.get(manage).text
    assert client.post(f"{manage}/withdraw", data={}).status_code == 303


def test_after_closing_a_receipt_only_shows(given: Scene, client: FlaskClient) -> None:
    manage = _manage(given)
    _close(given)

    page = client.get(manage)

    assert "The time to withdraw is over" in page.text
    assert "<form" not in page.text
    late = client.post(f"{manage}/withdraw", data={"reason": "Please"})
    assert late.status_code == 409
    row = _row(given)
    assert row is not None
    assert row.stands()


def test_an_organization_disputes_a_name_it_did_not_give(given: Scene, client: FlaskClient) -> None:
    dispute = _dispute(given)
    assert "Ingrid Sørensen, Executive Director" in client.get(dispute).text

    done = client.post(dispute, data={"reason": "Not us"}, follow_redirects=True)

    assert "the organizers of Coalition for Open Faces have been told" in done.text
    row = _row(given)
    assert row is not None
    assert row.state is SignOnState.DISPUTED


def test_pages_of_links_are_neither_indexed_nor_named_to_other_sites(path: str, client: FlaskClient) -> None:
    headers = client.get(path).headers

    assert headers["X-Robots-Tag"] == "noindex"
    assert headers["Referrer-Policy"] == "no-referrer"
    foreign = client.post(path, data={}, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 409


def test_a_signatory_signs_corrects_and_withdraws_from_inside(given: Scene, signed_in: SignIn) -> None:
    browser = signed_in(given.signatory)
    base = f"/work/{given.coalition.slug}/statements/{given.statement.slug}/sign"
    assert f'href="{base}"' in browser.get(base.removesuffix("/sign")).text
    assert 'value="Sig Signatory"' in browser.get(base).text

    review = browser.post(f"{base}/review", data=answer(given))
    assert "Review before signing" in review.text
    assert 'value="Northwest Privacy Alliance (NWPA)"' in browser.post(f"{base}/change", data=answer(given)).text
    assert browser.post(base, data=answer(given)).status_code == 303
    assert "Northwest Privacy Alliance has signed" in browser.get(base).text
    right = {"listed_as": "NWPA", "signatory_name": "Ingrid", "signatory_title": "Director"}
    assert browser.post(f"{base}/correct", data=right).status_code == 303
    assert browser.post(f"{base}/withdraw", data={"reason": "Board"}).status_code == 303
    assert browser.post(f"{base}/decline", data={"reason": "Board"}).status_code == 303
    row = _row(given)
    assert row is not None
    assert row.state is SignOnState.DECLINED
    assert row.account_id == given.signatory.id


def test_a_viewer_may_not_sign_and_a_stranger_finds_nothing(given: Scene, signed_in: SignIn) -> None:
    with transaction() as session:
        stranger = builders.account(session, email="stranger@elsewhere.example")
    base = f"/work/{given.coalition.slug}/statements/{given.statement.slug}"

    for person, status in ((given.viewer, 403), (stranger, 404)):
        browser = signed_in(person)
        assert browser.get(f"{base}/sign").status_code == status
        assert browser.post(f"{base}/sign", data=answer(given)).status_code == status
        assert browser.get(f"{base}/sign-ons").status_code == status
        assert browser.post(f"{base}/sign-ons/close").status_code == status
    assert signed_in(given.signatory).get(f"{base}/sign-ons").status_code == 403


def test_an_organizer_asks_sees_who_answered_asks_again_and_takes_back(given: Scene, signed_in: SignIn) -> None:
    browser = signed_in(given.organizer)
    base = f"/work/{given.coalition.slug}/statements/{given.statement.slug}/sign-ons"
    assert "Ask the 2 not asked yet" in browser.get(base).text

    assert browser.post(f"{base}/ask", data={"organization_id": given.partner.id}).status_code == 303
    assert browser.post(f"{base}/ask").status_code == 303
    page = browser.get(base).text
    assert "ingrid@northwest-privacy-alliance.example" in page
    with reading() as session:
        ident = session.scalars(sa.select(SignOnRequest.id).order_by(SignOnRequest.id)).first()
    soon = browser.post(f"{base}/resend", data={"request_id": ident})
    assert soon.status_code == 409
    assert "Wait a few minutes" in soon.text
    assert browser.post(f"{base}/resend").status_code == 303
    assert browser.post(f"{base}/revoke", data={"request_id": ident}).status_code == 303
    assert "Request taken back" in browser.get(base).text
    assert browser.post(f"{base}/revoke", data={"request_id": 999}).status_code == 404
    assert browser.get(f"{base}?show=nonsense").status_code == 200


def test_an_organizer_reviews_and_closes(given: Scene, signed_in: SignIn) -> None:
    with transaction() as session:
        signed(session, given)
    browser = signed_in(given.organizer)
    base = f"/work/{given.coalition.slug}/statements/{given.statement.slug}/sign-ons"

    review = browser.get(f"{base}/close").text
    assert "Northwest Privacy Alliance (NWPA)" in review
    assert "Amazon.com" in review
    with reading() as session:
        assert session.get_one(Statement, given.statement.id).state is StatementState.OPEN

    assert browser.post(f"{base}/close").status_code == 303
    assert browser.post(f"{base}/close").status_code == 303
    assert "Edition 1" in browser.get(base).text
    assert "nothing to close" in browser.get(f"{base}/close").text


def test_an_organizer_settles_a_dispute(given: Scene, signed_in: SignIn, client: FlaskClient) -> None:
    client.post(_dispute(given), data={"reason": "Not us"})
    row = _row(given)
    assert row is not None
    browser = signed_in(given.organizer)
    base = f"/work/{given.coalition.slug}/statements/{given.statement.slug}/sign-ons"

    assert "Not us" in browser.get(f"{base}/{row.id}/dispute").text
    assert browser.post(f"{base}/{row.id}/dispute", data={"reason": ""}).status_code == 422
    assert browser.post(f"{base}/{row.id}/dispute", data={"reason": "They called."}).status_code == 303
    assert browser.get(f"{base}/999/dispute").status_code == 404
    settled = _row(given)
    assert settled is not None
    assert settled.stands()


def test_a_request_of_another_coalition_is_not_found(given: Scene, signed_in: SignIn) -> None:
    with transaction() as session:
        other = builders.coalition(session, name="Another Coalition")
        group = builders.organization(session, name="Elsewhere", within=other)
        contact(session, group, other)
    base = f"/work/{other.slug}/statements/{given.statement.slug}/sign-ons"

    assert signed_in(given.organizer).get(base).status_code == 404
