"""The pages on which readers are chosen and looked at, and what they show to whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.broadcasts import commands, jobs, queries
from app.broadcasts.commands import approving
from app.coalitions.models import Role
from app.core import limits
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import TooMany
from app.mail.models import Email
from app.supporters import commands as supporters
from app.supporters.models import Supporter
from tests import builders
from tests.broadcasts.builders import Stage, ready, stage
from tests.broadcasts.test_audience import council, somebody
from tests.builders import NOW

SignIn = Callable[[Account], FlaskClient]
SLUG = "coalition-for-open-faces"
WORDS = (
    "Hello {given_name|neighbor},\n\n{official|your council member} votes on Tuesday at ten in the county court house, "
    "and sixty groups have signed the letter that asks for the ban. Come along and bring somebody."
)


def ids() -> dict[str, int]:
    """The supporters' ids by given name."""
    with reading() as session:
        return {one.given_name: one.id for one in session.scalars(sa.select(Supporter))}


def scene(**wish: object) -> tuple[Stage, int, Account, Account]:
    """Three readers, a council, and an update of Robin's; who is there, its id, Robin and Dana."""
    with transaction() as session:
        there = stage(session)
        council(session, there, "981,1\n98004,2\n")
        somebody(session, "Ana", there.lead, postal_code="98101")
        somebody(session, "Bea", there.lead, postal_code="98004", country="CA", email="bea@secret.example")
        left = somebody(session, "Cid", there.lead)
        supporters.leave(session, left, there.lead, source="test", now=NOW)
        entry = commands.NewBroadcast.of({"subject": "The vote is on Tuesday", "body": WORDS, **wish})
        made = commands.compose(session, there.campaign, entry, by=there.robin, now=NOW)
        robin, dana = (session.get_one(Account, one.account_id) for one in (there.robin, there.dana))
        return there, made.id, robin, dana


def test_the_count_is_fetched_and_tells_why_others_are_left_out(signed_in: SignIn) -> None:
    there, _, robin, _ = scene()
    browser = signed_in(robin)
    path = f"/work/{SLUG}/campaigns/{there.campaign.slug}/updates/reach"

    everybody = browser.get(f"{path}?organization_id={there.lead.id}").text
    narrowed = browser.get(f"{path}?organization_id={there.lead.id}&countries=us").text
    wrong = browser.get(f"{path}?organization_id={there.lead.id}&countries=everywhere").text

    assert "<strong>2 readers</strong> of 2 who said yes" in everybody
    assert "<strong>1 reader</strong> of 2" in narrowed
    assert "One person lives in another country" in narrowed
    assert "not a country in two letters" in wrong


def test_without_a_script_the_button_counts_and_nothing_typed_is_lost(signed_in: SignIn) -> None:
    there, _, robin, _ = scene()
    browser = signed_in(robin)
    typed = {
        "organization_id": str(there.lead.id),
        "subject": "Half a subj",
        "body": "Half a body {oops}",
        "countries": "US",
        "unwritten": "yes",
    }

    page = browser.post(f"/work/{SLUG}/campaigns/{there.campaign.slug}/updates/reach", data=typed).text

    assert "<strong>1 reader</strong> of 2" in page
    for kept in ("Half a subj", "Half a body {oops}", 'value="US"'):
        assert kept in page
    assert 'name="unwritten" value="yes" checked' in page
    wrong = browser.post(
        f"/work/{SLUG}/campaigns/{there.campaign.slug}/updates/reach", data={**typed, "quiet_days": "many"}
    )
    assert wrong.status_code == 422
    assert "Write a whole number" in wrong.text
    assert "Half a body {oops}" in wrong.text


def test_counting_while_editing_stays_on_the_update(signed_in: SignIn) -> None:
    there, ident, robin, _ = scene()
    form = {"organization_id": str(there.lead.id), "broadcast_id": str(ident), "subject": "S", "body": "B"}

    page = signed_in(robin).post(f"/work/{SLUG}/campaigns/{there.campaign.slug}/updates/reach", data=form).text

    assert f'action="/work/{SLUG}/updates/{ident}/edit"' in page
    assert 'name="based_on" value="1"' in page


