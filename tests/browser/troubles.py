"""Pages that only trouble or a rare moment brings up: what came back, is silent, was put away, or was never begun."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.accounts import commands as accounts
from app.campaigns.models import Commitment
from app.coalitions import commands as coalitions
from app.core.actor import Actor
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.deliveries.models import Delivery, DeliveryState
from app.demo import material
from app.demo.gathering import LEAD
from app.demo.stage import acting, coalition, group
from app.jobs import worker
from app.mail import commands as post
from app.mail.models import Email, EmailState
from app.petitions.models import Signature, SignatureState
from app.signons import commands as signons
from app.signons.models import SignOn, SignOnRequest
from app.signons.queries import request_letter
from app.statements import commands as statements
from app.statements.models import Statement
from tests.browser import scenes

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

OPERATOR = Actor(label="The operator", operator=True)


@dataclass(frozen=True)
class Troubles:
    """Addresses: open to everybody, to the organizer, and those of a coalition in which nothing was ever begun."""

    public: list[str]
    workroom: list[str]
    untouched: list[str]
    teaching: list[str]


def set_up(base: str) -> Troubles:
    """After ``states.set_up``: one delivery came back, requests are lost or silent, a name is disputed."""
    with transaction() as session:
        entry = coalitions.NewCoalition(name="Riders for Night Buses", zone="America/New_York")
        bare = coalitions.create_coalition(
            session, entry, group(session, LEAD["organization"]), by=acting(session, scenes.ROBIN), now=utc_now()
        )
        accounts.request_password_reset(session, accounts.Mailbox(email=scenes.ROBIN), by=OPERATOR, now=utc_now())
        untouched = f"/work/{bare.slug}"
    worker.until_idle()
    with transaction() as session:
        closed = session.scalars(sa.select(Statement).where(Statement.title == "Publish the contracts")).one()
        statements.archive(session, closed, by=acting(session, scenes.ROBIN), now=utc_now())
        archived = closed.slug
        disputed = _gone_wrong(session)
    return Troubles(
        public=[
            scenes.link(scenes.ROBIN, "accounts/mail/reset_link", "link_path"),
            *("/password/reset/stale", "/password/forgotten/sent", "/sign-in/sent", f"/statements/{archived}"),
        ],
        workroom=["/home", f"{base}/statements/{archived}", f"{base}/statements/{disputed}", *_rare(base)],
        untouched=[f"{untouched}{one}" for one in ("", "/campaigns/new")],
        teaching=[f"{untouched}/{one}" for one in ("campaigns", "statements", "petitions")],
    )


def _gone_wrong(session: Session) -> str:
    """Rows as a bounce, a lost answer, days of silence and a letter of protest leave them."""
    delivery = session.scalars(sa.select(Delivery).order_by(Delivery.id).limit(1)).one()
    delivery.state, delivery.detail = DeliveryState.BOUNCED, "550 5.1.1 No such mailbox."
    asked = session.execute(
        sa.select(SignOnRequest, Email)
        .join(SignOnRequest.statement)
        .join(Email, Email.once == request_letter())
        .where(Statement.title == "Delete the mugshot index")
        .order_by(SignOnRequest.id)
    ).all()
    for request, _ in asked:
        request.sent_at -= timedelta(days=4)
    asked[-1][1].state = EmailState.BOUNCED
    asked[-2][1].state, asked[-2][1].last_error = EmailState.UNKNOWN, "The connection was lost after the letter."
    open_letter = asked[0][0].statement
    signed = sa.select(SignOn).where(SignOn.statement_id == open_letter.id).order_by(SignOn.id.desc())
    row = session.scalars(signed.limit(1)).one()
    signons.dispute(session, row, signons.Dispute(reason="Our board never saw it."), by=OPERATOR, now=utc_now())
    post.hold(session, "dev", by=OPERATOR, now=utc_now())
    return f"{open_letter.slug}/sign-ons/{row.id}/dispute"


def _rare(base: str) -> list[str]:
    """Taking a signature off the count, and an organization's own words beside a promise."""
    with reading() as session:
        made = coalition(session, material.COALITION)
        assert made is not None
        promise = session.scalars(sa.select(Commitment).order_by(Commitment.id).limit(1)).one()
        counted = sa.select(Signature).where(Signature.state == SignatureState.VALIDATED).order_by(Signature.id)
        signature = session.scalars(counted.limit(1)).one()
        promised = f"{base}/campaigns/{promise.campaign.slug}/commitments/{promise.id}"
        return [
            *(f"{promised}/reaction", f"{promised}/change"),
            f"{base}/petitions/{signature.petition.slug}/signatures/{signature.id}/remove",
        ]
