"""Who signed on behalf of an organization, as far as an address tells it."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from app.broadcasts import queries
from app.core import db
from app.signons.models import SignOn, SignOnState
from app.statements.models import Revision, Statement
from tests.broadcasts.builders import Stage, stage
from tests.broadcasts.test_audience import LATER, names, somebody, update
from tests.builders import NOW


def statement(session: Session, there: Stage, *, signatory: str, state: SignOnState = SignOnState.CONFIRMED) -> None:
    """A letter of the campaign under which the partner's name stands."""
    letter = Statement(campaign_id=there.campaign.id, slug="letter", title="Letter", created_at=NOW)
    db.add(session, letter)
    revision = Revision(statement_id=letter.id, number=1, based_on=0, text="x", digest="d", created_at=NOW)
    db.add(session, revision)
    row = SignOn(
        statement_id=letter.id,
        organization_id=there.partner.id,
        revision_id=revision.id,
        digest="d",
        state=state,
        signatory_email=signatory,
        created_at=NOW,
        changed_at=NOW,
        signed_at=NOW,
    )
    db.add(session, row)


def test_who_writes_from_a_signatorys_organization_is_told_by_what_the_organization_prints(session: Session) -> None:
    there = stage(session)
    there.partner.public_email = "Info@ACLU-public.example"
    there.partner.site_url = "https://www.ACLU.example/join/us"
    statement(session, there, signatory="dana@elsewhere.example")
    for name, email in (
        ("Ana", "ana@aclu-public.example"),
        ("Bea", "bea@aclu.example"),
        ("Cid", "cid@www.aclu.example"),
        ("Dov", "dov@people.example"),
        ("Eva", "eva@notaclu.example"),
    ):
        somebody(session, name, there.lead, email=email)

    assert names(session, update(session, there, on_behalf="yes")) == ["Ana", "Bea", "Cid"]


def test_a_free_mail_address_stands_for_a_group_only_if_it_is_the_groups_public_one(session: Session) -> None:
    there = stage(session)
    there.partner.public_email = "group@gmail.com"
    statement(session, there, signatory="dana@aclu.example")
    somebody(session, "Ana", there.lead, email="Group@gmail.com")
    somebody(session, "Bea", there.lead, email="stranger@gmail.com")

    assert names(session, update(session, there, on_behalf="yes")) == ["Ana"]


@pytest.mark.parametrize("signatory", ["dana@aclu.example", "dana.private@gmail.com", "somebody@else.example"])
def test_no_count_tells_the_private_address_under_which_somebody_signed(session: Session, signatory: str) -> None:
    there = stage(session)
    statement(session, there, signatory=signatory)
    somebody(session, "Ana", there.lead, email="dana@aclu.example")
    somebody(session, "Bea", there.lead, email="bea@aclu.example")
    somebody(session, "Cid", there.lead, email="dana.private@gmail.com")
    asked = update(session, there, on_behalf="yes")

    counted = queries.reach(session, asked, now=LATER)

    assert (counted.readers, counted.left_out["on_behalf"]) == (0, 3)
    assert names(session, asked) == []


def test_a_name_that_was_withdrawn_brings_nobody_in(session: Session) -> None:
    there = stage(session)
    there.partner.public_email = "info@aclu.example"
    statement(session, there, signatory="dana@aclu.example", state=SignOnState.WITHDRAWN)
    somebody(session, "Ana", there.lead, email="dana@aclu.example")

    assert names(session, update(session, there, on_behalf="yes")) == []
