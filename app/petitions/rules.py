"""What counts as the same signer, how many letters one address gets, and how fast one network address may sign."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from datetime import date, datetime, time, timedelta
from enum import Enum

from app.core import tokens
from app.core.clock import local, zone
from app.core.errors import Invalid
from app.petitions.models import Signature, SignatureState

# From the UK Parliament's petitions: five letters about one petition to one address are enough for anybody.
MOST_MAILS = 5
HOUSEHOLD = 2
CONFIRM_WITHIN = timedelta(days=60)
# Somebody else may have typed the address; a name that its owner never confirmed must not keep them out for long.
UNCONFIRMED_STANDS = timedelta(days=1)
# Whom nothing reminded within a week of when it was due (a standstill, a switch turned on late) has forgotten.
REMINDED_WITHIN = timedelta(days=7)
MAILBOX_FULL = "this address had signed already"
TOO_FAST = "signed too fast from one network address"
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
    """A signer's name as two attempts are compared: no case, accents, punctuation or spaces."""
    letters = unicodedata.normalize("NFKD", f"{given_name} {family_name}".casefold())
    return re.sub(r"[\W_]+", "", "".join(one for one in letters if not unicodedata.combining(one)))[:250]


def place_key(postal_code: str) -> str:
    """A postal code as two members of a household are compared."""
    return re.sub(r"[\s-]+", "", postal_code).casefold()


def stands(signature: Signature, now: datetime) -> bool:
    """Whether a signature takes one of its mailbox's places under the petition."""
    if signature.state is SignatureState.PENDING:
        return now - signature.created_at < UNCONFIRMED_STANDS
    return signature.state in {SignatureState.VALIDATED, SignatureState.INVALIDATED}


def has_room(others: list[Signature], postal_code: str) -> bool:
    """Whether one mailbox may carry another name: twice at most, and from the same postal code (a household)."""
    here = place_key(postal_code)
    return len(others) < HOUSEHOLD and all(place_key(one.postal_code) == here for one in others)


def judge(known: list[Signature], name: str, postal_code: str, *, now: datetime) -> tuple[Outcome, Signature | None]:
    """What an attempt is, given the signatures that its mailbox has under the petition.

    Gives the signature that a letter about the attempt speaks of.
    """
    same = next((one for one in known if one.name_key == name), None)
    if same is not None:
        return Outcome.AGAIN, same
    standing = [one for one in known if stands(one, now)]
    if has_room(standing, postal_code):
        return Outcome.NEW, None
    return Outcome.DUPLICATE, standing[0]


def may_be_written_to(known: list[Signature]) -> bool:
    """Whether a mailbox, whose signatures under a petition these are, has had fewer letters than are enough."""
    return sum(one.mails for one in known) < MOST_MAILS


def letter_key(signature_id: int, number: int) -> str:
    """The name of a letter about a signature, by which it is queued once."""
    return f"signature:{signature_id}:{number}"


def fingerprint(signature: Signature) -> str:
    """What its owner saw before pressing the button; somebody may send the form again in between."""
    answers = sorted((one.organization_id, one.yes, one.words) for one in signature.answers)
    shown = [
        signature.given_name,
        signature.family_name,
        signature.postal_code,
        signature.country,
        signature.comments,
        answers,
    ]
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:16]


def last_moment(day: date | None, zone_name: str, *, now: datetime) -> datetime | None:
    """The end of a petition's last day as its coalition's clocks show it."""
    if day is None:
        return None
    if day < local(now, zone_name).date():
        raise Invalid({"closes": "This day is past. Choose today or a later day, or leave it empty."})
    if day.year > now.year + 5:
        raise Invalid({"closes": "Choose a day within the next five years, or leave it empty."})
    return datetime.combine(day, time(23, 59), tzinfo=zone(zone_name))


def next_goal(count: int, goal: int) -> int:
    """The goal that is shown: the petition's own, then the next round number."""
    return goal if count < goal else next((step for step in GOALS if step > count), count * 2)


def confirm_path(signature: Signature, now: datetime) -> str:
    """The link that a signer confirms by; opening it changes nothing."""
    return f"/confirm/{tokens.sign('confirm-signature', {'id': signature.id}, lasts=CONFIRM_WITHIN, now=now)}"
