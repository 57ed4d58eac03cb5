"""Writing an update, having a second person approve it, and sending it once to everybody it is for."""

from app.broadcasts.commands.approving import (
    MOST_COLLEAGUES,
    TestReaders,
    approve,
    approvers,
    elsewhere,
    send_test,
)
from app.broadcasts.commands.composing import NewBroadcast, compose, edit, imagined
from app.broadcasts.commands.sending import (
    PLAN,
    finish_if_done,
    keep_words,
    leave_unknown,
    pause,
    plan_lot,
    resend_unknown,
    resume,
    send,
    stop,
)

__all__ = [
    "MOST_COLLEAGUES",
    "PLAN",
    "NewBroadcast",
    "TestReaders",
    "approve",
    "approvers",
    "compose",
    "edit",
    "elsewhere",
    "finish_if_done",
    "imagined",
    "keep_words",
    "leave_unknown",
    "pause",
    "plan_lot",
    "resend_unknown",
    "resume",
    "send",
    "send_test",
    "stop",
]
