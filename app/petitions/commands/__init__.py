"""Every write of petitions: running one, signing it, counting, reporting to targets."""

from app.petitions.commands.counting import COUNT, count_new, recount
from app.petitions.commands.reminding import Reminding, remind
from app.petitions.commands.reporting import REPORT, keep_report, send_report
from app.petitions.commands.running import (
    Ask,
    NewPetition,
    close_due,
    close_petition,
    edit_petition,
    open_petition,
    start_petition,
)
from app.petitions.commands.signing import (
    NewSignature,
    Removal,
    confirm,
    forget_signer,
    invalidate,
    sign,
    withdraw_signature,
)

__all__ = [
    "COUNT",
    "REPORT",
    "Ask",
    "NewPetition",
    "NewSignature",
    "Reminding",
    "Removal",
    "close_due",
    "close_petition",
    "confirm",
    "count_new",
    "edit_petition",
    "forget_signer",
    "invalidate",
    "keep_report",
    "open_petition",
    "recount",
    "remind",
    "send_report",
    "sign",
    "start_petition",
    "withdraw_signature",
]
