"""First scenes: an operator forms the coalition, organizations join by invitation, the campaign names its targets."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.accounts import commands as accounts
from app.campaigns import commands as campaigns
from app.campaigns.models import Campaign, CampaignState, Commitment, CommitmentState
from app.coalitions import commands as coalitions
from app.coalitions.models import Coalition, Invitation, Role
from app.coalitions.queries import parties
from app.core.actor import SYSTEM, by_link
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.demo import material
from app.demo.stage import acting, coalition, group, letter_to, person, say, token_in
from app.targets import commands as targets
from app.targets.models import Target

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

LEAD = material.rows("organizations.csv")[0]
FACTS = ("short_name", "legal_status", "scope", "region", "site_url", "public_email", "role")
STAYS_OUTSIDE = {"flj@mailbox.example", "zoe@drwi.example"}


def form_the_coalition() -> None:
    """An operator makes the coalition and invites its lead; the lead's first person accepts."""
    email, name = material.OPERATOR
    with transaction() as session:
        if person(session, email) is None:
            entry = accounts.NewAccount(email=email, name=name, operator=True)
            accounts.create_account(session, entry, by=SYSTEM, now=utc_now())
        operator = acting(session, email)
        if coalition(session, material.COALITION) is None:
            lead = coalitions.NewOrganization.of(
                {
                    "name": LEAD["organization"],
                    "aliases": LEAD["aliases"].split(";"),
                    **{name: LEAD[name] for name in FACTS},
                }
            )
            made = coalitions.create_coalition(
                session,
                coalitions.NewCoalition(
                    name=material.COALITION, zone=material.ZONE, purpose=material.PURPOSE, is_demo=True
                ),
                lead,
                by=operator,
                now=utc_now(),
            )
            invitation = coalitions.NewInvitation(
                email=LEAD["signatory_email"], name=LEAD["signatory_name"], role=Role.ADMIN
            )
            coalitions.invite(
                session, made, group(session, LEAD["organization"]), invitation, by=operator, now=utc_now()
            )
    _accept(LEAD["signatory_email"])
    say(f"  {LEAD['signatory_name']} of {LEAD['organization']} accepted and leads {material.COALITION}")


def invite_the_members() -> None:
    """The lead reads the lists and invites every contact; most accept."""
    with transaction() as session:
        robin = acting(session, LEAD["signatory_email"])
        made = _coalition(session)
        groups = coalitions.import_organizations(
            session, made, material.table("organizations.csv"), by=robin, now=utc_now()
        )
        places = targets.import_targets(session, made, material.table("targets.csv"), by=robin, now=utc_now())
        coalitions.invite_contacts(session, made, by=robin, now=utc_now())
    say(f"  organizations.csv: {groups.added} added, {groups.updated} updated, {groups.unchanged} unchanged")
    say(f"  targets.csv: {places.added} added, {places.updated} updated, {places.unchanged} unchanged")
    with reading() as session:
        contacts = [party.contact_email for party in parties(session, _coalition(session).id) if party.contact_email]
    joined = [email for email in contacts if email not in STAYS_OUTSIDE and _accept(email)]
    say(f"  {len(joined)} of {len(contacts)} organizations joined by their invitation")


def start_the_campaign() -> None:
    """The demand, its targets, what they promised, and what member groups say about it."""
    with transaction() as session:
        robin = acting(session, LEAD["signatory_email"])
        made = _coalition(session)
        found = session.scalar(sa.select(Campaign).where(Campaign.coalition_id == made.id))
        if found is None:
            entry = campaigns.NewCampaign(title=material.CAMPAIGN, demand=material.DEMAND)
            found = campaigns.start_campaign(session, made, entry, _addressees(session), by=robin, now=utc_now())
        if found.state is CampaignState.DRAFT:
            campaigns.go_live(session, found, by=robin, now=utc_now())
        for row in material.rows("commitments.csv"):
            _commitment(session, found, row)
        for row in material.rows("reactions.csv"):
            _reaction(session, found, row)
    say("  4 commitments and 2 reactions stand on the public timeline")


def _commitment(session: Session, campaign: Campaign, row: dict[str, str]) -> None:
    robin = acting(session, LEAD["signatory_email"])
    target = session.scalars(
        sa.select(Target).where(Target.coalition_id == campaign.coalition_id, Target.name == row["target"])
    ).one()
    entry = campaigns.NewCommitment(
        target_id=target.id,
        headline=row["headline"],
        made_on=date.fromisoformat(row["made_on"]),
        expires_on=date.fromisoformat(row["expires_on"]) if row["expires_on"] else None,
        state=CommitmentState.ANNOUNCED,
        quote=row["quote"],
        source=row["source"],
    )
    made = campaigns.record_commitment(session, campaign, entry, by=robin, now=utc_now())
    # Recorded and extended in one transaction, so that no sweep finds the old last day passed and calls it broken off.
    if row["status"] == "extended" and made.state is CommitmentState.ANNOUNCED:
        later = next(one for one in material.rows("commitments.csv") if one["target"] == row["target"] and one != row)
        change = campaigns.CommitmentChange(
            state="extended", on=date.fromisoformat(later["made_on"]), words=later["quote"], source=later["source"]
        )
        campaigns.change_commitment_state(session, made, change, by=robin, now=utc_now())


def _reaction(session: Session, campaign: Campaign, row: dict[str, str]) -> None:
    organization = group(session, row["organization"])
    speaker = next(
        line["signatory_email"]
        for line in material.rows("organizations.csv")
        if line["organization"] == row["organization"]
    )
    event = session.scalars(
        sa.select(Commitment).where(Commitment.campaign_id == campaign.id, Commitment.headline == row["event"])
    ).one()
    entry = campaigns.NewReaction(spokesperson=row["spokesperson"], quote=row["quote"], source=row["source"])
    campaigns.react(session, event, organization, entry, by=acting(session, speaker), now=utc_now())


def _addressees(session: Session) -> list[Target]:
    made = _coalition(session)
    everybody = session.scalars(sa.select(Target).where(Target.coalition_id == made.id).order_by(Target.id))
    return [
        target
        for target in everybody
        if target.name in {"Amazon.com", "King County Council"}
        or (target.parent is not None and target.parent.name == "King County Council")
    ]


def _accept(email: str) -> bool:
    """Open the invitation in that mailbox and accept it; False if there is none to accept."""
    with transaction() as session:
        waiting = session.scalar(
            sa.select(Invitation).where(
                Invitation.email == email, Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None)
            )
        )
        letter = letter_to(session, email, "coalitions/mail/invitation")
        if letter is None:
            return False
        if waiting is not None:
            row = next(line for line in material.rows("organizations.csv") if line["signatory_email"] == email)
            coalitions.accept_invitation(
                session,
                token_in(letter, "invitation_path"),
                coalitions.Acceptance(name=row["signatory_name"], title=row["signatory_title"]),
                by=by_link(row["signatory_name"]),
                now=utc_now(),
            )
    return True


def _coalition(session: Session) -> Coalition:
    found = coalition(session, material.COALITION)
    if found is None:
        message = "The coalition has not been formed."
        raise LookupError(message)
    return found
