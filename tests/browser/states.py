"""What the demonstration does not show: a letter in every other state, and a coalition with nothing in it yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.automations import commands as automations
from app.automations.models import Kind
from app.campaigns import commands as campaigns
from app.campaigns.models import Campaign
from app.coalitions import commands as coalitions
from app.coalitions.queries import parties
from app.core.clock import local, utc_now
from app.core.db import reading, transaction
from app.demo import material
from app.demo.gathering import LEAD
from app.demo.stage import acting, coalition, group
from app.petitions import commands as petitions
from app.petitions.models import Petition, Signature, SignatureState
from app.signons import commands as signons
from app.statements import commands as statements
from app.statements.models import Answer, Statement
from tests.browser import scenes

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.coalitions.models import Coalition
    from app.core.actor import Actor

ROBIN, INGRID, DANA = "robin@fftf.example", "ingrid@nwpa.example", "dana@aclu.example"
PASSAGE = "covering use by county agencies"


@dataclass(frozen=True)
class States:
    """Addresses of pages beyond the demonstration's, each open to its organizer; ``public`` to everybody."""

    public: list[str]
    links: list[str]
    workroom: list[str]
    empty: list[str]
    teaching: list[str]
    member: list[str]
    base: str
    drafting: str


def _begun(session: Session, title: str, by: Actor) -> Statement:
    made = coalition(session, material.COALITION)
    assert made is not None
    campaign = session.scalars(sa.select(Campaign).where(Campaign.coalition_id == made.id)).one()
    text = material.first_draft().replace(material.TITLE, title)
    entry = statements.NewStatement(title=title, text=text)
    return statements.start_statement(session, campaign, entry, by=by, now=utc_now())


def _talked_about(session: Session, letter: Statement) -> None:
    """A suggestion and two remarks, one of them settled."""
    wanted = statements.NewSuggestion(
        passage=PASSAGE, replacement=f"{PASSAGE} and their contractors", reason="They buy what agencies may not."
    )
    statements.suggest(session, letter, wanted, by=acting(session, INGRID), now=utc_now())
    whole = statements.NewComment(body="Could the first paragraph be shorter? Our board reads on a phone.")
    statements.comment(session, letter, whole, by=acting(session, DANA), now=utc_now())
    settled = statements.NewComment(body="The date is right: we checked it with counsel.", passage="30 June 2021")
    remark = statements.comment(session, letter, settled, by=acting(session, INGRID), now=utc_now())
    statements.resolve_comment(session, remark, by=acting(session, ROBIN), now=utc_now())


def _reviewed(session: Session, letter: Statement) -> None:
    statements.ask_for_review(session, letter, by=acting(session, ROBIN), now=utc_now())
    for email, name, answer, words in (
        (INGRID, "Northwest Privacy Alliance", Answer.OBJECT, "The third demand needs a date that we can keep."),
        (DANA, "American Civil Liberties Union", Answer.CONSENT, ""),
    ):
        entry = statements.NewPosition(answer=answer, words=words)
        by = acting(session, email)
        statements.take_position(session, letter, entry, group(session, name), by=by, now=utc_now())


def _opened(session: Session, letter: Statement) -> None:
    robin = acting(session, ROBIN)
    statements.ask_for_review(session, letter, by=robin, now=utc_now())
    statements.freeze(session, letter, statements.Freezing(number=letter.head_number), by=robin, now=utc_now())
    until = local(utc_now() + timedelta(days=9), material.ZONE).date()
    entry = statements.Opening(deadline_date=until, deadline_time=time(17, 0))
    statements.open_for_sign_on(session, letter, entry, by=robin, now=utc_now())
    groups = [party.organization for party in parties(session, letter.campaign.coalition_id)]
    signons.ask_to_sign(session, letter, groups[:5], by=robin, now=utc_now())


def _signed(session: Session, letter: Statement, email: str, name: str) -> None:
    by = acting(session, email)
    entry = signons.NewSignOn(
        listed_as=name,
        signatory_name=by.label,
        signatory_title="Executive Director",
        signatory_email=email,
        authorized="yes",
        digest=letter.digest or "",
    )
    signons.sign_on(session, letter, group(session, name), entry, by=by, now=utc_now())


def _empty(session: Session) -> Coalition:
    """Formed a moment ago by its lead, who has done nothing else."""
    lead = group(session, LEAD["organization"])
    entry = coalitions.NewCoalition(name="Neighbors for Open Records", zone="America/New_York")
    return coalitions.create_coalition(session, entry, lead, by=acting(session, ROBIN), now=utc_now())


