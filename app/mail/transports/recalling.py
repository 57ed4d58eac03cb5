"""Calling back what SendGrid holds: letters handed over with a delay and a common id, canceled until shortly before.

Apart from ``sendgrid`` because it hands nothing over: asking twice does no harm, so a lost answer loses nothing.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
from abc import abstractmethod
from datetime import timedelta
from typing import Any, Protocol, runtime_checkable
from urllib.parse import quote

from python_http_client.exceptions import HTTPError

from app.mail.transports import AccountRefused, GiveUp, NotAccepted, Transport, TryAgain

LATER = timedelta(seconds=20)


@runtime_checkable
class RecallTransport(Transport, Protocol):
    """A way out that can hold letters for ``recall_delay`` and call them back meanwhile."""

    recall_delay: timedelta

    def new_recall_id(self) -> str:
        """A name for letters that are called back together. Raises the outcome."""

    def call_back(self, recall_id: str) -> None:
        """Have everything under this name not be sent. Asking again is harmless. Raises the outcome."""

    def release(self, recall_id: str) -> None:
        """Have the provider forget that. Only once all of it is over: what is still held would leave. Harmless again.

        Raises the outcome.
        """


class Recalls:
    """What the SendGrid transport can do beside handing over."""

    recall_delay = timedelta(0)

    @abstractmethod
    def _client(self) -> Any: ...

    def new_recall_id(self) -> str:
        """Have SendGrid make a batch id."""
        answer = _asked(self._client().mail.batch.post)
        found = answer.get("batch_id") if isinstance(answer, dict) else None
        if not isinstance(found, str) or not 0 < len(found) <= 255:
            raise TryAgain(LATER, "SendGrid gave no batch id.")
        return found

    def call_back(self, recall_id: str) -> None:
        """Cancel the batch. An id that was canceled before is refused, so what stands there is asked then."""
        canceled = {"batch_id": recall_id, "status": "cancel"}
        try:
            _asked(lambda: self._client().user.scheduled_sends.post(request_body=canceled))
        except GiveUp:
            if not self._is_canceled(recall_id):
                raise

    def release(self, recall_id: str) -> None:
        """Delete the cancellation. One that is not there any more is refused or not found, and that is well."""
        try:
            _asked(lambda: self._client().user.scheduled_sends._(quote(recall_id, safe="")).delete())
        except GiveUp:
            if self._is_canceled(recall_id):
                raise

    def _is_canceled(self, recall_id: str) -> bool:
        try:
            found = _asked(lambda: self._client().user.scheduled_sends._(quote(recall_id, safe="")).get())
        except GiveUp as refusal:
            if isinstance(refusal.__cause__, HTTPError) and refusal.__cause__.status_code == 404:
                return False
            raise
        states = found if isinstance(found, list) else [found]
        return any(isinstance(one, dict) and one.get("status") == "cancel" for one in states)


def _asked(call: Any) -> Any:
    try:
        answer = call()
        return json.loads(answer.body or b"null")
    except HTTPError as error:
        raise _meaning(int(error.status_code)) from error
    except (urllib.error.URLError, OSError, http.client.HTTPException, ValueError) as error:
        raise TryAgain(LATER, f"SendGrid did not answer: {type(error).__name__}") from error


def _meaning(status: int) -> NotAccepted:
    if status in {401, 403}:
        return AccountRefused(f"SendGrid said {status}: the API key lacks the right to scheduled sends.")
    if status == 429 or status >= 500:
        return TryAgain(LATER, f"SendGrid said {status}.")
    return GiveUp(f"SendGrid said {status}.")
