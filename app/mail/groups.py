"""The provider's unsubscribe group of updates, written over its API.

Beside the transports because it is no letter: every request here may be repeated, so a lost answer loses nothing.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from python_http_client.exceptions import HTTPError

from app.core.clock import utc_now
from app.mail.transports.calling import client

MOST = 1_000  # addresses in one request
LATER = timedelta(minutes=1)
REFUSED = timedelta(minutes=10)
ODD = timedelta(days=1)
LONGEST = timedelta(hours=1)


class NotTold(Exception):
    """The provider did not take a wish. ``reason`` is for operators and holds no address.

    ``theirs`` says that one of the addresses is at fault; anything else is trouble that every wish would meet.
    """

    def __init__(self, reason: str, *, wait: timedelta, theirs: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait
        self.theirs = theirs


class UpdatesGroup:
    """The group ``number`` at ``host``, with an API key that may write unsubscribe groups."""

    def __init__(self, api_key: str, number: int, *, host: str, timeout: float = 30) -> None:
        self.api_key = api_key
        self.number = number
        self.host = host.rstrip("/")
        self.timeout = timeout
        self._kept = threading.local()

    def stop(self, addresses: Sequence[str]) -> None:
        """Have the provider hand no update to these addresses, up to 1,000. Raises NotTold.

        The group is looked up first: SendGrid puts what is meant for a group that is not there on the global list,
        which would swallow sign-in links and confirmations too.
        """
        found = self._asked(self._group().get)
        if not isinstance(found, dict) or found.get("id") != self.number:
            raise NotTold(f"SendGrid did not show unsubscribe group {self.number} when asked for it.", wait=REFUSED)
        wanted = {"recipient_emails": list(addresses)}
        answer = self._asked(lambda: self._group().suppressions.post(request_body=wanted))
        if not isinstance(answer, dict) or not isinstance(answer.get("recipient_emails"), list):
            raise NotTold("SendGrid did not confirm whose updates it stops.", wait=LATER)

    def members(self, addresses: Sequence[str]) -> set[str]:
        """Which of up to 1,000 addresses (lowercase) the provider hands no update to. Raises NotTold."""
        wanted = {"recipient_emails": list(addresses)}
        answer = self._asked(lambda: self._group().suppressions.search.post(request_body=wanted))
        if not isinstance(answer, list):
            raise NotTold("SendGrid did not say whose updates it stops.", wait=LATER)
        return {one.lower() for one in answer if isinstance(one, str)} & set(addresses)

    def let_go(self, address: str) -> None:
        """Have the provider hand updates to an address again; harmless if it did. Raises NotTold."""
        try:
            self._asked(self._group().suppressions._(quote(address, safe="")).delete)
        except NotTold as trouble:
            if not isinstance(trouble.__cause__, HTTPError) or trouble.__cause__.status_code != 404:
                raise

    def _asked(self, call: Callable[[], Any]) -> Any:
        try:
            answer = call()
            return json.loads(answer.body or b"null")
        except HTTPError as error:
            raise self._meaning(int(error.status_code), error.headers) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NotTold(f"SendGrid did not answer: {type(error).__name__}.", wait=LATER) from error

    def _meaning(self, status: int, headers: Any) -> NotTold:
        if status in {401, 403}:
            said = f"SendGrid said {status}: the API key lacks the right to unsubscribe groups."
            return NotTold(said, wait=REFUSED)
        if status == 404:
            return NotTold(f"SendGrid has no unsubscribe group {self.number}.", wait=REFUSED)
        if status == 429:
            return NotTold("SendGrid said 429: too many requests.", wait=_until_reset(headers))
        if status in {400, 413, 422}:
            return NotTold(f"SendGrid said {status} about an address.", wait=ODD, theirs=True)
        return NotTold(f"SendGrid said {status}.", wait=LATER)

    def _group(self) -> Any:
        if not hasattr(self._kept, "client"):
            self._kept.client = client(self.api_key, host=self.host, timeout=self.timeout)
        return self._kept.client.asm.groups._(str(self.number))


def _until_reset(headers: Any) -> timedelta:
    """The wait the provider asks for, between a second and an hour."""
    try:
        seconds = float(headers.get("X-RateLimit-Reset")) - utc_now().timestamp()
        return timedelta(seconds=min(max(seconds, 1), LONGEST.total_seconds()))
    except (TypeError, ValueError, AttributeError):
        return LATER
