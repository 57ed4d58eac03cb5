"""Who signed on behalf of an organization, as far as an address tells it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core import db
from app.signons.models import SignOn, SignOnState
from app.statements.models import Revision, Statement
from tests.broadcasts.builders import Stage, stage
from tests.broadcasts.test_audience import names, somebody, update
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


def test_who_writes_from_a_signatorys_organization_is_told_by_the_address(session: Session) -> None:
    there = stage(session)
    there.partner.public_email = "info@aclu-public.example"
    statement(session, there, signatory="Dana.Ortiz@ACLU.example")
    for name, email in (
        ("Ana", "dana.ortiz@aclu.example"),
        ("Bea", "bea@aclu.example"),
        ("Cid", "cid@aclu-public.example"),
        ("Dov", "dov@people.example"),
        ("Eva", "eva@notaclu.example"),
    ):
        somebody(session, name, there.lead, email=email)

    assert names(session, update(session, there, on_behalf="yes")) == ["Ana", "Bea", "Cid"]


def test_a_free_mail_address_stands_for_a_group_only_if_it_is_the_signatorys_own(session: Session) -> None:
    there = stage(session)
    statement(session, there, signatory="group@gmail.com")
    somebody(session, "Ana", there.lead, email="group@gmail.com")
    somebody(session, "Bea", there.lead, email="stranger@gmail.com")

    assert names(session, update(session, there, on_behalf="yes")) == ["Ana"]


def test_a_name_that_was_withdrawn_brings_nobody_in(session: Session) -> None:
    there = stage(session)
    statement(session, there, signatory="dana@aclu.example", state=SignOnState.WITHDRAWN)
    somebody(session, "Ana", there.lead, email="dana@aclu.example")

    assert names(session, update(session, there, on_behalf="yes")) == []
