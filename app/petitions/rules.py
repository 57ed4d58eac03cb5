"""What counts as the same signer, how many letters one address gets, and how fast one network address may sign."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from enum import Enum

from app.core import tokens
from app.core.text import normal_name
from app.petitions.models import Signature, SignatureState

# From the UK Parliament's petitions: five letters about one petition to one address are enough for anybody.
MOST_MAILS = 5
HOUSEHOLD = 2
CONFIRM_WITHIN = timedelta(days=60)
# Bursts and sustained signing from one network address; an office or a library stays below both.
BURST, BURST_TIME = 20, timedelta(minutes=1)
SUSTAINED, SUSTAINED_TIME = 120, timedelta(hours=1)
GOALS = (100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000)


class Outcome(Enum):
    """What a further attempt of one mailbox comes to; the page never tells which."""

    NEW = "a new signature"
    AGAIN = "the same person again"
    DUPLICATE = "one mailbox too often"


def name_key(given_name: str, family_name: str) -> str:
    """A signer's name as two attempts are compared."""
    return normal_name(f"{given_name} {family_name}")[:250]


def place_key(postal_code: str) -> str:
    """A postal code as two members of a household are compared."""
    return re.sub(r"[\s-]+", "", postal_code).casefold()


def judge(known: list[Signature], name: str, postal_code: str) -> tuple[Outcome, Signature | None]:
    """What an attempt is, given the signatures that its mailbox has under the petition.

    One mailbox may sign twice only with another name and the same postal code. Gives the signature that a letter
    about the attempt speaks of.
    """
    same = next((one for one in known if one.name_key == name), None)
    if same is not None:
        return Outcome.AGAIN, same
    standing = [one for one in known if one.state in {SignatureState.PENDING, SignatureState.VALIDATED}]
    if not known:
        return Outcome.NEW, None
    housemates = standing and all(place_key(one.postal_code) == place_key(postal_code) for one in standing)
    if len(standing) == len(known) and housemates and len(standing) < HOUSEHOLD:
        return Outcome.NEW, None
    return Outcome.DUPLICATE, (standing or known)[0]


def next_goal(count: int, goal: int) -> int:
    """The goal that is shown: the petition's own, then the next round number."""
    return goal if count < goal else next((step for step in GOALS if step > count), count * 2)


def confirm_path(signature: Signature, now: datetime) -> str:
    """The link that a signer confirms by; opening it changes nothing."""
    return f"/confirm/{tokens.sign('confirm-signature', {'id': signature.id}, lasts=CONFIRM_WITHIN, now=now)}"
