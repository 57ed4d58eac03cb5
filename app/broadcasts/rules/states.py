"""What may happen to an update, when, and by whom."""

from __future__ import annotations

from collections.abc import Collection

from app.broadcasts.models import Broadcast, BroadcastState
from app.core.errors import Conflict

WAY = ("draft", "approved", "sending", "sent")


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


def must_be_the_words_reviewed(broadcast: Broadcast, version: int | None) -> None:
    """Refuse to send other words than those on the screen where it was decided."""
    if version is not None and version != broadcast.version:
        raise Conflict("The words changed while you looked at them. Nothing was sent; review it again.")


def must_be_approvable(broadcast: Broadcast, account_id: int | None) -> None:
    """An update is approved once it is written, by somebody who did not write it."""
    if broadcast.state is not BroadcastState.DRAFT:
        raise Conflict(f"This update is {broadcast.state.value}; only a draft can be approved.")
    if account_id is None or account_id == broadcast.author_id:
        raise Conflict("Somebody other than its author approves an update. Ask a colleague or another member group.")


def must_be_of_another_organization(
    broadcast: Broadcast, approving: Collection[int], *, belongs_to_sender: bool, asked: bool
) -> None:
    """Where the coalition ``asked`` for it, whoever approves stands outside the sender.

    ``approving`` are the organizations for which the person may approve; one of them must be another than the sender.
    """
    if asked and (belongs_to_sender or not set(approving) - {broadcast.organization_id}):
        raise Conflict(
            f"In this coalition a person of another organization approves an update of {broadcast.organization.name}. "
            "Ask another member group to read it."
        )


def must_be_sendable(broadcast: Broadcast, *, elsewhere: bool = False) -> None:
    """Only the very words that were approved are sent; with ``elsewhere``, approved by another organization."""
    if broadcast.state is BroadcastState.SCHEDULED:
        raise Conflict("This update has its time already. Take it off that time first, then choose another.")
    if broadcast.state not in {BroadcastState.DRAFT, BroadcastState.APPROVED}:
        raise Conflict(f"This update is {broadcast.state.value}; it is not sent a second time.")
    if broadcast.state is not BroadcastState.APPROVED or broadcast.approved_version != broadcast.version:
        raise Conflict("These words have not been approved. Ask a second person to approve them, then send.")
    if elsewhere and broadcast.approver_organization_id in {None, broadcast.organization_id}:
        raise Conflict(
            "The coalition now asks for the approval of another organization. Save the update again, then ask a "
            "person of another member group to approve it."
        )
