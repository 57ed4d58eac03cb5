"""Writing an automated letter, having it approved, switching it, and what it then writes by itself."""

from app.automations.commands.composing import NewAutomation, edit, write
from app.automations.commands.holding import RIGHTS, require_writer
from app.automations.commands.running import REMIND, WELCOME, remind_lot, welcome_lot
from app.automations.commands.switching import (
    approve,
    approvers,
    send_test,
    switch_off,
    switch_on,
    why_not_approvable,
    why_not_on,
)

__all__ = [
    "REMIND",
    "RIGHTS",
    "WELCOME",
    "NewAutomation",
    "approve",
    "approvers",
    "edit",
    "remind_lot",
    "require_writer",
    "send_test",
    "switch_off",
    "switch_on",
    "welcome_lot",
    "why_not_approvable",
    "why_not_on",
    "write",
]
