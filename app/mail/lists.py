"""The provider's own suppression lists, read over its API.

Beside the transports because reading a list is no letter, and with another key's right: "Suppressions: read".
"""

from __future__ import annotations

import http.client
import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from python_http_client.exceptions import HTTPError

from app.mail.transports.calling import client

PAGE = 500  # entries in one answer; the most SendGrid gives


class ProviderList(Enum):
    """A list of addresses that the provider hands no letters to. Blocks are there too, but they stop nothing."""

    BOUNCES = "bounces"
    BLOCKS = "blocks"
    INVALID = "invalid_emails"
    COMPLAINTS = "spam_reports"
    LEFT = "unsubscribes"


class ListUnread(Exception):
    """The provider did not give its list. ``reason`` is for operators."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Entry:
    """One address on a list, as given; ``status`` and ``reason`` may be empty."""

    email: str
    created: datetime
    status: str
    reason: str


class ProviderLists:
    """Reads lists at ``host`` with an API key that may read suppressions."""

    def __init__(self, api_key: str, *, host: str, timeout: float = 30) -> None:
        self.api_key = api_key
        self.host = host.rstrip("/")
        self.timeout = timeout
        self._kept = threading.local()

    def page(self, which: ProviderList, *, since: datetime, until: datetime, offset: int) -> list[Entry]:
        """Up to 500 entries made between two moments, from ``offset`` on. Raises ListUnread.

        A page with fewer than 500 entries is the last. An entry without an address or a time is left out by making
        it empty, so that the count still tells whether more follow.
        """
        asked = {
            "start_time": int(since.timestamp()),
            "end_time": int(until.timestamp()),
            "limit": PAGE,
            "offset": offset,
        }
        try:
            answer = self._client().suppression._(which.value).get(query_params=asked)
            rows = json.loads(answer.body)
        except HTTPError as error:
            raise ListUnread(f"SendGrid said {error.status_code} when asked for {which.value}.") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise ListUnread(f"SendGrid did not give {which.value}: {type(error).__name__}.") from error
        if not isinstance(rows, list):
            raise ListUnread(f"SendGrid gave no list of {which.value}.")
        return [_entry(row) for row in rows]

    def _client(self) -> Any:
        if not hasattr(self._kept, "client"):
            self._kept.client = client(self.api_key, host=self.host, timeout=self.timeout)
        return self._kept.client


def _entry(row: Any) -> Entry:
    given = row if isinstance(row, dict) else {}
    words = {name: value if isinstance(value := given.get(name), str) else "" for name in ("email", "status", "reason")}
    created = given.get("created")
    at = datetime.fromtimestamp(created, UTC) if isinstance(created, int) and 0 < created < 2**33 else None
    return Entry(words["email"] if at else "", at or datetime.fromtimestamp(0, UTC), words["status"], words["reason"])
