"""Every write about what comes back, one module a matter: posts, reports, bounces by mail, lists, and lifting a stop."""

from app.returns.commands.bounces import take_bounce
from app.returns.commands.hearing import hear
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
    "WORK_OFF",
    "Lifting",
    "PostClaim",
    "bodies",
    "forget",
    "forget_old",
    "hear",
    "keep_post",
    "lift",
    "retry_post",
    "settle_posts",
    "settle_withdrawal",
    "take_bounce",
    "take_posts",
    "unreadable",
]
