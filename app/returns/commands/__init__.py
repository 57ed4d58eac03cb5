"""Every write about what comes back, a module each: posts, reports, bounces, lists, telling, stops, replies."""

from app.returns.commands.bounces import take_bounce
from app.returns.commands.forgetting import clear_old, forget_sender, settle_replies
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
from app.returns.commands.receiving import READ, MailClaim, cannot_read, receive, take_mail
from app.returns.commands.replies import record, record_bounce
from app.returns.commands.stops import Lifting, forget, lift, settle_withdrawal
from app.returns.commands.telling import (
    TELL,
    Wish,
    bind_telling,
    forget_untold,
    group_to_tell,
    must_be_told_first,
    settle_wishes,
    take_wishes,
    updates_unwanted,
    updates_wanted,
)

__all__ = [
    "IGNORED",
    "READ",
    "TELL",
    "WORK_OFF",
    "Lifting",
    "MailClaim",
    "PostClaim",
    "PullClaim",
    "Wish",
    "bind_telling",
    "bodies",
    "cannot_read",
    "clear_old",
    "forget",
    "forget_old",
    "forget_sender",
    "forget_untold",
    "group_to_tell",
    "hear",
    "keep_post",
    "lift",
    "must_be_told_first",
    "pull_failed",
    "receive",
    "record",
    "record_bounce",
    "retry_post",
    "settle_posts",
    "settle_pull",
    "settle_replies",
    "settle_wishes",
    "settle_withdrawal",
    "take_bounce",
    "take_entries",
    "take_mail",
    "take_posts",
    "take_pull",
    "take_wishes",
    "unreadable",
    "updates_unwanted",
    "updates_wanted",
]
