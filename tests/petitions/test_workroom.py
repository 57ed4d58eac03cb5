"""The organizers' pages: start, watch, report, take off, export one's own people."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.campaigns.models import Campaign, CampaignState
from app.coalitions.models import Party, PartyRole
from app.core import db
from app.core.audit import AuditEntry
from app.core.clock import utc_now
from app.jobs import worker
from app.petitions import queries
from app.petitions.models import Petition, SignatureState
from tests import builders
from tests.builders import NOW
from tests.petitions.builders import pending, sign, signatures, there, token_of

SignIn = Callable[[Account], FlaskClient]


def test_an_organizer_starts_opens_watches_and_closes_a_petition(client: FlaskClient, signed_in: SignIn) -> None:
    here = there()
    browser = signed_in(here.organizer)
    work = f"/work/{here.coalition.slug}"

    wrong = browser.post(
        f"{work}/campaigns/{here.campaign.slug}/petitions/new",
        data={"title": "Second", "text": "Words", "goal": "many", "closes": "2021-05-20"},
    )
    assert wrong.status_code == 422
    assert "Write a whole number." in wrong.text
    form = {"title": "Second", "text": "Words", "goal": "50", "closes": "", "asks": str(here.lead.id)}
    made = browser.post(f"{work}/campaigns/{here.campaign.slug}/petitions/new", data=form)
    assert made.headers["Location"] == f"{work}/petitions/second"
    past = browser.post(f"{work}/petitions/second/edit", data=form | {"closes": "2021-05-20"})
    assert "This day is past" in past.text
    assert browser.post(f"{work}/petitions/second/edit", data=form | {"goal": "60"}).status_code == 303
    browser.post(f"{work}/petitions/second/open")
    assert client.get("/petitions/second").status_code == 200
    assert browser.post(f"{work}/petitions/second/edit", data=form).status_code == 409
    browser.post(f"{work}/petitions/second/close")
    assert "This petition is closed" in client.get("/petitions/second").text
    assert browser.get(f"{work}/petitions/second").status_code == 200


def test_two_tabs_lose_no_words_of_a_draft(signed_in: SignIn) -> None:
    here = there(opened=False)
    browser = signed_in(here.organizer)
    edit = f"/work/{here.coalition.slug}/petitions/{here.petition.slug}/edit"
    form = {"title": "Ban it", "goal": "100", "based_on": here.petition.digest}
    assert here.petition.digest in browser.get(edit).text

    first = browser.post(edit, data=form | {"text": "The first tab's words"})
    second = browser.post(edit, data=form | {"text": "The second tab's words"})

    assert first.status_code == 303
    assert second.status_code == 409
    assert "Somebody else saved this petition" in second.text
    assert "The second tab&#39;s words" in second.text
    with db.reading() as session:
        now = session.get_one(Petition, here.petition.id)
        assert now.text == "The first tab's words\n"
        assert now.digest in second.text
    assert browser.post(edit, data=form | {"text": "Both", "based_on": now.digest}).status_code == 303


def test_a_petition_does_not_open_under_a_campaign_that_nobody_can_see(signed_in: SignIn) -> None:
    here = there(opened=False)
    with db.transaction() as session:
        session.get_one(Campaign, here.campaign.id).state = CampaignState.DRAFT
    page = f"/work/{here.coalition.slug}/petitions/{here.petition.slug}"

    refused = signed_in(here.organizer).post(f"{page}/open")

    assert refused.status_code == 409
    assert "Let the campaign go live" in refused.text


def test_only_who_joined_asks_signers_for_consent(signed_in: SignIn) -> None:
    here = there(opened=False)
    with db.transaction() as session:
        invited = builders.organization(session, name="Not Yet Here")
        session.add(
            Party(coalition_id=here.coalition.id, organization_id=invited.id, role=PartyRole.PARTNER, added_at=NOW)
        )
    browser = signed_in(here.organizer)
    edit = f"/work/{here.coalition.slug}/petitions/{here.petition.slug}/edit"
    form = {"title": "Ban it", "goal": "100", "text": "Words", "asks": [str(invited.id), str(here.partner.id)]}

    assert "Not Yet Here" not in browser.get(edit).text
    assert browser.post(edit, data=form).status_code == 303

    with db.reading() as session:
        asked = [one.organization_id for one in queries.asks(session, here.petition.id)]
    assert asked == [here.partner.id]


def test_the_workroom_counts_what_came_and_what_came_to_nothing(signed_in: SignIn) -> None:
    here = there()
    pending(here)
    pending(here, comments="My street is not a line-up.")

    page = signed_in(here.organizer).get(f"/work/{here.coalition.slug}/petitions/{here.petition.slug}")

    assert page.status_code == 200
    assert "further attempts of an address that had signed" in page.text


def test_a_report_is_reviewed_before_it_goes_and_goes_once(signed_in: SignIn) -> None:
    here = there()
    token = pending(here, comments="My street is not a line-up.")
    browser = signed_in(here.organizer)
    browser.post(f"/confirm/{token}")
    worker.run("petitions.count")
    address = f"/work/{here.coalition.slug}/petitions/{here.petition.slug}/report"

    assert "Send the report" not in browser.get(address.removesuffix("/report")).text
    assert browser.get(address).status_code == 200
    assert browser.post(address).status_code == 303
    assert browser.post(address).status_code == 303

    with db.reading() as session:
        assert len(queries.reports(session, here.petition.id)) == 1


def test_strangers_see_no_workroom_and_members_without_the_right_do_nothing(signed_in: SignIn) -> None:
    here = there()
    with db.transaction() as session:
        stranger = builders.account(session, email="stranger@else.example")
    page = f"/work/{here.coalition.slug}/petitions/{here.petition.slug}"

    assert signed_in(stranger).get(page).status_code == 404
    assert signed_in(stranger).post(f"{page}/close").status_code == 404
    assert signed_in(here.colleague).get(page).status_code == 200
    assert signed_in(here.colleague).post(f"{page}/close").status_code in {403, 404}
    assert signed_in(here.colleague).get(f"{page}/report").status_code in {403, 404}


def test_an_organization_exports_only_people_who_said_yes_to_it(signed_in: SignIn) -> None:
    here = there()
    lead = signed_in(here.organizer)
    lead.post(f"/confirm/{pending(here, comments='=1+1')}")
    with db.transaction() as session:
        sign(session, session.get_one(Petition, here.petition.id), email="silent@people.example", now=utc_now())
        silent = token_of(signatures(session)[-1], now=utc_now())
    lead.post(f"/confirm/{silent}")
    page = f"/work/{here.coalition.slug}/petitions/{here.petition.slug}/signers"

    table = lead.get(f"{page}/{here.lead.slug}.csv")

    assert table.mimetype == "text/csv"
    assert "ewa@people.example" in table.text
    assert "silent@people.example" not in table.text
    assert ",=1+1" not in table.text
    assert lead.get(f"{page}/{here.partner.slug}.csv").status_code == 404
    assert "@" not in signed_in(here.colleague).get(f"{page}/{here.partner.slug}.csv").text


def test_an_organizer_takes_a_signature_off_with_a_reason_that_stays(signed_in: SignIn) -> None:
    here = there()
    browser = signed_in(here.organizer)
    browser.post(f"/confirm/{pending(here, comments='Words that threaten')}")
    worker.run("petitions.count")
    page = f"/work/{here.coalition.slug}/petitions/{here.petition.slug}"
    with db.reading() as session:
        remove = f"{page}/signatures/{signatures(session)[0].id}/remove"
    assert remove in browser.get(page).text
    assert remove not in signed_in(here.colleague).get(page).text
    assert signed_in(here.colleague).post(remove, data={"reason": "no"}).status_code in {403, 404}

    assert browser.post(remove, data={"reason": " "}).status_code == 422
    assert "Words that threaten" in browser.get(remove).text
    browser.post(remove, data={"reason": "It threatens a person."})

    assert "Words that threaten" not in browser.get(page).text
    with db.reading() as session:
        gone = signatures(session)[0]
        entry = session.scalars(sa.select(AuditEntry).where(AuditEntry.act == "signature.invalidated")).one()
        assert (gone.state, gone.reason) == (SignatureState.INVALIDATED, "It threatens a person.")
        assert entry.detail == {"reason": "It threatens a person."}
        assert session.get_one(Petition, here.petition.id).counted == 0
