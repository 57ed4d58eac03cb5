from __future__ import annotations

import io

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core.db import reading, transaction
from app.jobs.bell import JOBS
from app.press.letter import set_letter
from app.signons import commands
from app.signons.models import Edition
from app.signons.queries import sheet_of_statement
from app.statements.models import Statement
from tests.publishing.test_public import SLUG
from tests.signons import builders as signons
from tests.signons.builders import TEXT, Scene

HERE = f"/statements/{SLUG}/verify"


@pytest.fixture
def given(database: object) -> Scene:
    made = signons.committed()
    with transaction() as session:
        signons.signed(session, made)
    return made


def pdf(body: bytes, name: str = "letter.pdf") -> dict[str, object]:
    return {"words": "", "file": (io.BytesIO(body), name)}


@pytest.mark.parametrize("path", [HERE, "/verify"])
def test_the_exact_words_are_recognized_even_in_another_form(given: Scene, client: FlaskClient, path: str) -> None:
    for words in (TEXT, TEXT.replace("\n", "\r\n") + "\n\n", "\ufeff" + TEXT):
        shown = client.post(path, data={"words": words})
        assert shown.status_code == 200
        assert "To the letter the text of" in shown.text
    copied = "To Amazon.com:\n\nWe ask you to stop selling\nface recognition to police."
    assert "Word for word" in client.post(path, data={"words": copied}).text


def test_changed_words_are_shown_word_by_word(given: Scene, client: FlaskClient) -> None:
    shown = client.post(HERE, data={"words": TEXT.replace("police", "anybody")}).text

    assert "Different words" in shown
    assert "<del>police.</del><ins>anybody.</ins>" in shown
    assert "Nothing published here" in client.post("/verify", data={"words": "Other words."}).text


def test_a_digest_leads_to_its_letter(given: Scene, client: FlaskClient) -> None:
    known = given.statement.digest or ""
    spaced = " ".join(known[start : start + 8] for start in range(0, 64, 8)).upper()

    assert SLUG in client.post("/verify", data={"words": spaced}).text
    assert "Nothing published here" in client.post("/verify", data={"words": "0" * 64}).text


def test_a_draft_is_found_by_nobody(database: object, client: FlaskClient) -> None:
    from tests.statements.builders import scene

    with transaction() as session:
        made = scene(session)
        slug = made.statement.slug
        words = made.statement.revisions[0].text

    assert client.get(f"/statements/{slug}/verify").status_code == 404
    assert "Nothing published here" in client.post("/verify", data={"words": words}).text


@pytest.mark.parametrize("path", [HERE, "/verify"])
def test_the_delivered_file_is_known_by_its_bytes_and_a_copy_by_the_text_it_carries(
    given: Scene, client: FlaskClient, path: str
) -> None:
    with transaction() as session:
        statement = session.get_one(Statement, given.statement.id)
        sheet = sheet_of_statement(session, statement, base_url="http://undersigned.example", now=given.opened)
        commands.close(session, statement, by=given.by, now=given.after)
    JOBS["signons.typeset"]()
    with reading() as session:
        edition = session.scalars(sa.select(Edition)).one()
        assert edition.document is not None
        delivered = edition.document.body

    assert client.get(f"/statements/{SLUG}.pdf").data == delivered
    assert "that was delivered" in client.post(path, data=pdf(delivered)).text
    early = client.post(path, data=pdf(set_letter(sheet)))
    assert "Its visible pages were not compared" in early.text
    roll = client.get(f"/editions/{SLUG}/1")
    assert "Northwest Privacy Alliance (NWPA)" in roll.text
    assert "The words of this letter" in roll.text
    assert client.get(f"/editions/{SLUG}/2").status_code == 404


@pytest.mark.parametrize("path", [HERE, "/verify"])
def test_what_is_no_letter_gets_a_sentence_and_nothing_typed_is_lost(
    given: Scene, client: FlaskClient, path: str
) -> None:
    nothing = client.post(path, data={"words": " \u200b\n"})
    picture = client.post(path, data={"words": "kept", "file": (io.BytesIO(b"\x89PNG"), "x.pdf")})
    broken = client.post(path, data=pdf(b"%PDF-1.7 broken"))

    assert (nothing.status_code, picture.status_code, broken.status_code) == (422, 422, 422)
    assert "Paste the words, or choose a PDF." in nothing.text
    assert "This is not a PDF." in picture.text
    assert ">\nkept</textarea>" in picture.text
    assert "carries no text of a letter" in broken.text
    assert client.post(path, data={"words": "x" * 200_001}).status_code == 422


def test_a_body_of_twenty_megabytes_is_refused_with_a_sentence(given: Scene, client: FlaskClient) -> None:
    answer = client.post(HERE, data=pdf(b"%PDF-" + b"x" * 20_000_000))

    assert answer.status_code == 413
    assert "too large" in answer.text
