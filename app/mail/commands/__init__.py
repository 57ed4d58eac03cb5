"""Every write of the post office: handing letters over is the worker's, deciding about them an operator's."""

from app.mail.commands.checking import keep_check
from app.mail.commands.deciding import (
    hold,
    leave,
    only_operators,
    resume,
    retry,
    retry_all,
    send_again,
    take_back,
    trial,
)
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
    remember,
    settle,
    take,
    unwritable,
)
from app.mail.commands.unsticking import Unstuck, requeue_stuck

__all__ = [
    "MOST_ATTEMPTS",
    "STOPPED",
    "UNSETTLED",
    "WAITS",
    "Claim",
    "Unstuck",
    "give_up_the_lost",
    "hand_over",
    "hold",
    "keep_check",
    "leave",
    "only_operators",
    "pause",
    "put_back",
    "remember",
    "requeue_stuck",
    "resume",
    "retry",
    "retry_all",
    "send_again",
    "settle",
    "take",
    "take_back",
    "trial",
    "unwritable",
]
