"""SendGrid through its official package: plain dicts, a deadline of ours, one client a thread, and no retry of its own.

Which failure means what is taken from the package's code and the library below it: an error while the request is being
sent comes up as ``URLError``, one while its answer is awaited or read as itself. SendGrid has no idempotency key, so a
lost answer stays unknown.
"""

from __future__ import annotations

import http.client
import json
import logging
import re
import threading
import time
import urllib.error
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from python_http_client.exceptions import HTTPError

from app.core.clock import utc_now
from app.mail.transports import (
    Accepted,
    AccountRefused,
    GiveUp,
    Letter,
    NotAccepted,
    Outcome,
    OutcomeUnknown,
    TryAgain,
    many,
)
from app.mail.transports.calling import client, longest
from app.mail.transports.recalling import Recalls
from app.mail.transports.sendgrid_requests import UNTRACKED, UPDATE, Lane, body, body_of_many, check, together

LATER = timedelta(minutes=1)
LONGEST = timedelta(hours=1)
MANY_SECONDS = 10.0  # after so long, no further request of a lot is begun
OTHERS = (401, 403, 404, 405)  # the key, its rights, the address we call: nothing that a letter could be guilty of
# At DEBUG the package's logger prints the API key.
logging.getLogger("python_http_client").setLevel(logging.WARNING)


class SendGridTransport(Recalls):
    """Hands letters to ``host`` (another region, or a test's server) with an API key."""

    name = "sendgrid"
    most_readers = 1000

    def __init__(
        self,
        api_key: str,
        *,
        host: str,
        timeout: float = 30,
        asm_group: int = 0,
        ip_pool: str = "",
        updates_ip_pool: str = "",
        recall_minutes: int = 0,
    ) -> None:
        self.recall_delay = timedelta(minutes=recall_minutes)
        self.api_key = api_key
        self.host = host.rstrip("/")
        self.timeout = timeout
        self.lane = Lane(asm_group, ip_pool, updates_ip_pool)
        # A claim outlives the call that it is for: otherwise another worker would call letters lost while their
        # answer may still come. A lot's last request begins after MANY_SECONDS at the latest and ends by its deadline.
        self.patience = timedelta(seconds=longest(timeout) + MANY_SECONDS)
        self._kept = threading.local()

    def submit(self, letter: Letter) -> Accepted:
        """Hand the letter over in one request."""
        try:
            return self._checked(body(letter, self.lane), readers=1)
        except (many.ReaderRefused, many.WordsRefused) as refusal:
            raise GiveUp(refusal.reason) from refusal

    def submit_many(self, lot: many.Lot) -> Accepted:
        """Hand one letter for many readers over in one request."""
        if many.size(lot) >= many.SIZE_LIMIT:
            raise many.TooMuch("The request would be larger than the 30 MB SendGrid takes.")
        if lot.send_at is not None and lot.send_at <= utc_now().timestamp():
            # This process was away for so long that it would leave at once: not to be called back, or although it was.
            raise TryAgain(LATER, "The time until which SendGrid was to hold it is over.")
        shared = {"tracking_settings": UNTRACKED, "categories": [UPDATE], **self.lane.settings(UPDATE)}
        return self._post(many.body(replace(lot, shared={**shared, **lot.shared})), readers=len(lot.readers))

    def submit_all(self, letters: Sequence[Letter]) -> dict[int, Outcome]:
        """Hand letters over in as few requests as their likeness allows; what is not in the answer was not tried."""
        until = time.monotonic() + MANY_SECONDS
        outcomes: dict[int, Outcome] = {}
        waiting = together(letters)
        while waiting and time.monotonic() < until:
            group = waiting.pop(0)
            outcome, rest = self._one_request(group)
            waiting = rest + waiting
            again = {letter.email_id for letters in rest for letter in letters}
            if outcome is not None:
                outcomes.update((one.email_id, outcome) for one in group if one.email_id not in again)
            if isinstance(outcome, NotAccepted) and not isinstance(outcome, GiveUp):
                break  # everybody's trouble: whoever has not been tried is not
        return outcomes

    def _one_request(self, group: list[Letter]) -> tuple[Outcome | None, list[list[Letter]]]:
        """What became of a group, and the groups that its innocent members are to be tried in again."""
        wanted = body(group[0], self.lane) if len(group) == 1 else body_of_many(group, self.lane)
        if wanted is None:
            return None, [[letter] for letter in group]
        middle = len(group) // 2
        try:
            return self._checked(wanted, readers=len(group)), []
        except many.ReaderRefused as refusal:
            rest = [letter for place, letter in enumerate(group) if place != refusal.place]
            return GiveUp(refusal.reason), [rest] if rest else []
        except many.TooMuch as refusal:
            return GiveUp(refusal.reason), [group[:middle], group[middle:]]
        except many.WordsRefused as refusal:
            return GiveUp(refusal.reason), []
        except NotAccepted as refusal:
            return refusal.kept(), []

    def _checked(self, wanted: dict[str, Any], *, readers: int) -> Accepted:
        check(wanted)
        return self._post(wanted, readers=readers)

    def _post(self, wanted: dict[str, Any], *, readers: int) -> Accepted:
        """Make one request of mail/send. Raises what its answer, or the lack of one, means."""
        try:
            answer = self._client().mail.send.post(request_body=wanted)
        except HTTPError as error:
            if error.status_code in {400, 413, 415}:
                said = f"SendGrid said {error.status_code}: {_words(error.body)}"
                raise many.refused(error.status_code, _fields(error.body), said, readers=readers) from error
            raise _meaning(error.status_code, error.body, error.headers) from error
        except urllib.error.URLError as error:
            said = f"SendGrid cannot be reached: {type(error.reason).__name__}"
            raise TryAgain(LATER, said, everyone=True) from error
        except (OSError, http.client.HTTPException) as error:
            raise OutcomeUnknown(f"SendGrid's answer was lost: {type(error).__name__}") from error
        if answer.status_code != 202:
            raise _meaning(answer.status_code, answer.body, answer.headers)
        return Accepted(provider_id=answer.headers.get("X-Message-Id") or "")

    def _client(self) -> Any:
        if not hasattr(self._kept, "client"):
            self._kept.client = client(self.api_key, host=self.host, timeout=self.timeout)
        return self._kept.client


