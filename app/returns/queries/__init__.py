"""What came back, for whoever may see it."""

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
    "count_replies",
    "file_of",
    "replies_to",
    "reply_by_link",
    "reply_path",
    "sent_on_since",
    "thread_of",
    "unread_mails",
    "without_thread",
]
