"""A letter in sentences: what is known of it, what happens next and when, and what a person may do. None says more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from app.core.clock import spoken
from app.jobs import leases
from app.mail.models import EmailState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.mail.models import Email, EmailAttempt

# What the audit trail says of the post office. {actor} is who did it; the other words stand in the entry's detail.
ACTS = {
    "mail.held": "{actor} held back all letters. {reason}",
    "mail.resumed": "{actor} let letters leave again.",
    "mail.tried_now": "{actor} had a mail provider tried at once that had served nobody.",
    "mail.tried_again": "{actor} had a failed letter tried again.",
    "mail.all_tried_again": "{actor} had every failed letter tried again, {count} in all.",
    "mail.sent_again": "{actor} sent an unknown letter again, knowing that it may arrive twice.",
    "mail.left": "{actor} left an unknown letter as it is.",
    "mail.taken_back": "{actor} took back a letter before it left.",
    "mail.unstuck": "{actor} freed stuck letters: {again} go again, {unknown} are unknown, {freed} were let go.",
    "mail.trial": "{actor} sent a trial letter.",
    "mail.checked": "{actor} checked the records of {domain}.",
}
TONES = {
    EmailState.QUEUED: "neutral",
    EmailState.SUBMITTING: "info",
    EmailState.ACCEPTED: "info",
    EmailState.DELIVERED: "good",
    EmailState.BOUNCED: "bad",
    EmailState.DROPPED: "neutral",
    EmailState.UNKNOWN: "warn",
    EmailState.FAILED: "bad",
}
LANES = ("Confirmations", "Receipts", "Letters to targets", "Updates")
NOBODY_KNOWS = "The mail server’s answer was lost. The letter may have arrived, or not; nobody knows."
STOPPED_OVER = "A worker stopped while it handed the letter over. The letter may have left, or not."


class _Parts(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "—"


def told(act: str, actor: str, detail: Mapping[str, object]) -> str:
    """An act of the trail as a sentence."""
    return ACTS.get(act, f"{{actor}}: {act}.").format_map(_Parts({**detail, "actor": actor}))


class Act(Enum):
    """What a person may do about a letter."""

    SEND_AGAIN = "send-again"
    LEAVE = "leave"
    RETRY = "retry"
    TAKE_BACK = "take-back"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a letter's way; ``at`` is None for what lies ahead."""

    at: datetime | None
    title: str
    detail: str = ""
    tone: str = "neutral"


def lost(email: Email, now: datetime) -> bool:
    """Whether the worker that hands this letter over has not come back in time."""
    return email.state is EmailState.SUBMITTING and leases.is_over(email.leased_until, now)


def label(email: Email, now: datetime) -> str:
    """The state in a word or two; a letter whose worker is gone is not called “submitting”."""
    if lost(email, now):
        return "Worker gone"
    return "Left as unknown" if email.decided_at is not None else email.state.value.capitalize()


def tone(email: Email, now: datetime) -> str:
    """The color of the state."""
    return "warn" if lost(email, now) else TONES[email.state]


def acts(email: Email, now: datetime) -> list[Act]:
    """What may be done about a letter as it stands. One that nobody has use for is not sent again."""
    match email.state:
        case EmailState.UNKNOWN if email.is_useless(now):
            return [] if email.decided_at is not None else [Act.LEAVE]
        case EmailState.FAILED if email.is_useless(now):
            return []
        case EmailState.UNKNOWN:
            return [Act.SEND_AGAIN] if email.decided_at is not None else [Act.SEND_AGAIN, Act.LEAVE]
        case EmailState.FAILED:
            return [Act.RETRY]
        case EmailState.QUEUED:
            return [Act.TAKE_BACK]
        case _:
            return []


def known(email: Email, attempts: Sequence[EmailAttempt], *, now: datetime) -> list[str]:
    """What is known of the letter, in sentences that hold whatever happens next."""
    match email.state:
        case EmailState.QUEUED:
            return [_waits(email, attempts)]
        case EmailState.SUBMITTING:
            return [STOPPED_OVER] if lost(email, now) else ["A worker is handing it over right now."]
        case EmailState.ACCEPTED:
            return ["The mail server took it. Whether it reached the mailbox is not known."]
        case EmailState.DELIVERED:
            return ["The reader’s mail server reported that it took the letter. Whether anybody read it is not known."]
        case EmailState.BOUNCED:
            return ["It came back: the reader’s mail server did not keep it.", *_reason(email)]
        case EmailState.DROPPED:
            return ["It was taken out of the queue and not sent.", *_reason(email)]
        case EmailState.UNKNOWN:
            left = email.decided_at is not None
            decided = [f"{email.decided_by} left it so on {spoken(email.decided_at)}."] if left else []  # type: ignore[arg-type]
            return [NOBODY_KNOWS, *_reason(email), *decided]
        case EmailState.FAILED:
            return [_refused(attempts), *_reason(email)]


def _waits(email: Email, attempts: Sequence[EmailAttempt]) -> str:
    if not attempts and not email.attempts:
        return "It waits in the outbox and has not been handed over yet."
    if any(not one.certain for one in attempts):
        return "It waits for another attempt. An earlier one may have left: its answer was lost, and it may repeat."
    return "It waits for another attempt. None so far has left."


