"""Signing as a person does it: on a phone, without scripts, by keyboard, with mistakes."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Page

from app.core.clock import utc_now
from app.core.db import reading
from app.demo import crowd, lettering
from app.jobs import worker
from app.petitions.models import Petition
from app.signons.models import SignOn, SignOnState
from app.statements.models import Statement
from tests.browser import scenes

OpenPage = Callable[..., Page]


def petition() -> Petition:
    with reading() as session:
        return session.scalars(sa.select(Petition)).one()


def fill(page: Page, *, email: str = "ewa@people.example") -> None:
    page.get_by_label("Given name").fill("Ewa")
    page.get_by_label("Family name").fill("García Márquez")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Postal code").fill("98101")


def test_a_supporter_signs_and_confirms_without_scripts(app: Flask, site: str, open_page: OpenPage) -> None:
    scenes.play_until(crowd.open_the_petition)
    path = f"/petitions/{petition().slug}"
    page = open_page(path, phone=True, scripts=False)
    first = page.get_by_label("Given name").bounding_box()
    assert first is not None
    assert first["y"] + first["height"] < 844, "the first field is not visible without scrolling"
    assert not page.locator("input[type=radio]:checked").count()
    fill(page)
    page.locator("[name=consent-fight-for-the-future][value=yes]").check()
    page.get_by_role("button", name="Sign", exact=True).click()
    assert page.url.endswith("/thanks")
    worker.until_idle()
    page.goto(scenes.link("ewa@people.example", "petitions/mail/confirm", "confirm_path"))
    page.get_by_role("button", name="Confirm my signature").click()
    assert "Thank you, Ewa" in page.content()
    worker.until_idle()
    # Any cache, the browser's own too, may keep the public page for half a minute.
    page.goto(f"{path}?fresh")
    assert "1 person has signed" in " ".join(page.locator(".sign-count").inner_text().split())


def test_a_mistake_takes_the_focus_says_error_and_loses_nothing(
    app: Flask, site: str, open_page: OpenPage, complaints: object
) -> None:
    scenes.play_until(crowd.open_the_petition)
    complaints.allowed.add(422)  # type: ignore[attr-defined]
    page = open_page(f"/petitions/{petition().slug}")
    fill(page, email="not-an-address")
    page.get_by_role("button", name="Sign", exact=True).click()
    page.wait_for_selector("[data-error-summary]")
    assert page.title().startswith("Error: ")
    assert page.evaluate("document.activeElement.hasAttribute('data-error-summary')")
    assert page.get_by_label("Family name").input_value() == "García Márquez"
    page.get_by_role("link", name="Write an e-mail address").click()
    assert page.evaluate("document.activeElement.name") == "email"


def test_the_keyboard_alone_signs(app: Flask, site: str, open_page: OpenPage) -> None:
    scenes.play_until(crowd.open_the_petition)
    page = open_page(f"/petitions/{petition().slug}")
    typed = {"given_name": "Ewa", "family_name": "Lee", "email": "ewa@people.example", "postal_code": "98101"}
    for _ in range(60):
        page.keyboard.press("Tab")
        name = page.evaluate("document.activeElement.name || ''")
        if name in typed:
            page.keyboard.type(typed.pop(name))
        if not typed:
            break
    worker.beat(utc_now())  # without one the page says that letters wait
    page.keyboard.press("Enter")
    page.wait_for_url("**/thanks")
    assert typed == {}
    assert "look into your mailbox" in page.content()


def test_an_organization_signs_by_its_link_and_the_way_back_keeps_what_was_typed(
    app: Flask, site: str, open_page: OpenPage
) -> None:
    scenes.play_until(lettering.ask_to_sign)
    path = scenes.link("zoe@drwi.example", "signons/mail/request", "answer_path")
    page = open_page(path, scripts=False)
    page.locator("[name=listed_as]").fill("Digital Rights Watch (demo)")
    page.locator("[name=signatory_title]").fill("Acting Secretary")
    page.locator("[name=authorized]").check()
    page.locator("form button.button--primary").first.click()
    assert "Digital Rights Watch (demo)" in page.content()
    page.go_back()
    assert page.locator("[name=signatory_title]").input_value() == "Acting Secretary"
    page.locator("[name=authorized]").check()
    page.locator("form button.button--primary").first.click()
    page.locator("form button.button--primary").first.click()
    with reading() as session:
        digest = session.scalar(sa.select(Statement.digest))
        signed = session.scalars(sa.select(SignOn).where(SignOn.listed_as == "Digital Rights Watch (demo)")).one()
        assert signed.state is SignOnState.CONFIRMED
        assert signed.digest == digest
