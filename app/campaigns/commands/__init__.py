"""Every write of this feature: campaigns, what targets promised, and what member groups say about it."""

from app.campaigns.commands.campaigning import (
    Ending,
    NewCampaign,
    choose_targets,
    edit_campaign,
    finish,
    go_live,
    start_campaign,
)
from app.campaigns.commands.promises import (
    CommitmentChange,
    NewCommitment,
    change_commitment_state,
    record_commitment,
    watch,
)
from app.campaigns.commands.reacting import NewReaction, react

__all__ = [
    "CommitmentChange",
    "Ending",
    "NewCampaign",
    "NewCommitment",
    "NewReaction",
    "change_commitment_state",
    "choose_targets",
    "edit_campaign",
    "finish",
    "go_live",
    "react",
    "record_commitment",
    "start_campaign",
    "watch",
]
