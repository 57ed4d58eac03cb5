"""The letter that tells organizers of a promise that is about to run out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.campaigns import queries
from app.campaigns.rules import end_of, spoken_day
from app.mail import outbox
from app.mail.message import Message, Priority

if TYPE_CHECKING:
    from app.accounts.models import Account
    from app.campaigns.models import Commitment


RUNS_OUT = "campaigns/mail/runs_out"
outbox.asked_at_the_door(RUNS_OUT)(queries.unwanted)


def runs_out(commitment: Commitment, reader: Account) -> Message:
    """A target's commitment ends soon, and what an organizer can do about it."""
    campaign = commitment.campaign
    return Message(
        to=reader.email,
        to_name=reader.name,
        template=RUNS_OUT,
        context={
            "coalition": campaign.coalition.name,
            "campaign": campaign.title,
            "target": commitment.target.name,
            "headline": commitment.headline,
            "made_on": spoken_day(commitment.made_on),
            "expires_on": spoken_day(commitment.expires_on) if commitment.expires_on else "",
            "campaign_path": f"/work/{campaign.coalition.slug}/campaigns/{campaign.slug}",
        },
        priority=Priority.RECEIPT,
        from_name=campaign.coalition.name,
        demo=campaign.coalition.is_demo,
        useless_after=end_of(commitment.expires_on, campaign.coalition.zone) if commitment.expires_on else None,
    )