def test_nobody_counts_the_supporters_of_an_organization_they_do_not_write_for(signed_in: SignIn) -> None:
    there, _, robin, dana = scene()
    path = f"/work/{SLUG}/campaigns/{there.campaign.slug}/updates/reach"

    assert signed_in(dana).get(f"{path}?organization_id={there.lead.id}").status_code == 403
    assert signed_in(robin).get(f"{path}?organization_id={there.partner.id}").status_code == 403


def test_the_audience_is_kept_and_shown_in_words(signed_in: SignIn) -> None:
    there, ident, robin, dana = scene()
    browser = signed_in(robin)
    form = {
        "subject": "The vote is on Tuesday",
        "body": WORDS,
        "organization_id": str(there.lead.id),
        "based_on": "1",
        "postal_prefixes": "981, 98004",
        "quiet_days": "7",
        "on_behalf": "yes",
    }

    assert browser.post(f"/work/{SLUG}/updates/{ident}/edit", data=form).status_code == 303

    page = signed_in(dana).get(f"/work/{SLUG}/updates/{ident}").text
    assert "whose postal code begins with 981 or 98004" in page
    assert "who got no update of Fight for the Future in the last 7 days" in page
    again = browser.get(f"/work/{SLUG}/updates/{ident}/edit").text
    assert 'value="981, 98004"' in again
    assert 'name="on_behalf" value="yes" checked' in again


def test_a_real_readers_letter_is_shown_as_text_and_html_under_the_policy_of_letters(signed_in: SignIn) -> None:
    _, ident, robin, _ = scene()
    browser = signed_in(robin)

    first = browser.get(f"/work/{SLUG}/updates/{ident}/preview")
    html = browser.get(f"/work/{SLUG}/updates/{ident}/preview/html")

    assert "Hello Ana," in first.text
    assert "Councilmember Ana votes" in first.text
    assert "ana@people.example" in first.text
    assert "frame-src 'self'" in first.headers["Content-Security-Policy"]
    assert "sandbox" in html.headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in html.headers["Content-Security-Policy"]
    assert html.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "Hello Ana," in html.text


def test_the_next_reader_is_a_button_away_and_after_the_last_comes_the_first(signed_in: SignIn) -> None:
    _, ident, robin, _ = scene()
    browser = signed_in(robin)
    path = f"/work/{SLUG}/updates/{ident}/preview"

    assert "Hello Ana," in browser.get(path).text
    assert "Hello Bea," in browser.get(f"{path}?after={ids()['Ana']}").text
    assert "Councilmember Bea votes" in browser.get(f"{path}?after={ids()['Ana']}").text
    assert "Hello Ana," in browser.get(f"{path}?after={ids()['Bea']}").text
    assert browser.get(f"{path}?reader={ids()['Cid']}").status_code == 404  # she left


def test_only_those_who_write_for_the_sender_see_and_search_addresses(signed_in: SignIn) -> None:
    _, ident, robin, dana = scene()
    path = f"/work/{SLUG}/updates/{ident}/preview"

    mine = signed_in(robin).get(f"{path}?q=bea@secret.example").text
    browser = signed_in(dana)
    theirs = browser.get(f"{path}?q=bea@secret.example&reader={ids()['Bea']}").text

    assert "Bea, bea@secret.example" in mine
    assert "Hello Ewa," in theirs
    assert "Bea" not in theirs
    assert "who the supporters of Fight for the Future are" in theirs


def test_nobody_else_learns_who_said_yes_by_asking_for_a_number(signed_in: SignIn) -> None:
    _, ident, _, dana = scene()
    browser = signed_in(dana)

    for path in (f"/work/{SLUG}/updates/{ident}/preview", f"/work/{SLUG}/updates/{ident}/preview/html"):
        asked = [browser.get(f"{path}?reader={one}") for one in (ids()["Bea"], ids()["Cid"], 10**6)]
        asked.append(browser.get(f"{path}?after={ids()['Ana']}"))

        assert {answer.status_code for answer in asked} == {200}
        assert len({answer.text.rpartition("Sign out")[2] for answer in asked}) == 1  # before it a second's token


