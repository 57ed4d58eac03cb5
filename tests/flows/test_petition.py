"""A supporter's way, from the form to the last letter: everything through the pages, the worker and the mailbox."""

from __future__ import annotations

import email
import re
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.automations.commands import WELCOME
from app.core.db import reading
from app.jobs import worker
from app.schema import Base
from tests.petitions.builders import EWA, Scene, there

SignIn = Callable[[Account], FlaskClient]
HERE = "http://undersigned.example"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
OLU = EWA | {"given_name": "Olu", "family_name": "Ade", "email": "olu@people.example"}
UNSURE = EWA | {"given_name": "Una", "email": "una@people.example"}


@pytest.fixture
def letters(app: Flask) -> Callable[[str], list[EmailMessage]]:
    """What lies in somebody's mailbox, oldest first, after the worker has done all there is to do."""
    folder = Path(app.config["SETTINGS"].var_dir) / "mail"

    def opened(address: str) -> list[EmailMessage]:
        worker.until_idle()
        found = [email.message_from_bytes(path.read_bytes(), policy=default) for path in sorted(folder.glob("*.eml"))]
        return [letter for letter in found if address in str(letter["To"])]

    return opened


def words(letter: EmailMessage) -> str:
    part = letter.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def links(letter: EmailMessage) -> list[str]:
    """The places on this site that a letter leads to, its unsubscribe header among them."""
    found = re.findall(rf"{HERE}(/[^\s<>]*)", words(letter) + f" {letter['List-Unsubscribe']}")
    return list(dict.fromkeys(found))


def link(letter: EmailMessage, start: str) -> str:
    return next(one for one in links(letter) if one.startswith(start))


def everything() -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with reading() as session:
        return {
            table.name: [tuple(row) for row in session.execute(sa.select(table).order_by(*table.primary_key))]
            for table in Base.metadata.sorted_tables
        }


def open_all_twice(client: FlaskClient, letter: EmailMessage) -> None:
    """What a mail scanner does: it follows every link, twice, and presses nothing."""
    before = everything()
    for path in links(letter) * 2:
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "Set-Cookie" not in answer.headers
    assert everything() == before


def counted(client: FlaskClient, here: Scene) -> str:
    shown = re.search(r"<b>([\d,]+)</b> (?:person has|people have) signed", client.get(_page(here)).text)
    assert shown
    return shown[1]


def _page(here: Scene) -> str:
    return f"/petitions/{here.petition.slug}"


def sign(client: FlaskClient, here: Scene, who: dict[str, str]) -> None:
    answer = client.post(f"{_page(here)}/sign", data=who | {f"consent-{here.lead.slug}": "yes"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{_page(here)}/thanks")


def send_update(signed_in: SignIn, here: Scene, subject: str) -> None:
    """The organizer writes and sends it; a person of the other organization approves."""
    work = f"/work/{here.coalition.slug}"
    author, second = signed_in(here.organizer), signed_in(here.colleague)
    form = {"subject": subject, "body": "Dear {given_name},\n\nit **went out**.", "organization_id": str(here.lead.id)}
    update = author.post(f"{work}/campaigns/{here.campaign.slug}/updates/new", data=form).headers["Location"]
    assert author.post(f"{update}/test").status_code == 303
    assert second.post(f"{update}/approve", data={"version": "1"}).status_code == 303
    assert author.post(f"{update}/send").status_code == 303


def test_a_supporter_signs_confirms_is_counted_hears_once_and_leaves(
    client: FlaskClient, signed_in: SignIn, letters: Callable[[str], list[EmailMessage]]
) -> None:
    here = there()
    for who in (EWA, OLU, UNSURE):
        sign(client, here, who)
    for who in (EWA, OLU):
        (asked,) = letters(who["email"])
        assert asked["List-Unsubscribe"] is None
        open_all_twice(client, asked)
        assert client.post(link(asked, "/confirm/")).status_code == 303
    worker.until_idle()
    assert counted(client, here) == "2"

    send_update(signed_in, here, "{given_name}, it went out")

    update = letters(EWA["email"])[-1]
    assert update["Subject"] == "Ewa, it went out"
    assert "Dear Ewa," in words(update)
    assert [len(letters(who["email"])) for who in (EWA, OLU, UNSURE)] == [2, 2, 1]
    open_all_twice(client, update)
    assert "Fight for the Commons" in client.get(link(update, "/preferences/")).text

    assert update["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    way_out = str(update["List-Unsubscribe"]).strip("<>").removeprefix(HERE)
    left = client.post(way_out, data=ONE_CLICK)
    assert (left.status_code, "Location" in left.headers, "Set-Cookie" in left.headers) == (200, False, False)

    send_update(signed_in, here, "And more")

    assert [len(letters(who["email"])) for who in (EWA, OLU, UNSURE)] == [2, 3, 1]
    assert counted(client, here) == "2"


def test_an_address_that_is_known_hears_of_it_by_mail_and_nobody_else_hears_of_it(
    client: FlaskClient, letters: Callable[[str], list[EmailMessage]]
) -> None:
    here = there()
    sign(client, here, EWA)
    client.post(link(letters(EWA["email"])[0], "/confirm/"))

    sign(client, here, EWA | {"email": "EWA+again@people.example"})

    told = letters("people.example")[-1]
    assert str(told["Subject"]).startswith("You have signed already")
    open_all_twice(client, told)
    assert "Your signature counts" in client.get(link(told, "/confirm/")).text
    worker.until_idle()
    assert counted(client, here) == "1"


def test_a_welcome_has_the_way_out_that_mail_programs_press_and_pressing_it_leaves(
    client: FlaskClient, signed_in: SignIn, letters: Callable[[str], list[EmailMessage]]
) -> None:
    here = there()
    root = f"/work/{here.coalition.slug}/petitions/{here.petition.slug}/automation"
    author, second = signed_in(here.organizer), signed_in(here.colleague)
    form = {"subject": "Welcome, {given_name}", "body": "You said yes.", "organization_id": str(here.lead.id)}
    welcome = author.post(f"{root}/new/welcome", data=form).headers["Location"]
    assert second.post(f"{welcome}/approve", data={"version": "1"}).status_code == 303
    assert author.post(f"{welcome}/on", data={"version": "1"}).status_code == 303
    sign(client, here, EWA)
    client.post(link(letters(EWA["email"])[0], "/confirm/"))
    worker.run(WELCOME)

    letter = letters(EWA["email"])[-1]
    assert letter["Subject"] == "Welcome, Ewa"
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert re.fullmatch(rf"<{HERE}/unsubscribe/[^<>]+>", str(letter["List-Unsubscribe"]).strip())
    open_all_twice(client, letter)
    way_out = str(letter["List-Unsubscribe"]).strip("<> ").removeprefix(HERE)
    from_elsewhere = {"Origin": "https://webmail.example", "Sec-Fetch-Site": "cross-site"}
    left = client.post(way_out, data=ONE_CLICK, headers=from_elsewhere)
    assert (left.status_code, "Location" in left.headers, "Set-Cookie" in left.headers) == (200, False, False)
    before = len(letters(EWA["email"]))

    send_update(signed_in, here, "It went out")

    assert len(letters(EWA["email"])) == before
    assert 'value="no" checked' in client.get(link(letter, "/preferences/")).text
