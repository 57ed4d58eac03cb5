"""Every write of a mailing: begun, planned, handed over, settled, reported on, held, paced, stopped, called back."""

from app.mailings.commands.attempts import Proof
from app.mailings.commands.beginning import (
    add_readers,
    begin,
    decide_late,
    finish_if_done,
    keep_letter,
    nobody_else,
    pause,
    resume,
    stop,
)
from app.mailings.commands.deciding import forget, resend, settle_for_good
from app.mailings.commands.leaving import Taken, claim, give_up_the_lost, hand_over, put_back, settle
from app.mailings.commands.pacing import note_moments, set_speed, thin_moments
from app.mailings.commands.recalling import (
    called_back,
    keep_recall_id,
    mark_called_back,
    next_recall,
    next_release,
    not_called_back,
    not_released,
    released,
)
from app.mailings.commands.reporting import Report, left, reported, reported_many, stand_still
from app.mailings.commands.singly import next_reader, settle_reader
from app.mailings.rules import SEND

__all__ = [
    "SEND",
    "Proof",
    "Report",
    "Taken",
    "add_readers",
    "begin",
    "called_back",
    "claim",
    "decide_late",
    "finish_if_done",
    "forget",
    "give_up_the_lost",
    "hand_over",
    "keep_letter",
    "keep_recall_id",
    "left",
    "mark_called_back",
    "next_reader",
    "next_recall",
    "next_release",
    "nobody_else",
    "not_called_back",
    "not_released",
    "note_moments",
    "pause",
    "put_back",
    "released",
    "reported",
    "reported_many",
    "resend",
    "resume",
    "set_speed",
    "settle",
    "settle_for_good",
    "settle_reader",
    "stand_still",
    "stop",
    "thin_moments",
]
