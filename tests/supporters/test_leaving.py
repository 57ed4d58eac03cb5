"""The ledger of answers, leaving by one click, and being forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.coalitions.models import Organization
from app.core import db
from app.core.clock import utc_now
from app.mail import outbox
from app.mail.message import Message, Priority
from app.mail.models import Email, EmailState
from app.petitions import commands as petitions
from app.supporters import commands, queries, rules
from app.supporters.models import Consent, Standing, Supporter
from tests import builders
from tests.builders import NOW
from tests.petitions.builders import together

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@dataclass
class Scene:
    """A supporter who said yes to one organization and no to another."""

    supporter: Supporter
    sender: Organization
    other: Organization


def remember(session: Session, email: str = "ewa@people.example", given_name: str = "Ewa") -> Supporter:
    return commands.remember(session, commands.Details(email=email, given_name=given_name), now=NOW)


def record(session: Session, supporter: Supporter, group: Organization, *, yes: bool) -> Consent:
    words = f"May {group.name} write to you?"
    return commands.record_consent(session, supporter, group, yes=yes, words=words, source="petition ban", now=NOW)


def scene(session: Session) -> Scene:
    supporter = remember(session)
    sender, other = builders.organization(session), builders.organization(session, name="Open Streets")
    record(session, supporter, sender, yes=True)
    record(session, supporter, other, yes=False)
    return Scene(supporter, sender, other)


def there() -> Scene:
    with db.transaction() as session:
        return scene(session)


def lines(session: Session) -> list[bool]:
    return list(session.scalars(sa.select(Consent.yes).order_by(Consent.id)))


def test_one_mailbox_is_one_supporter_with_the_newest_name(session: Session) -> None:
    first = remember(session)

    again = remember(session, "EWA+list@people.example", "Ewa Maria")

    assert again.id == first.id
    assert session.scalars(sa.select(Supporter)).one().given_name == "Ewa Maria"


def test_the_ledger_keeps_every_line_and_the_standing_is_the_newest(session: Session) -> None:
    here = scene(session)

    record(session, here.supporter, here.sender, yes=False)
    record(session, here.supporter, here.sender, yes=True)

    assert lines(session) == [True, False, False, True]
    standing = session.scalars(sa.select(Standing.yes).where(Standing.organization_id == here.sender.id)).all()
    assert standing == [True]


def test_an_audience_is_who_said_yes_to_this_sender_in_pages(session: Session) -> None:
    here = scene(session)
    more = [remember(session, f"person{number}@people.example") for number in range(4)]
    for one in more:
        record(session, one, here.sender, yes=True)
    leaver = remember(session, "leaver@people.example")
    record(session, leaver, here.sender, yes=True)
    commands.leave(session, leaver, here.sender, source="unsubscribe page", now=NOW)

    first = queries.audience(session, here.sender.id, limit=3)
    rest = queries.audience(session, here.sender.id, after_id=first[-1], until_id=more[-1].id, limit=3)

    assert first + rest == [here.supporter.id, *(one.id for one in more)]
    assert queries.audience(session, here.other.id) == []


def test_leaving_twice_adds_one_line(session: Session) -> None:
    here = scene(session)

    for _ in range(2):
        commands.leave(session, here.supporter, here.sender, source="unsubscribe page", now=NOW)

    assert lines(session) == [True, False, False]
    assert not queries.says_yes(session, here.supporter.id, here.sender.id)


def test_opening_the_unsubscribe_link_leaves_nothing(client: FlaskClient) -> None:
    here = there()
    link = rules.unsubscribe_path(here.supporter.id, here.sender.id, utc_now())

    page = client.get(link)

    assert page.status_code == 200
    assert here.sender.name in page.text
    with db.reading() as session:
        assert queries.says_yes(session, here.supporter.id, here.sender.id)


def test_one_click_from_a_mail_provider_leaves_at_once_without_cookie_or_redirect(client: FlaskClient) -> None:
    here = there()
    link = rules.unsubscribe_path(here.supporter.id, here.sender.id, utc_now())

    answer = client.post(link, data=ONE_CLICK)

    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    with db.reading() as session:
        assert not queries.says_yes(session, here.supporter.id, here.sender.id)
        newest = session.scalars(sa.select(Consent).order_by(Consent.id.desc())).first()
        assert newest is not None
        assert newest.source == "one-click unsubscribe"


def test_one_click_works_from_a_page_of_a_mail_program(client: FlaskClient) -> None:
    here = there()
    link = rules.unsubscribe_path(here.supporter.id, here.sender.id, utc_now())

    answer = client.post(
        link, data=ONE_CLICK, headers={"Origin": "https://webmail.example", "Sec-Fetch-Site": "cross-site"}
    )

    assert answer.status_code == 200
    with db.reading() as session:
        assert not queries.says_yes(session, here.supporter.id, here.sender.id)


def test_the_ledger_keeps_the_words_that_stood_on_what_was_pressed(client: FlaskClient) -> None:
    here = there()
    leave = rules.unsubscribe_path(here.supporter.id, here.sender.id, utc_now())
    link = rules.preferences_path(here.supporter.id, utc_now())
    form, button = client.get(link).text, client.get(leave).text

    client.post(leave)
    client.post(link, data={f"answer-{here.sender.id}": "yes"})
    client.post(leave, data=ONE_CLICK)
    client.post(link, data={f"answer-{here.other.id}": "yes"})
    client.post(link, data={"everything": "leave"})

    with db.reading() as session:
        pressed = [one.words for one in session.scalars(sa.select(Consent).order_by(Consent.id))][2:]
    assert pressed == [
        f"Stop updates from {here.sender.name}",
        f"May {here.sender.name} write to you with updates?",
        "List-Unsubscribe=One-Click",
        "May Open Streets write to you with updates?",
        "Stop all letters",
    ]
    assert pressed[0] in button
    assert all(words in form for words in (pressed[1], pressed[3], pressed[4]))


@pytest.mark.parametrize("ident", ["²", "٣", "-1", "0x7", "", "9" * 5_000, "1e3"])
def test_odd_answers_change_nothing(client: FlaskClient, ident: str) -> None:
    here = there()
    link = rules.preferences_path(here.supporter.id, utc_now())

    changed = client.post(link, data={f"answer-{ident}": "yes", f"answer-{here.sender.id}": "perhaps"})

    assert changed.status_code == 303
    with db.reading() as session:
        assert lines(session) == [True, False]


def test_pressing_everywhere_at_once_leaves_once(database: Flask) -> None:
    here = there()

    def press() -> None:
        with db.transaction() as session:
            supporter = session.get_one(Supporter, here.supporter.id)
            sender = session.get_one(Organization, here.sender.id)
            commands.leave(session, supporter, sender, source="one-click unsubscribe", now=NOW)

    together(*(press for _ in range(6)))

    with db.reading() as session:
        assert lines(session) == [True, False, False]


def test_an_erased_person_s_open_form_changes_nothing(client: FlaskClient) -> None:
    here = there()
    link = rules.preferences_path(here.supporter.id, utc_now())
    client.post(f"{link}/erase")

    late = client.post(link, data={f"answer-{here.sender.id}": "yes"}, follow_redirects=True)
    again = client.post(f"{link}/erase", follow_redirects=True)

    assert (late.status_code, again.status_code) == (200, 200)
    assert "Nothing is held about you" in late.text
    with db.reading() as session:
        assert lines(session) == []


def test_the_link_of_a_two_years_old_letter_still_works(client: FlaskClient) -> None:
    here = there()
    link = rules.unsubscribe_path(here.supporter.id, here.sender.id, utc_now() - timedelta(days=725))

    assert client.post(link, data=ONE_CLICK).status_code == 200


def test_an_erased_supporter_is_answered_with_the_same_words(client: FlaskClient) -> None:
    here = there()
    link = rules.unsubscribe_path(here.supporter.id, here.sender.id, utc_now())
    living = client.post(link, data=ONE_CLICK)
    with db.transaction() as session:
        petitions.forget_signer(session, session.get_one(Supporter, here.supporter.id), now=utc_now())

    erased = client.post(link, data=ONE_CLICK)

    assert (erased.status_code, erased.data) == (living.status_code, living.data)
    page = client.get(rules.preferences_path(here.supporter.id, utc_now()))
    assert "Nothing is held about you" in page.text


def test_the_link_of_an_erased_supporter_never_opens_somebody_else_s_answers(client: FlaskClient) -> None:
    here = there()
    link = rules.preferences_path(here.supporter.id, utc_now())
    with db.transaction() as session:
        petitions.forget_signer(session, session.get_one(Supporter, here.supporter.id), now=utc_now())
    with db.transaction() as session:
        stranger = remember(session, "stranger@people.example", "Stranger")

    assert stranger.id != here.supporter.id
    assert "Stranger" not in client.get(link).text


def test_the_preferences_show_each_answer_with_its_words_and_change_it(client: FlaskClient) -> None:
    here = there()
    link = rules.preferences_path(here.supporter.id, utc_now())

    page = client.get(link).text
    assert "May Open Streets write to you?" in page
    assert "May 20, 2021" in page
    form = {f"answer-{here.sender.id}": "no", f"answer-{here.other.id}": "yes", "answer-999": "yes", "answer-x": "yes"}
    changed = client.post(link, data=form, follow_redirects=True)

    assert "Your answers are saved" in changed.text
    with db.reading() as session:
        assert not queries.says_yes(session, here.supporter.id, here.sender.id)
        assert queries.says_yes(session, here.supporter.id, here.other.id)
        assert len(lines(session)) == 4


def test_one_button_leaves_everybody(client: FlaskClient) -> None:
    here = there()

    client.post(rules.preferences_path(here.supporter.id, utc_now()), data={"everything": "leave"})

    with db.reading() as session:
        assert queries.audience(session, here.sender.id) == []


def test_people_download_what_is_held_about_them(client: FlaskClient) -> None:
    here = there()

    held = client.get(rules.preferences_path(here.supporter.id, utc_now()) + "/data.json")

    assert held.headers["Content-Disposition"].startswith("attachment")
    data = held.get_json()
    assert data["email"] == "ewa@people.example"
    assert [one["yes"] for one in data["answers"]] == [True, False]
    assert "signatures" in data


def test_erasing_asks_first_and_then_stops_letters_already_queued(client: FlaskClient) -> None:
    here = there()
    link = rules.preferences_path(here.supporter.id, utc_now()) + "/erase"
    with db.transaction() as session:
        for template in ("broadcasts/mail/update", "signons/mail/receipt"):
            letter = Message("ewa@people.example", "Ewa", template, {}, Priority.UPDATE)
            outbox.queue(session, letter, once=template, now=utc_now())

    assert "Erase me" in client.get(link).text
    with db.reading() as session:
        assert session.scalars(sa.select(Supporter)).all()
    client.post(link)

    with db.reading() as session:
        assert not session.scalars(sa.select(Supporter)).all()
        update, receipt = session.scalars(sa.select(Email).order_by(Email.id)).all()
        assert (update.state, update.to_address) == (EmailState.DROPPED, "erased@invalid")
        assert (receipt.state, receipt.to_address) == (EmailState.QUEUED, "ewa@people.example")