def test_whom_another_organization_wrote_to_is_not_told_by_an_audience(database: Flask) -> None:
    with transaction() as session:
        there = stage(session)
        both = somebody(session, "Ana", there.lead)
        supporters.record_consent(session, both, there.partner, yes=True, words="May we?", source="test", now=NOW)
        somebody(session, "Bea", there.partner)
        theirs = ready(session, there)
        commands.send(session, theirs, by=there.robin, now=NOW)
    while jobs.plan():
        pass

    with transaction() as session:
        wish = commands.NewBroadcast(subject="Ours", body="Hello, it is ours.", unwritten=True)
        mine = commands.compose(session, there.campaign, wish, by=there.dana, now=NOW)
        found = queries.reach(session, mine, now=NOW)

    assert (found.readers, found.left_out["unwritten"]) == (2, 0)


def test_somebody_who_is_left_out_is_not_found(signed_in: SignIn) -> None:
    _, ident, robin, _ = scene(countries="US")
    browser = signed_in(robin)

    assert "No reader of this update is called so" in browser.get(f"/work/{SLUG}/updates/{ident}/preview?q=bea").text
    assert "Hello Ana," in browser.get(f"/work/{SLUG}/updates/{ident}/preview?q=ana").text


def test_an_update_for_nobody_is_shown_as_ewa_would_get_it(signed_in: SignIn) -> None:
    _, ident, robin, _ = scene(countries="DE")

    page = signed_in(robin).get(f"/work/{SLUG}/updates/{ident}/preview").text

    assert "Nobody would get this update now" in page
    assert "Hello Ewa," in page


def test_a_stranger_sees_no_preview(signed_in: SignIn, database: Flask) -> None:
    _, ident, _, _ = scene()
    with transaction() as session:
        stranger = builders.account(session, email="stranger@x.example")
    browser = signed_in(stranger)

    assert browser.get(f"/work/{SLUG}/updates/{ident}/preview").status_code == 404
    assert browser.get(f"/work/{SLUG}/updates/{ident}/preview/html").status_code == 404


def test_a_test_goes_to_oneself_and_up_to_five_colleagues(signed_in: SignIn) -> None:
    there, ident, robin, _ = scene()
    with transaction() as session:
        people = [
            builders.member(session, there.lead, role=Role.VIEWER, email=f"p{n}@fftf.example", name=f"Pat{n} Vale").id
            for n in range(6)
        ]
    browser = signed_in(robin)

    six = browser.post(f"/work/{SLUG}/updates/{ident}/test", data={"colleagues": [str(one) for one in people]})
    two = browser.post(f"/work/{SLUG}/updates/{ident}/test", data={"colleagues": [str(one) for one in people[:2]]})

    assert six.status_code == 422
    assert "Choose at most 5 colleagues" in six.text
    assert two.status_code == 303
    with reading() as session:
        tests = [one for one in session.scalars(sa.select(Email)) if one.template == "broadcasts/mail/update"]
        assert sorted(one.to_address for one in tests) == ["p0@fftf.example", "p1@fftf.example", "robin@fftf.example"]
        assert {one.context["markdown"].split(",")[0] for one in tests} == {"Hello Pat0", "Hello Pat1", "Hello Robin"}


