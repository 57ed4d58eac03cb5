from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from PIL import Image

from app.accounts.models import Account
from app.campaigns import commands as promises
from app.campaigns.models import Campaign, CampaignState
from app.core import db
from app.core.db import transaction
from app.core.text import digest
from app.petitions.models import Petition, PetitionState
from app.press.card import draw_card
from tests import builders
from tests.campaigns import builders as campaigns
from tests.signons import builders as signons
from tests.signons.builders import TEXT, Scene

SLUG = "stop-selling-face-recognition"
CAMPAIGN = "end-police-face-recognition"


@pytest.fixture
def given(database: object) -> Scene:
    """An open letter with one name under it."""
    made = signons.committed()
    with transaction() as session:
        signons.signed(session, made)
    return made


@contextmanager
def statements_run() -> Iterator[list[str]]:
    """Every SQL statement while the block runs."""
    ran: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        ran.append(statement)

    sa.event.listen(db.engine(), "before_cursor_execute", note)
    try:
        yield ran
    finally:
        sa.event.remove(db.engine(), "before_cursor_execute", note)


PUBLIC = [
    "/",
    "/c/coalition-for-open-faces",
    f"/campaigns/{CAMPAIGN}",
    "/targets/coalition-for-open-faces/amazon-com",
    f"/statements/{SLUG}",
    f"/statements/{SLUG}.txt",
    f"/statements/{SLUG}.json",
    f"/statements/{SLUG}.pdf",
    f"/statements/{SLUG}/share.png",
    "/share.png",
    "/c/coalition-for-open-faces/share.png",
    f"/campaigns/{CAMPAIGN}/share.png",
    f"/statements/{SLUG}/verify",
    "/verify",
    "/robots.txt",
    "/sitemap.xml",
    "/favicon.ico",
]


@pytest.mark.parametrize("path", PUBLIC)
def test_a_public_page_may_be_kept_by_any_cache_and_sets_no_cookie(
    given: Scene, client: FlaskClient, path: str
) -> None:
    shown = client.get(path)

    assert shown.status_code == 200
    assert shown.headers["Cache-Control"].startswith("public")
    assert "Set-Cookie" not in shown.headers
    assert "Cookie" not in shown.headers.get("Vary", "")
    if shown.mimetype == "text/html":
        assert re.search(r'<meta name="description" content="[^"]{20,}', shown.text)
        assert '<meta property="og:title"' in shown.text
        assert '<link rel="canonical" href="http://undersigned.example' in shown.text
        assert shown.text.count("<h1>") == 1
        assert len(shown.data) < 60_000


def test_a_signed_in_readers_cookie_does_not_leak_into_a_public_page(
    given: Scene, signed_in: Callable[[Account], FlaskClient]
) -> None:
    browser = signed_in(given.organizer)
    with browser.session_transaction("/home") as cookie:
        cookie.permanent = True

    shown = browser.get(f"/statements/{SLUG}")
    assert "Set-Cookie" not in shown.headers
    assert "Cookie" not in shown.headers.get("Vary", "")
    assert "Robin Vale" not in shown.text
    assert "Set-Cookie" in browser.get("/home").headers


def test_drafts_and_unknown_things_look_the_same(database: object, client: FlaskClient) -> None:
    made = signons.committed()
    with transaction() as session:
        session.get_one(Campaign, made.statement.campaign_id).state = CampaignState.DRAFT

    for path in ("/c/coalition-for-open-faces", f"/campaigns/{CAMPAIGN}", "/campaigns/nothing", "/c/nothing"):
        assert client.get(path).status_code == 404
    for path in ("/targets/coalition-for-open-faces/amazon-com", "/statements/nothing", "/statements/nothing.pdf"):
        assert client.get(path).status_code == 404
    for path in ("/statements/nothing/verify", "/statements/nothing.json", "/editions/nothing/1"):
        assert client.get(path).status_code == 404
    assert CAMPAIGN not in client.get("/").text


def test_an_organization_that_was_only_invited_is_not_shown_as_a_member(given: Scene, client: FlaskClient) -> None:
    with transaction() as session:
        other = builders.organization(session, name="Not Yet Joined", within=given.coalition)
        party = signons.contact(session, other, given.coalition)
        party.joined_at = None

    shown = client.get("/c/coalition-for-open-faces").text
    assert "Northwest Privacy Alliance" in shown
    assert "Not Yet Joined" not in shown


def test_the_letter_page_is_the_letter_with_its_roll_and_digest(given: Scene, client: FlaskClient) -> None:
    shown = client.get(f"/statements/{SLUG}").text

    assert "Northwest Privacy Alliance (NWPA)" in shown
    assert "Ingrid Sørensen, Executive Director" in shown
    assert "ingrid@" not in shown
    assert "<strong>stop</strong>" in shown
    assert (given.statement.digest or "")[:8] in shown
    assert "PDT" in shown
    # The text greets its addressees itself, so the page does not say it again.
    assert "letter-to" not in shown


