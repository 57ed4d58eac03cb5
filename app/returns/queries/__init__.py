"""What came back, for whoever may see it."""

from app.returns.queries.replies import (
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
    "file_of",
    "replies_to",
    "reply_by_link",
    "reply_path",
    "sent_on_since",
    "thread_of",
    "unread_mails",
    "without_thread",
]
