"""Every write of the post office: handing letters over is the worker's, deciding about them an operator's."""

from app.mail.commands.deciding import hold, resume, retry, retry_all, trial
from app.mail.commands.handing_over import (
    MOST_ATTEMPTS,
    STOPPED,
    UNSETTLED,
    WAITS,
    Claim,
    give_up_the_lost,
    hand_over,
    pause,
    put_back,
    settle,
    take,
    unwritable,
)

__all__ = [
    "MOST_ATTEMPTS",
    "STOPPED",
    "UNSETTLED",
    "WAITS",
    "Claim",
    "give_up_the_lost",
    "hand_over",
    "hold",
    "pause",
    "put_back",
    "resume",
    "retry",
    "retry_all",
    "settle",
    "take",
    "trial",
    "unwritable",
]
