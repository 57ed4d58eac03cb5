"""Every write of a mailing: begun and planned, handed over and settled, reported on, held, stopped and decided."""

from app.mailings.commands.beginning import (
    add_readers,
    begin,
    finish_if_done,
    keep_letter,
    nobody_else,
    pause,
    resume,
    stop,
)
from app.mailings.commands.deciding import forget, resend, settle_for_good
from app.mailings.commands.leaving import Taken, claim, give_up_the_lost, hand_over, put_back, settle
from app.mailings.commands.reporting import Report, left, reported, reported_many, stand_still
from app.mailings.commands.singly import next_reader, settle_reader
from app.mailings.rules import SEND

__all__ = [
    "SEND",
    "Report",
    "Taken",
    "add_readers",
    "begin",
    "claim",
    "finish_if_done",
    "forget",
    "give_up_the_lost",
    "hand_over",
    "keep_letter",
    "left",
    "next_reader",
    "nobody_else",
    "pause",
    "put_back",
    "reported",
    "reported_many",
    "resend",
    "resume",
    "settle",
    "settle_for_good",
    "settle_reader",
    "stand_still",
    "stop",
]
