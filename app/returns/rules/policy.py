"""Why letters come back, and what is done about it. ``docs/decisions/0006-what-comes-back.md`` says why."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import Enum

from app.returns.models import Cause, Kind

SPAN = timedelta(days=14)  # a mailbox that is unavailable for so long
LETTERS = 3  # … to so many letters gets none any more
ENHANCED = re.compile(r"(?<![\d.])([45])\.(\d{1,3})\.(\d{1,3})(?![\d.])", re.ASCII)
NAMED = {
    "invalid address": Cause.NO_MAILBOX,
    "mailbox unavailable": Cause.MAILBOX,
    "technical": Cause.SENDER,
    "technical failure": Cause.SENDER,
    "content": Cause.SENDER,
    "reputation": Cause.SENDER,
    "frequency or volume too high": Cause.SENDER,
}
OUR_ADDRESS = {"7", "8"}  # 5.1.7 and 5.1.8 complain of the sender's address, not of the reader's


class Action(Enum):
    """What is done about a report beside moving its letter on."""

    NOTHING = "nothing"
    STOP_ALL = "stop all"
    COUNT = "count"
    LEAVE = "leave"


def cause(kind: str, classification: str, status: str, reason: str) -> Cause:
    """Why a letter came back: by the provider's kind and class, else by the enhanced status code (RFC 3463)."""
    if kind == "blocked":
        return Cause.SENDER
    named = NAMED.get(classification.strip().casefold())
    return named or coded(status) or coded(reason) or Cause.UNCLEAR


def coded(text: str) -> Cause | None:
    """What an enhanced status code in a text says; x.0.0 and no code at all say nothing."""
    for lasting, subject, detail in ENHANCED.findall(text):
        if subject == "0":
            continue
        if subject == "1" and lasting == "5":
            return Cause.SENDER if detail in OUR_ADDRESS else Cause.NO_MAILBOX
        return Cause.MAILBOX if subject in {"1", "2"} else Cause.SENDER
    return None


def action(kind: Kind, why: Cause | None) -> Action:
    """What a report asks for. An unclear bounce counts like an unavailable mailbox: once is forgiven, thrice is not."""
    if kind in {Kind.COMPLAINT, Kind.LEFT}:
        return Action.LEAVE
    if kind is not Kind.BOUNCE or why is Cause.SENDER:
        return Action.NOTHING
    return Action.STOP_ALL if why is Cause.NO_MAILBOX else Action.COUNT


def word(kind: Kind, why: Cause | None) -> str:
    """The word a report is counted under."""
    return why.value if kind is Kind.BOUNCE and why is not None else kind.value


SAYS: dict[Kind, str] = {
    Kind.PROCESSED: "The provider took it.",
    Kind.DEFERRED: "The reader’s mail server asked to wait; the provider tries again.",
    Kind.DELIVERED: "The reader’s mail server took it.",
    Kind.BOUNCE: "It came back.",
    Kind.DROPPED: "The provider did not try: the address is on one of its own lists.",
    Kind.COMPLAINT: "The reader reported it as spam.",
    Kind.LEFT: "The reader left through the mail provider.",
}
CAME_BACK: dict[Cause, str] = {
    Cause.NO_MAILBOX: "There is no such mailbox.",
    Cause.MAILBOX: "The mailbox takes no letters at present.",
    Cause.SENDER: "The reader’s mail server refused us, our words or our server; the reader is not at fault.",
    Cause.UNCLEAR: "It came back without a clear reason.",
}


def sentence(kind: Kind, why: Cause | None) -> str:
    """What happened, for the operator."""
    return CAME_BACK[why] if kind is Kind.BOUNCE and why is not None else SAYS[kind]


def consequence(kind: Kind, why: Cause | None, *, stopped: bool) -> str:
    """What was done about it, for the operator."""
    asked = action(kind, why)
    if asked is Action.LEAVE:
        return "Stopped at once: that sender’s updates, or every letter if it was no update. The ledger says so."
    if stopped:
        return "No letter goes there any more."
    if asked is Action.COUNT:
        return f"Counted; after {LETTERS} letters within {SPAN.days} days no more go there."
    return "Nothing was stopped."
