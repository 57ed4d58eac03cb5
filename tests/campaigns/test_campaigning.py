from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from app.campaigns import commands, queries
from app.campaigns.models import CampaignState
from app.core.audit import trail
from app.core.errors import Conflict, Invalid, NotAllowed, NotFound
from tests import builders
from tests.builders import NOW
from tests.campaigns.builders import scene


def test_a_draft_is_not_public_until_it_goes_live(session: Session) -> None:
    given = scene(session, live=False)

    with pytest.raises(NotFound):
        queries.public_campaign(session, given.campaign.slug)
    commands.go_live(session, given.campaign, by=given.by, now=NOW)
    commands.go_live(session, given.campaign, by=given.by, now=NOW)

    assert queries.public_campaign(session, given.campaign.slug).targets == [given.amazon]
    acts = [entry.act for entry in trail(session, given.coalition.id)]
    assert acts == ["campaign.went_live", "campaign.started"]


def test_a_campaign_without_a_target_does_not_go_live(session: Session) -> None:
    given = scene(session, live=False)
    commands.choose_targets(session, given.campaign, [], by=given.by, now=NOW)

    with pytest.raises(Conflict, match="at least one target"):
        commands.go_live(session, given.campaign, by=given.by, now=NOW)


def test_two_campaigns_of_one_title_have_addresses_of_their_own(session: Session) -> None:
    given = scene(session)
    entry = commands.NewCampaign(title=given.campaign.title, demand="Again.")

    other = commands.start_campaign(session, given.coalition, entry, [], by=given.by, now=NOW)

    assert (given.campaign.slug, other.slug) == ("end-police-face-recognition", "end-police-face-recognition-2")


def test_a_public_campaign_keeps_a_target_and_takes_none_of_another_coalition(session: Session) -> None:
    given = scene(session)
    foreign = builders.target(session, builders.coalition(session, name="Another coalition"), name="IBM")

    for targets in ([], [foreign]):
        with pytest.raises(Invalid):
            commands.choose_targets(session, given.campaign, targets, by=given.by, now=NOW)

    ibm = builders.target(session, given.coalition, name="IBM")
    commands.choose_targets(session, given.campaign, [given.amazon, ibm], by=given.by, now=NOW)
    commands.choose_targets(session, given.campaign, [given.amazon, ibm], by=given.by, now=NOW)
    assert given.campaign.targets == [given.amazon, ibm]
    assert [entry.act for entry in trail(session, given.coalition.id)].count("campaign.targets_chosen") == 1


def test_a_campaign_ends_once(session: Session) -> None:
    given = scene(session)

    commands.finish(session, given.campaign, commands.Ending(outcome="won"), by=given.by, now=NOW)
    commands.finish(session, given.campaign, commands.Ending(outcome="won"), by=given.by, now=NOW)

    assert given.campaign.state is CampaignState.WON
    assert queries.public_campaign(session, given.campaign.slug).state is CampaignState.WON
    with pytest.raises(Conflict):
        commands.finish(session, given.campaign, commands.Ending(outcome="closed"), by=given.by, now=NOW)
    with pytest.raises(Conflict):
        commands.go_live(session, given.campaign, by=given.by, now=NOW)


def test_only_organizers_write_campaigns_and_strangers_do_not_know_of_them(session: Session) -> None:
    given = scene(session)
    entry = commands.NewCampaign(title="Mine now", demand="No.")
    member, stranger = builders.actor(given.member), builders.actor(given.stranger)

    for by, refusal in ((member, NotAllowed), (stranger, NotFound)):
        with pytest.raises(refusal):
            commands.edit_campaign(session, given.campaign, entry, by=by, now=NOW)
        with pytest.raises(refusal):
            commands.start_campaign(session, given.coalition, entry, [], by=by, now=NOW)
        with pytest.raises(refusal):
            commands.choose_targets(session, given.campaign, [], by=by, now=NOW)
        with pytest.raises(refusal):
            commands.finish(session, given.campaign, commands.Ending(outcome="won"), by=by, now=NOW)
    assert queries.campaign_for(session, given.campaign.slug, by=member) is given.campaign
    with pytest.raises(NotFound):
        queries.campaign_for(session, given.campaign.slug, by=stranger)