def test_nobodys_mailbox_is_flooded_with_tests(signed_in: SignIn) -> None:
    there, ident, robin, _ = scene()
    with transaction() as session:
        pat = builders.member(session, there.lead, role=Role.VIEWER, email="pat@fftf.example", name="Pat Vale")
        # This hour and the next one, should the clock strike meanwhile.
        for hour in (utc_now(), utc_now() + approving.HOUR):
            for _ in range(approving.MOST_FOR_ONE):
                limits.spend(session, "test letters", str(pat.id), allowed=99, per=approving.HOUR, now=hour)
        colleague = str(pat.id)
    browser = signed_in(robin)

    refused = browser.post(f"/work/{SLUG}/updates/{ident}/test", data={"colleagues": [colleague]})
    alone = browser.post(f"/work/{SLUG}/updates/{ident}/test")

    assert (refused.status_code, alone.status_code) == (429, 303)
    assert "Pat Vale got 20 test letters within an hour: leave them out, or wait." in refused.text
    with reading() as session:
        letters = [one.to_address for one in session.scalars(sa.select(Email)) if one.context.get("test")]
        assert letters == ["robin@fftf.example"]


def test_a_writer_sends_so_many_tests_an_hour_and_a_refused_one_costs_nothing(session: Session) -> None:
    there = stage(session)
    entry = commands.NewBroadcast(subject="The vote is on Tuesday", body=WORDS)
    written = commands.compose(session, there.campaign, entry, by=there.robin, now=NOW)
    for second in range(approving.MOST_TESTS):
        commands.send_test(session, written, by=there.robin, now=NOW + timedelta(seconds=second))

    with pytest.raises(TooMany, match="Meanwhile the preview shows the same letter"), session.begin_nested():
        commands.send_test(session, written, by=there.robin, now=NOW + timedelta(minutes=1))

    assert (
        commands.send_test(session, written, by=there.robin, now=NOW + approving.HOUR).to_address
        == "robin@fftf.example"
    )


def test_a_test_goes_to_nobody_outside_the_sender(signed_in: SignIn) -> None:
    there, ident, robin, dana = scene()

    answer = signed_in(robin).post(f"/work/{SLUG}/updates/{ident}/test", data={"colleagues": str(dana.id)})

    assert answer.status_code == 422
    assert f"Choose among the people of {there.lead.name}" in answer.text


@pytest.mark.parametrize(
    ("link", "said"),
    [("/petitions/nowhere", "There is no public page /petitions/nowhere here"), ("/", ""), ("/home", "/home")],
)
def test_links_to_our_own_pages_are_tried_before_approval(signed_in: SignIn, link: str, said: str) -> None:
    there, _, robin, dana = scene()
    form = {
        "subject": "The vote is on Tuesday",
        "body": f"{WORDS} [See it](http://undersigned.example{link}).",
        "organization_id": str(there.lead.id),
    }
    made = signed_in(robin).post(f"/work/{SLUG}/campaigns/{there.campaign.slug}/updates/new", data=form)
    here = made.headers["Location"]

    page = signed_in(robin).get(here).text
    answer = signed_in(dana).post(f"{here}/approve", data={"version": "1"})

    assert answer.status_code == (409 if said else 303)
    assert said in page
    assert ("It cannot be approved before" in page) is bool(said)


def test_a_warning_is_shown_and_does_not_keep_anybody_from_approving(signed_in: SignIn) -> None:
    there, _, robin, dana = scene()
    form = {"subject": "THE VOTE IS NEAR", "body": WORDS, "organization_id": str(there.lead.id)}
    made = signed_in(robin).post(f"/work/{SLUG}/campaigns/{there.campaign.slug}/updates/new", data=form)
    here = made.headers["Location"]

    for person in (robin, dana):
        assert "The subject is in capital letters" in signed_in(person).get(here).text
    assert signed_in(dana).post(f"{here}/approve", data={"version": "1"}).status_code == 303


def test_a_link_that_no_browser_can_follow_is_a_finding_and_breaks_no_page(signed_in: SignIn) -> None:
    there, _, robin, _ = scene()
    browser = signed_in(robin)
    words = "[one](http://undersigned.example//[) "
    words += "[two](http://undersigned.example/%2F/[x) [three](http://undersigned.example/%00%ff) go there now."
    form = {"subject": "Links", "body": words, "organization_id": str(there.lead.id)}

    here = browser.post(f"/work/{SLUG}/campaigns/{there.campaign.slug}/updates/new", data=form).headers["Location"]

    assert browser.get(here).status_code == 200