def set_up() -> States:
    """Letters while drafting, in review, frozen, open and closed; an empty coalition; drafts of everything else."""
    titles = {
        "drafting": "Tell us who buys the doorbell footage",
        "review": "Stop the airport pilot",
        "frozen": "No more gang databases",
        "closed": "Publish the contracts",
        "open": "Delete the mugshot index",
    }
    slugs = {}
    for state, title in titles.items():
        with transaction() as session:
            robin = acting(session, ROBIN)
            letter = _begun(session, title, robin)
            slugs[state] = letter.slug
            if state in {"drafting", "review"}:
                _talked_about(session, letter)
            if state == "review":
                _reviewed(session, letter)
            if state == "frozen":
                statements.freeze(session, letter, statements.Freezing(number=1), by=robin, now=utc_now())
            if state in {"open", "closed"}:
                _opened(session, letter)
                _signed(session, letter, ROBIN, LEAD["organization"])
                _signed(session, letter, INGRID, "Northwest Privacy Alliance")
            if state == "closed":
                signons.close(session, letter, by=robin, now=utc_now())
    with transaction() as session:
        automated = _automated(session)
    with transaction() as session:
        robin, none = acting(session, ROBIN), _empty(session)
        entry = campaigns.NewCampaign(title="Open the records", demand="Publish them.")
        started = campaigns.start_campaign(session, none, entry, [], by=robin, now=utc_now())
        second = petitions.NewPetition(title="Open them now", text="We ask the county to publish its records.")
        petition = petitions.start_petition(session, started, second, [], by=robin, now=utc_now())
        made = coalition(session, material.COALITION)
        assert made is not None
        base, bare = f"/work/{made.slug}", f"/work/{none.slug}"
        begun, drafted = f"{bare}/campaigns/{started.slug}", f"{bare}/petitions/{petition.slug}"
    return _addresses(base, bare, begun, drafted, slugs, automated)


def _automated(session: Session) -> list[str]:
    """A reminder that was approved and is on, a welcome that waits for approval, and the forms of both."""
    made = coalition(session, material.COALITION)
    assert made is not None
    petition = session.scalars(sa.select(Petition).join(Campaign).where(Campaign.coalition_id == made.id)).first()
    assert petition is not None
    robin, dana = acting(session, ROBIN), acting(session, DANA)
    lead = group(session, LEAD["organization"])
    entry = automations.NewAutomation(
        subject="{given_name|Hello}, one step is left", body="Press the button below.", organization_id=lead.id
    )
    reminder = automations.write(session, petition, Kind.REMINDER, entry, by=robin, now=utc_now())
    automations.approve(session, reminder, reminder.version, by=dana, now=utc_now())
    automations.switch_on(session, reminder, by=robin, now=utc_now())
    welcome = automations.write(session, petition, Kind.WELCOME, entry, by=robin, now=utc_now())
    root = f"/work/{made.slug}/petitions/{petition.slug}/automation"
    return [
        *(root, f"{root}/new/reminder", f"{root}/{reminder.id}", f"{root}/{reminder.id}/edit"),
        *(f"{root}/{welcome.id}", f"{root}/{welcome.id}/edit", f"{root}/{welcome.id}/approve"),
        f"{root}/{reminder.id}/off",
    ]


def _links() -> list[str]:
    """Where the newest letters lead: to sign or decline, correct, dispute, and confirm."""
    with reading() as session:
        pending = sa.select(Signature.email).where(Signature.state == SignatureState.PENDING)
        unsure = session.scalars(pending.limit(1)).one()
    asked = scenes.link(DANA, "signons/mail/request", "answer_path")
    return [
        *(asked, f"{asked}/decline", scenes.link(INGRID, "signons/mail/signed", "receipt_path")),
        scenes.link("press@fftf.example", "signons/mail/notice", "dispute_path"),
        scenes.link(unsure, "petitions/mail/confirm", "confirm_path"),
    ]


def _addresses(base: str, bare: str, begun: str, drafted: str, slugs: dict[str, str], automated: list[str]) -> States:
    at = {state: f"{base}/statements/{slug}" for state, slug in slugs.items()}
    lists = ("", "/campaigns", "/statements", "/petitions", "/organizations", "/targets", "/updates", "/deliveries")
    return States(
        links=_links(),
        public=[
            f"/statements/{slugs['open']}",
            f"/statements/{slugs['open']}/verify",
            f"/statements/{slugs['closed']}",
        ],
        workroom=[
            *(at["drafting"], f"{at['drafting']}/edit", f"{at['drafting']}/freeze", f"{at['drafting']}/comment"),
            *(f"{at['drafting']}/suggest", f"{at['drafting']}/sign-ons", at["review"], at["frozen"]),
            *(f"{at['frozen']}/open", at["open"], f"{at['open']}/sign-ons", f"{at['open']}/extend"),
            *(f"{at['open']}/sign-ons/close", at["closed"], f"{at['closed']}/sign-ons"),
            *(*automated, f"{drafted}/automation", f"{drafted}/automation/new/reminder"),
        ],
        empty=[*(f"{bare}{one}" for one in (*lists, "/audit")), begun, drafted, f"{drafted}/edit"],
        teaching=[f"{bare}/{one}" for one in ("statements", "targets", "updates", "deliveries")],
        base=base,
        drafting=at["drafting"],
        member=["/home", base, f"{at['review']}/answer", f"{at['open']}/sign", f"{base}/organizations"],
    )
