"""The pages of a petition: alike for everybody, changed by nobody who only looks, nothing typed lost."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core import db
from app.core.clock import utc_now
from app.jobs import worker
from app.petitions import commands
from app.petitions.models import Petition, SignatureState
from tests.builders import NOW
from tests.petitions.builders import EWA, SOMEBODY, Scene, pending, signatures, there, token_of


def post(client: FlaskClient, here: Scene, **changes: str) -> TestResponse:
    return client.post(f"/petitions/{here.petition.slug}/sign", data={**EWA, **changes})


def state() -> SignatureState:
    with db.reading() as session:
        return signatures(session)[0].state


def everything(response: TestResponse) -> tuple[object, ...]:
    headers = {name: value for name, value in response.headers.items() if name != "Date"}
    return response.status_code, headers, response.data


def test_the_page_has_the_fields_and_nothing_is_chosen_beforehand(client: FlaskClient) -> None:
    here = there()

    page = client.get(f"/petitions/{here.petition.slug}").text

    for name in EWA:
        assert f'name="{name}"' in page
    assert 'name="comments"' in page
    for slug in (here.lead.slug, here.partner.slug):
        assert f'name="consent-{slug}" value="yes"' in page
        assert f'name="consent-{slug}" value="no"' in page
    assert "checked" not in page
    assert here.outsider.slug not in page


def test_any_cache_may_hold_the_page(client: FlaskClient) -> None:
    here = there()

    response = client.get(f"/petitions/{here.petition.slug}", headers={"Cookie": "undersigned=anything"})

    assert "public" in response.headers["Cache-Control"]
    assert "Set-Cookie" not in response.headers
    assert "Cookie" not in response.headers.get("Vary", "")


@pytest.mark.parametrize("headers", [{}, {"Accept": "application/json"}])
def test_new_known_household_and_refused_attempts_are_answered_with_the_same_bytes(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    here = there()
    address = f"/petitions/{here.petition.slug}/sign"
    attempts = [
        EWA,
        EWA,
        EWA | {"email": "EWA+again@people.example"},
        EWA | {"given_name": "Ivan"},
        EWA | {"given_name": "Olu"},
        EWA | {"given_name": "Mal", "postal_code": "10001"},
        EWA | {"email": "somebody.else@people.example"},
        EWA | {"website": "https://spam.example", "email": "bot@people.example"},
        *(EWA | {"email": f"crowd{number}@people.example"} for number in range(25)),
    ]

    answers = {repr(everything(client.post(address, data=attempt, headers=headers))) for attempt in attempts}

    assert len(answers) == 1
    thanks = client.get(f"/petitions/{here.petition.slug}/thanks")
    assert thanks.status_code == 200
    assert "No letter leaves this site right now." in thanks.text, "no worker runs in this test"
    worker.beat(utc_now())
    thanks = client.get(f"/petitions/{here.petition.slug}/thanks")
    assert "We have written to the address you gave." in thanks.text
    assert "ewa" not in thanks.text.casefold()


def test_the_known_and_the_validated_get_the_same_page_as_the_new(client: FlaskClient) -> None:
    here = there()
    first = post(client, here)
    with db.transaction() as session:
        commands.confirm(session, token_of(signatures(session)[0], now=utc_now()), by=SOMEBODY, now=utc_now())

    again = post(client, here)

    assert everything(first) == everything(again)
    assert first.status_code == 303
    assert first.headers["Location"].endswith("/thanks")


def test_a_program_signs_with_json_and_reads_its_mistakes_as_problem_json(client: FlaskClient) -> None:
    here = there()
    address, accept = f"/petitions/{here.petition.slug}/sign", {"Accept": "application/json"}

    good = client.post(address, json=EWA | {f"consent-{here.lead.slug}": "yes"}, headers=accept)
    bad = client.post(address, json=EWA | {"email": "nowhere"}, headers=accept)
    worse = client.post(address, json=["not", "a", "form"], headers=accept)

    assert (good.status_code, good.is_json) == (202, True)
    assert (bad.status_code, bad.mimetype) == (422, "application/problem+json")
    assert list(bad.get_json()["errors"]) == ["email"]
    assert worse.status_code == 422
    with db.reading() as session:
        assert [one.yes for one in signatures(session)[0].answers] == [True]


@pytest.mark.parametrize("answer", [["yes"], {"yes": 1}, True, 1, None, "Yes", ""])
def test_an_answer_of_another_kind_is_no_answer(client: FlaskClient, answer: object) -> None:
    here = there()

    sent = client.post(f"/petitions/{here.petition.slug}/sign", json={**EWA, f"consent-{here.lead.slug}": answer})

    assert sent.status_code == 303
    with db.reading() as session:
        assert signatures(session)[0].answers == []


def test_a_mistake_keeps_everything_that_was_typed(client: FlaskClient) -> None:
    here = there()

    page = post(client, here, email="ewa at people", comments="My street", **{f"consent-{here.lead.slug}": "no"})

    assert page.status_code == 422
    assert "<title>Error: " in page.text
    assert "Write an e-mail address like name@example.org." in page.text
    for typed in ("ewa at people", "García Márquez", "My street", "98003"):
        assert typed in page.text
    assert page.text.count("checked") == 1


def test_markup_in_a_name_is_shown_as_it_was_typed(client: FlaskClient) -> None:
    here = there()

    page = post(client, here, given_name="<script>alert(1)</script>", email="no")

    assert "<script>alert" not in page.text
    assert "&lt;script&gt;" in page.text


def test_a_closed_petition_says_so_without_a_form_and_keeps_what_was_posted(client: FlaskClient) -> None:
    here = there()
    with db.transaction() as session:
        commands.close_petition(session, session.get_one(Petition, here.petition.id), by=here.by, now=NOW)

    page = client.get(f"/petitions/{here.petition.slug}")
    late = post(client, here, comments="Words I want to keep")

    assert "This petition is closed" in page.text
    assert 'name="email"' not in page.text
    assert late.status_code == 409
    assert "your name was not added" in late.text
    assert "Words I want to keep" in late.text


def test_drafts_and_unknown_petitions_are_not_there(client: FlaskClient) -> None:
    here = there(opened=False)

    assert client.get(f"/petitions/{here.petition.slug}").status_code == 404
    assert client.get("/petitions/nothing").status_code == 404
    assert post(client, here).status_code == 404


def test_a_form_sent_from_another_site_signs_nothing(client: FlaskClient) -> None:
    here = there()

    foreign = client.post(
        f"/petitions/{here.petition.slug}/sign", data=EWA, headers={"Origin": "https://elsewhere.example"}
    )

    assert foreign.status_code == 409
    with db.reading() as session:
        assert not signatures(session)


def test_a_scanner_that_opens_the_link_confirms_nothing(client: FlaskClient) -> None:
    token = pending(there())

    for method in (client.get, client.head, client.options):
        assert method(f"/confirm/{token}").status_code == 200
    client.get(f"/confirm/{token}?shown=x")
    client.get(f"/confirm/{token}/withdraw")

    assert state() is SignatureState.PENDING


def test_confirming_shows_what_is_confirmed_and_twice_is_the_same_page(client: FlaskClient) -> None:
    here = there()
    token = pending(here)

    before = client.get(f"/confirm/{token}")
    first = client.post(f"/confirm/{token}", follow_redirects=True)
    again = client.post(f"/confirm/{token}", follow_redirects=True)

    assert "García Márquez" in before.text
    assert "Fight for the Commons" in before.text
    assert first.status_code == again.status_code == 200
    assert "Your signature counts" in first.text
    assert "Your signature counts" in again.text
    assert "/preferences/" in first.text
    assert first.headers["Referrer-Policy"] == "no-referrer"


def test_an_altered_link_and_a_link_of_another_kind_are_refused(client: FlaskClient) -> None:
    here = there()
    token = pending(here)

    assert client.get(f"/confirm/{token}x").status_code == 410
    assert client.get(f"/preferences/{token}").status_code == 410
    assert client.post("/confirm/not-a-token").status_code == 410


def test_answers_that_changed_under_the_open_page_are_shown_before_they_are_confirmed(client: FlaskClient) -> None:
    here = there()
    token = pending(here)

    stale = client.post(f"/confirm/{token}", data={"shown": "0000000000000000"})

    assert stale.status_code == 409
    assert "Read what stands here now" in stale.text
    assert state() is SignatureState.PENDING


def test_a_second_person_too_many_reads_why_only_after_holding_the_link(client: FlaskClient) -> None:
    here = there()
    token = pending(here)
    with db.transaction() as session:
        signatures(session)[0].created_at = NOW
    late = pending(here, given_name="Mal", postal_code="10001")
    client.post(f"/confirm/{token}")

    page = client.post(f"/confirm/{late}", follow_redirects=True)

    assert page.status_code == 200
    assert "This address has signed already" in page.text


def test_taking_a_name_back_asks_first(client: FlaskClient) -> None:
    here = there()
    token = pending(here)
    client.post(f"/confirm/{token}")

    assert "Take your signature back?" in client.get(f"/confirm/{token}?take=back").text
    assert state() is SignatureState.VALIDATED
    client.post(f"/confirm/{token}/withdraw")

    assert state() is SignatureState.WITHDRAWN


def test_the_country_is_chosen_by_name_and_posted_as_two_letters(client: FlaskClient) -> None:
    here = there()
    page = client.get(f"/petitions/{here.petition.slug}").text
    assert 'name="country" autocomplete="country" required' in page
    assert '<option value="US" selected>United States</option>' in page
    assert '<option value="CI">Côte d’Ivoire</option>' in page
    assert page.count(" selected>") == 1

    assert post(client, here, country="ca").status_code == 303
    with db.reading() as session:
        (kept,) = signatures(session)
        assert kept.country == "CA"
        link = token_of(kept, now=utc_now())
    assert "Canada" in client.get(f"/confirm/{link}").text


@pytest.mark.parametrize(
    ("typed", "chosen"),
    [
        (" mx ", '<option value="MX" selected>Mexico</option>'),
        ("", '<option value="US" selected>United States</option>'),
        ("Atlantis", '<option value="Atlantis" selected>Atlantis</option>'),
        ("<b>", '<option value="&lt;b&gt;" selected>&lt;b&gt;</option>'),
    ],
)
def test_a_mistake_elsewhere_keeps_the_country_that_was_sent(client: FlaskClient, typed: str, chosen: str) -> None:
    here = there()
    refused = post(client, here, country=typed, postal_code="")
    assert refused.status_code == 422
    assert chosen in refused.text
    assert refused.text.count(" selected>") == 1
