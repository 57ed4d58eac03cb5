"""The links a supporter gets, what they prove, and the stream that leaving stops."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from app.core import tokens

# Letters are kept for years, and leaving must work from the oldest of them.
LINKS_LAST = timedelta(days=2 * 366)
ONE_CLICK = "List-Unsubscribe=One-Click"
LEAVE_ALL = "Stop all letters"
# What somebody pressed elsewhere, as the ledger names it: we did not show the words and do not know them exactly.
COMPLAINT_WORDS, COMPLAINT_SOURCE = "(reported as spam in their mail program)", "spam complaint"
PROVIDER_WORDS, PROVIDER_SOURCE = "(left by the mail provider's own link)", "mail provider"
STREAMS = "updates:"


def asked_again(organization: str) -> str:
    """What the preferences page asks; the ledger keeps these words with an answer given there."""
    return f"May {organization} write to you with updates?"


def leaving(organization: str) -> str:
    """What the button of the unsubscribe page says."""
    return f"Stop updates from {organization}"


def staying(organization: str) -> str:
    """What the button says by which somebody takes it back that they left."""
    return f"Let {organization} write to me again"


def told(*, complaint: bool) -> tuple[str, str]:
    """The words and the source of a ledger line for what somebody told the mail provider."""
    return (COMPLAINT_WORDS, COMPLAINT_SOURCE) if complaint else (PROVIDER_WORDS, PROVIDER_SOURCE)


def stream(organization_id: int) -> str:
    """The stream of an organization's updates; leaving it stops letters already queued."""
    return f"{STREAMS}{organization_id}"


def of_stream(name: str) -> int | None:
    """The organization whose updates a stream holds; None for a stream of anything else."""
    number = name.removeprefix(STREAMS)
    return int(number) if name.startswith(STREAMS) and number.isascii() and number.isdigit() else None


def preferences_path(supporter_id: int, now: datetime, *, lasts: timedelta = LINKS_LAST) -> str:
    """Where a supporter sees and changes what they said yes to."""
    return f"/preferences/{tokens.sign('preferences', {'id': supporter_id}, lasts=lasts, now=now)}"


def links_in(organization_id: int, mailing_id: int, now: datetime) -> Callable[[int], tuple[str, str]]:
    """For each supporter of a mailing what proves the two links of its letter: to leave, and to see one's answers.

    The link to leave remembers the mailing that it stood in.
    """
    leave = tokens.signing("unsubscribe", {"from": organization_id, "of": mailing_id}, lasts=LINKS_LAST, now=now)
    manage = tokens.signing("preferences", lasts=LINKS_LAST, now=now)

    def links(supporter_id: int) -> tuple[str, str]:
        return leave(supporter_id), manage(supporter_id)

    return links


def unsubscribe_path(supporter_id: int, organization_id: int, now: datetime) -> str:
    """Where one click leaves one sender."""
    claim = {"id": supporter_id, "from": organization_id}
    return f"/unsubscribe/{tokens.sign('unsubscribe', claim, lasts=LINKS_LAST, now=now)}"
