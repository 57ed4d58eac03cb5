"""Writing an update, having a second person approve it, and sending it once to everybody it is for."""

from app.broadcasts.commands.approving import (
    MOST_COLLEAGUES,
    TestReaders,
    approve,
    approvers,
    elsewhere,
    send_test,
    spend_test,
)
from app.broadcasts.commands.comparing import Chosen, Compared, choose, compare, count_visit, decide_due
from app.broadcasts.commands.composing import NewBroadcast, compose, edit, imagined
from app.broadcasts.commands.planning import keep_words, plan_lot
from app.broadcasts.commands.scheduling import (
    START,
    Departing,
    Speed,
    When,
    change_speed,
    depart,
    start_due,
    unschedule,
)
from app.broadcasts.commands.sending import (
    PLAN,
    finish_if_done,
    leave_unknown,
    note_export,
    pause,
    resend_unknown,
    resume,
    send,
    stop,
)

__all__ = [
    "MOST_COLLEAGUES",
    "PLAN",
    "START",
    "Chosen",
    "Compared",
    "Departing",
    "NewBroadcast",
    "Speed",
    "TestReaders",
    "When",
    "approve",
    "approvers",
    "change_speed",
    "choose",
    "compare",
    "compose",
    "count_visit",
    "decide_due",
    "depart",
    "edit",
    "elsewhere",
    "finish_if_done",
    "imagined",
    "keep_words",
    "leave_unknown",
    "note_export",
    "pause",
    "plan_lot",
    "resend_unknown",
    "resume",
    "send",
    "send_test",
    "spend_test",
    "start_due",
    "stop",
    "unschedule",
]
