"""What came back, for whoever may see it."""

from app.returns.queries.events import (
    Intake,
    by_hour,
    failed_posts,
    intake,
    newest,
    open_withdrawals,
    post,
    pulls,
    refused_for_sender,
    suppression,
    suppressions,
)
from app.returns.queries.replies import (
    count_replies,
    file_of,
    replies_to,
    reply_by_link,
    reply_path,
    sent_on_since,
    thread_of,
    unread_mails,
    without_thread,
)

__all__ = [
    "Intake",
    "by_hour",
    "count_replies",
    "failed_posts",
    "file_of",
    "intake",
    "newest",
    "open_withdrawals",
    "post",
    "pulls",
    "refused_for_sender",
    "replies_to",
    "reply_by_link",
    "reply_path",
    "sent_on_since",
    "suppression",
    "suppressions",
    "thread_of",
    "unread_mails",
    "without_thread",
]
