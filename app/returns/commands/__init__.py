"""Every write about what comes back, a module each: posts, reports, bounces by mail, lists, lifting a stop."""

from app.returns.commands.bounces import take_bounce
from app.returns.commands.hearing import IGNORED, hear
from app.returns.commands.lists import PullClaim, pull_failed, settle_pull, take_entries, take_pull
from app.returns.commands.posts import (
    WORK_OFF,
    PostClaim,
    bodies,
    forget_old,
    keep_post,
    retry_post,
    settle_posts,
    take_posts,
    unreadable,
)
from app.returns.commands.stops import Lifting, forget, lift, settle_withdrawal

__all__ = [
    "IGNORED",
    "WORK_OFF",
    "Lifting",
    "PostClaim",
    "PullClaim",
    "bodies",
    "forget",
    "forget_old",
    "hear",
    "keep_post",
    "lift",
    "pull_failed",
    "retry_post",
    "settle_posts",
    "settle_pull",
    "settle_withdrawal",
    "take_bounce",
    "take_entries",
    "take_posts",
    "take_pull",
    "unreadable",
]