def _refused(attempts: Sequence[EmailAttempt]) -> str:
    unsure = [str(one.number) for one in attempts if not one.certain]
    if unsure:
        return f"The last attempt was refused. Attempt {', '.join(unsure)} may have left: its answer was lost."
    return "It did not leave: every attempt was refused."


def _reason(email: Email) -> list[str]:
    return [email.last_error] if email.last_error else []


def ahead(email: Email, *, hindered: Sequence[str], most: int, now: datetime) -> str:
    """What the system will do with the letter, and when; ``hindered`` says what keeps all letters from leaving."""
    match email.state:
        case EmailState.QUEUED if email.is_useless(now):
            return (
                "It is not sent: nobody has use for it any more. The next worker that would hand it over gives it up."
            )
        case EmailState.QUEUED if hindered:
            sentences = ["It waits like every other letter.", *hindered, _turn(email, now), _until(email)]
            return " ".join(filter(None, sentences))
        case EmailState.QUEUED if email.try_after > now:
            number = min(email.attempts + 1, most)
            return (
                f"It is tried again on {spoken(email.try_after)}, as attempt {number}. "
                f"After {most} attempts it counts as failed; an outage costs it none. {_until(email)}".rstrip()
            )
        case EmailState.QUEUED:
            waits = "A worker hands it over as its next letters allow. Without a running worker it waits."
            return f"{waits} {_until(email)}".rstrip()
        case EmailState.SUBMITTING:
            return _if_nobody_comes_back(email, now, hindered=bool(hindered))
        case EmailState.ACCEPTED:
            return "Nothing more is sent. If the provider reports a bounce or a delivery, this page will say so."
        case EmailState.UNKNOWN if email.decided_at is None:
            return (
                "Nothing by itself: it is never sent a second time by guess. If the provider reports on this attempt, "
                "the state follows the report. Until then it waits for a person to decide."
            )
        case EmailState.UNKNOWN:
            return "Nothing. If the provider still reports on the attempt, the state follows the report."
        case EmailState.FAILED if email.is_useless(now):
            return "Nothing: its link has ended, so that nobody has use for it any more."
        case EmailState.FAILED:
            return "Nothing, until somebody has it tried again."
        case _:
            return "Nothing."


def _until(email: Email) -> str:
    if email.useless_after is None:
        return ""
    return f"If it cannot leave by {spoken(email.useless_after)}, it is given up, because nobody would have use for it."


def _turn(email: Email, now: datetime) -> str:
    return (
        f"This letter’s own turn comes on {spoken(email.try_after)} at the earliest." if email.try_after > now else ""
    )


def _if_nobody_comes_back(email: Email, now: datetime, *, hindered: bool) -> str:
    then = "it is sent again, because it may repeat" if email.repeatable else "it becomes unknown and is not sent again"
    if lost(email, now) and hindered:
        return f"All letters are held back. When a worker looks next after that, {then}."
    if lost(email, now):
        return f"When a worker looks next, within a minute while one runs, {then}."
    until = f" by {spoken(email.leased_until)}" if email.leased_until else ""
    return f"If the worker does not come back{until}, {then}."


def way(email: Email, attempts: Sequence[EmailAttempt], *, now: datetime) -> list[Step]:
    """The letter's way so far, oldest first: queued, each attempt that was not taken, being handed over, the answer."""
    steps = [Step(email.created_at, "Queued")]
    for one in attempts:
        title = f"Attempt {one.number} was not taken" if one.certain else f"Attempt {one.number}: the answer was lost"
        steps.append(Step(one.at, title, one.reason, "warn" if one.certain else "bad"))
    if email.state is EmailState.SUBMITTING and email.handed_over_at is not None:
        title = "The worker stopped while handing it over" if lost(email, now) else "Being handed over"
        steps.append(Step(email.handed_over_at, f"Attempt {email.attempts}: {title[0].lower()}{title[1:]}", "", "warn"))
    if email.accepted_at is not None:
        number = f"Provider’s number: {email.provider_id}" if email.provider_id else ""
        steps.append(Step(email.accepted_at, "The mail server took it", number, "info"))
    if email.settled_at is not None and email.state is not EmailState.ACCEPTED:
        steps.append(
            Step(email.settled_at, label(email, now) if email.decided_at is None else "Unknown", "", tone(email, now))
        )
    if email.decided_at is not None:
        steps.append(Step(email.decided_at, f"{email.decided_by} left it as unknown"))
    return sorted(steps, key=lambda step: step.at or now)


def absence(seen_at: datetime | None, stopped_at: datetime | None) -> str:
    """What is known of the last worker, where none runs: it said farewell, or it was only not heard of any more."""
    if stopped_at is not None:
        return f"No worker runs: the last one was stopped {spoken(stopped_at)}."
    if seen_at is None:
        return "No worker was ever seen."
    return (
        f"No worker was seen for three minutes. The last one was heard of {spoken(seen_at)} and did not say that it "
        "stops: it was killed, its machine is gone, or it does not reach the database."
    )


def lasting(span: timedelta) -> str:
    """A wait in words: “40 seconds”, “3 minutes”, “2 hours”, “5 days”."""
    seconds = max(int(span.total_seconds()), 0)
    for size, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * size or (seconds >= size and size == 60):
            count = seconds // size
            return f"{count} {name}{'' if count == 1 else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"