def _meaning(status: int, answer: bytes, headers: Any) -> NotAccepted:
    """What an answer other than 202 says of the letter."""
    said = f"SendGrid said {status}: {_words(answer)}"
    if status in OTHERS:
        return AccountRefused(said)
    if status == 429:
        return TryAgain(_until_reset(headers), said, asked=True)
    if status == 408:
        return TryAgain(LATER, said, everyone=True)
    if 200 <= status < 400:
        # We never ask for the sandbox, so this is the account's or not SendGrid at all: no letter shall pay for it.
        return AccountRefused(f"SendGrid answered {status}: it checked the letter (sandbox mode) and did not send it.")
    if 400 <= status < 500:
        return GiveUp(said)
    return OutcomeUnknown(said)


def _errors(answer: bytes) -> list[dict[str, Any]]:
    try:
        errors = json.loads(answer)["errors"]
        return [error for error in errors if isinstance(error, dict)]
    except (ValueError, LookupError, TypeError):
        return []


def _fields(answer: bytes) -> list[str]:
    return [named for error in _errors(answer) if (named := _field(error))]


def _field(error: dict[str, Any]) -> str:
    """The part that an error names. SendGrid writes none as null, and in its own description as the word "null"."""
    named = error.get("field")
    return named if isinstance(named, str) and named != "null" else ""


def _words(answer: bytes) -> str:
    said = "; ".join(f"{_field(error)} {error.get('message') or ''}".strip() for error in _errors(answer))
    return re.sub(r"\S+@\S+", "…", said) or "no reason given"


def _until_reset(headers: Any) -> timedelta:
    """The wait the provider asks for, between a second and an hour."""
    try:
        seconds = float(headers.get("X-RateLimit-Reset")) - utc_now().timestamp()
        return timedelta(seconds=min(max(seconds, 1), LONGEST.total_seconds()))
    except (TypeError, ValueError, AttributeError):
        return LATER
