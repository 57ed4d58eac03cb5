"""What may happen to an update, and what its words may hold."""

from __future__ import annotations

import re

from app.broadcasts.models import GIVEN_NAME, NAMELESS, Broadcast, BroadcastState
from app.core.errors import Conflict, Invalid

FIELD = re.compile(r"\{([^{}\n]{0,40})\}")
WAY = ("draft", "approved", "sending", "sent")


def filled(text: str, given_name: str) -> str:
    """The words with the reader's given name in place of ``{given_name}`` ("friend" when there is none)."""
    return text.replace(GIVEN_NAME, given_name or NAMELESS)


def filled_markdown(text: str, given_name: str) -> str:
    """As ``filled``, for Markdown: a name like ``_Ana_`` is a name and no markup."""
    return filled(text, re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", given_name))


def check_words(subject: str, body: str) -> None:
    """Refuse merge fields that nothing would fill, at the field where they stand."""
    problems: dict[str, str] = {}
    for name, words in (("subject", subject), ("body", body)):
        unknown = next((found.group(0) for found in FIELD.finditer(words) if found.group(0) != GIVEN_NAME), None)
        if unknown:
            problems[name] = f"{unknown} would be sent as it stands. The only field is {GIVEN_NAME}."
    if problems:
        raise Invalid(problems)


def must_be_draft(broadcast: Broadcast) -> None:
    """Refuse changes to words that were approved or sent."""
    if broadcast.state not in {BroadcastState.DRAFT, BroadcastState.APPROVED}:
        raise Conflict(f"This update is {broadcast.state.value}; its words cannot change any more.")


def must_be_the_words_read(broadcast: Broadcast, based_on: int | None) -> None:
    """Refuse to write over words that were saved after the form was opened."""
    if based_on is not None and based_on != broadcast.version:
        raise Conflict(
            "Somebody else saved this update while you wrote. Your words stand below and are not saved: open the "
            "update in another tab, take over what you need, then save here."
        )


def must_be_approvable(broadcast: Broadcast, account_id: int | None) -> None:
    """An update is approved once it is written, by somebody who did not write it."""
    if broadcast.state is not BroadcastState.DRAFT:
        raise Conflict(f"This update is {broadcast.state.value}; only a draft can be approved.")
    if account_id is None or account_id == broadcast.author_id:
        raise Conflict("Somebody other than its author approves an update. Ask a colleague or another member group.")


def must_be_sendable(broadcast: Broadcast) -> None:
    """Only the very words that were approved are sent."""
    if broadcast.state is not BroadcastState.APPROVED or broadcast.approved_version != broadcast.version:
        raise Conflict("These words have not been approved. Ask a second person to approve them, then send.")