def test_anybody_can_recompute_the_digest_from_the_exact_text(given: Scene, client: FlaskClient) -> None:
    text = client.get(f"/statements/{SLUG}.txt")

    assert text.data.decode() == TEXT
    assert digest(text.text) == given.statement.digest
    facts = client.get(f"/statements/{SLUG}.json").json
    assert facts is not None
    assert (facts["digest"], facts["count"]) == (given.statement.digest, 1)
    assert facts["roll"][0]["listed_as"] == "Northwest Privacy Alliance (NWPA)"


def test_the_letter_page_asks_as_many_questions_for_a_hundred_names_as_for_five(
    given: Scene, client: FlaskClient
) -> None:
    def sign(numbers: range) -> None:
        with transaction() as session:
            for number in numbers:
                group = builders.organization(session, name=f"Group {number}", within=given.coalition)
                signons.contact(session, group, given.coalition)
                signons.signed(session, given, group)

    sign(range(4))
    with statements_run() as few:
        assert client.get(f"/statements/{SLUG}").status_code == 200
    sign(range(4, 99))
    with statements_run() as many:
        shown = client.get(f"/statements/{SLUG}")
    assert "<b>100</b>" in shown.text
    assert len(many) == len(few)
    assert len(many) < 12


def test_the_pdf_is_not_sent_again_to_whoever_has_it(given: Scene, client: FlaskClient) -> None:
    first = client.get(f"/statements/{SLUG}.pdf")
    assert first.data.startswith(b"%PDF-")

    again = client.get(f"/statements/{SLUG}.pdf", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    picture = client.get(f"/statements/{SLUG}/share.png")
    assert picture.data.startswith(b"\x89PNG")
    headers = {"If-None-Match": picture.headers["ETag"]}
    assert client.get(f"/statements/{SLUG}/share.png", headers=headers).status_code == 304


@pytest.mark.parametrize("path", [path for path in PUBLIC if "." not in path.rsplit("/", 1)[-1]])
def test_a_public_page_names_a_picture_that_is_there(given: Scene, client: FlaskClient, path: str) -> None:
    page = client.get(path).text
    named = re.search(r'"og:image" content="http://undersigned\.example(/[^"]+)"', page)
    assert named is not None
    assert client.get(named[1]).data.startswith(b"\x89PNG")


def test_a_shared_picture_takes_any_words_and_is_the_same_for_the_same_words() -> None:
    for title in ("Stop", "word " * 200, "陳慧玲 Zażółć Nguyễn Thị Hương", "W" * 200, "\u202eevil", "=SUM(A1)"):
        drawn = draw_card(title, "Coalition " * 20, "7 organizations have signed")
        with Image.open(io.BytesIO(drawn)) as image:
            assert image.size == (1200, 630)
        draw_card.cache_clear()
        assert draw_card(title, "Coalition " * 20, "7 organizations have signed") == drawn


def test_a_petition_has_its_picture_and_its_place_in_the_workroom(
    database: object, client: FlaskClient, signed_in: Callable[[Account], FlaskClient]
) -> None:
    made = campaigns.committed()
    with transaction() as session:
        petition = Petition(
            campaign_id=made.campaign.id,
            slug="ban-it",
            title="Ban it",
            text="Ban it.",
            digest="0" * 64,
            state=PetitionState.OPEN,
            counted=41,
            created_at=builders.NOW,
        )
        session.add(petition)

    assert client.get("/petitions/ban-it/share.png").data.startswith(b"\x89PNG")
    assert "/petitions/ban-it/share.png" in client.get("/petitions/ban-it").text
    assert "41 people have signed" in client.get("/").text
    path = f"/work/{made.coalition.slug}/petitions"
    assert "Ban it" in signed_in(made.member).get(path).text
    assert signed_in(made.stranger).get(path).status_code == 404


def test_the_timeline_shows_what_was_promised_and_each_groups_words(database: object, client: FlaskClient) -> None:
    made = campaigns.committed()
    with transaction() as session:
        row = campaigns.promise(session, made, quote="a <pause>")
        change = promises.CommitmentChange(
            state="extended", on=date(2021, 5, 18), source="news agency report", words="indefinitely"
        )
        promises.change_commitment_state(session, row, change, by=made.by, now=builders.NOW)
        words = promises.NewReaction(spokesperson="Dana Ortiz", quote="End it.")
        dana = builders.actor(made.member)
        promises.react(session, row, made.partner, words, by=dana, now=builders.NOW)

    for path in (f"/campaigns/{made.campaign.slug}", "/targets/coalition-for-open-faces/amazon-com"):
        shown = client.get(path).text
        assert "a &lt;pause&gt;" in shown
        assert "extended until further notice" in shown
        assert "Dana Ortiz, American Civil Liberties Union" in shown
        assert '<time datetime="2020-06-10">June 10, 2020</time>' in shown
        assert "policy@amazon.example" not in shown


def test_the_front_page_says_what_to_do_when_nothing_is_public(app: object, client: FlaskClient) -> None:
    shown = client.get("/").text
    assert "No campaign is public yet" in shown
