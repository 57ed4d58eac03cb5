"""The demonstration's input as it came: organizations, targets, commitments, reactions, supporters, the letter."""

from __future__ import annotations

import csv
import io
from pathlib import Path

DATA = Path(__file__).parent / "data"

COALITION = "Puget Sound Coalition on Face Recognition"
PURPOSE = "Groups in Washington and beyond who want face recognition out of policing. This is a demonstration."
ZONE = "America/Los_Angeles"
CAMPAIGN = "End police use of face recognition"
DEMAND = (
    "Amazon must stop selling face recognition to police, for good. "
    "The King County Council must pass the ban before it."
)
TITLE = "Stop selling face recognition to police, for good"
PETITION = "Not on our streets: ban police face recognition"
PETITION_TEXT = """We live, work and worship in King County.

We ask **Amazon** to stop selling face recognition to police, for good, and the **King County Council** to pass the ban
before it. A camera that knows every face turns every street into a line-up.
"""
UPDATE_SUBJECT = "{given_name}, the letter you stood beside has been delivered"
UPDATE_BODY = """Hello {given_name},

the joint letter went out, with the names of the organizations behind it, and with it the count of everybody who signed
the petition.

**What happens now.** The council has a public hearing on the ban. We will write when there is an answer, and publish it
beside the letter.

Thank you for standing with us.
"""
CONSENT_WORDS = "May {name} write to you with news of this campaign?"
WITHHELD = " and through third parties alike"
OPERATOR = ("operator@undersigned.example", "Demonstration Operator")


def rows(name: str) -> list[dict[str, str]]:
    """The rows of one table."""
    text = (DATA / name).read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def table(name: str) -> bytes:
    """One table as its file."""
    return (DATA / name).read_bytes()


def letter() -> str:
    """The letter as it is frozen in the end."""
    return (DATA / "letter.md").read_text(encoding="utf-8")


def first_draft() -> str:
    """The letter before a member group's suggestion."""
    return letter().replace(WITHHELD, "")
