"""SendGrid through its official package: plain dicts, a timeout of ours, one client a thread, and no retry of its own.

Which failure means what is taken from the package's code: ``URLError`` comes up while a request is being sent, raw
socket errors while its answer is awaited. SendGrid has no idempotency key, so a lost answer stays unknown.
"""

from __future__ import annotations

import base64
import http.client
import json
import logging
import re
import threading
import time
import urllib.error
from dataclasses import replace
from datetime import timedelta
from email.headerregistry import Address
from typing import Any

import sendgrid
from python_http_client.exceptions import HTTPError

from app.mail.transports import Accepted, AccountRefused, GiveUp, Letter, OutcomeUnknown, TryAgain, many

SIZE_LIMIT = 30_000_000
LATER = timedelta(minutes=1)
OWN_HEADERS = ("Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted")
UNTRACKED = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}
# At DEBUG the package's logger prints the API key.
logging.getLogger("python_http_client").setLevel(logging.WARNING)


class SendGridTransport:
    """Hands letters to ``host`` (another region, or a test's server) with an API key."""

    name = "sendgrid"
    most_readers = 1000

    def __init__(self, api_key: str, *, host: str, timeout: float = 30) -> None:
        self.api_key = api_key
        self.host = host.rstrip("/")
        self.timeout = timeout
        self.patience = timedelta(seconds=timeout * 4)
        self._kept = threading.local()

    def submit(self, letter: Letter) -> Accepted:
        """Hand the letter over in one request."""
        wanted = body(letter)
        if len(json.dumps(wanted)) >= SIZE_LIMIT:
            raise GiveUp("The letter with its attachments is larger than the 30 MB SendGrid takes.")
        return self._post(wanted, readers=1)

    def submit_many(self, lot: many.Lot) -> Accepted:
        """Hand one letter for many readers over in one request."""
        if many.size(lot) >= many.SIZE_LIMIT:
            raise many.TooMuch("The request would be larger than the 30 MB SendGrid takes.")
        return self._post(many.body(replace(lot, shared={"tracking_settings": UNTRACKED})), readers=len(lot.readers))

    def _post(self, wanted: dict[str, Any], *, readers: int) -> Accepted:
        try:
            answer = self._client().client.mail.send.post(request_body=wanted)
        except HTTPError as error:
            if error.status_code in {400, 413, 415}:
                fields, said = _named(error.body), f"SendGrid said {error.status_code}: {_words(error.body)}"
                raise many.refused(error.status_code, fields, said, readers=readers) from error
            raise _meaning(error.status_code, error.body, error.headers) from error
        except urllib.error.URLError as error:
            raise TryAgain(
                LATER, f"SendGrid cannot be reached: {type(error.reason).__name__}", everyone=True
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise OutcomeUnknown(f"SendGrid's answer was lost: {type(error).__name__}") from error
        if answer.status_code != 202:
            raise _meaning(answer.status_code, answer.body, answer.headers)
        return Accepted(provider_id=answer.headers.get("X-Message-Id") or "")

    def _client(self) -> sendgrid.SendGridAPIClient:
        client = getattr(self._kept, "client", None)
        if client is None:
            client = sendgrid.SendGridAPIClient(self.api_key, host=self.host)
            client.client.timeout = self.timeout  # the package waits for ever otherwise
            self._kept.client = client
        return client


def body(letter: Letter) -> dict[str, Any]:
    """The request for one letter. What comes back in events is an id and an attempt, nothing about the person."""
    message = letter.message
    wanted: dict[str, Any] = {
        "personalizations": [
            {
                "to": [_person(message["To"].addresses[0])],
                "custom_args": {"undersigned_email": str(letter.email_id), "undersigned_attempt": letter.attempt},
            }
        ],
        "from": _person(message["From"].addresses[0]),
        "subject": str(message["Subject"]),
        "content": _content(letter),
        "headers": {name: str(message[name]) for name in OWN_HEADERS if message[name]},
        "tracking_settings": UNTRACKED,
    }
    if message["Reply-To"]:
        wanted["reply_to"] = _person(message["Reply-To"].addresses[0])
    if files := _attachments(letter):
        wanted["attachments"] = files
    return wanted


def _person(address: Address) -> dict[str, str]:
    """An address; SendGrid refuses a name with a semicolon or a comma."""
    name = " ".join(address.display_name.replace(";", " ").replace(",", " ").split())
    return {"email": address.addr_spec, "name": name} if name else {"email": address.addr_spec}


def _content(letter: Letter) -> list[dict[str, str]]:
    parts = (letter.message.get_body((kind,)) for kind in ("plain", "html"))
    return [
        {"type": part.get_content_type(), "value": part.get_content().replace("\r\n", "\n")}
        for part in parts
        if part is not None
    ]


def _attachments(letter: Letter) -> list[dict[str, str]]:
    return [
        {
            "content": base64.b64encode(part.get_payload(decode=True)).decode(),  # type: ignore[arg-type]
            "type": part.get_content_type(),
            "filename": part.get_filename() or "attachment",
            "disposition": "attachment",
        }
        for part in letter.message.iter_attachments()
    ]


def _meaning(status: int, answer: bytes, headers: Any) -> Exception:
    """What an answer other than 202 says of the letter."""
    said = f"SendGrid said {status}: {_words(answer)}"
    if status in {401, 403, 404, 405}:
        return AccountRefused(said)
    if status == 429:
        return TryAgain(_until_reset(headers), said, everyone=True)
    if status == 200:
        return GiveUp("SendGrid only checked the letter (sandbox mode); it was not sent.")
    if 400 <= status < 500:
        return GiveUp(said)
    return OutcomeUnknown(said)


def _named(answer: bytes) -> list[str]:
    """The fields that a refusal names."""
    try:
        return [str(error.get("field") or "") for error in json.loads(answer)["errors"]]
    except (ValueError, LookupError, TypeError, AttributeError):
        return []


def _words(answer: bytes) -> str:
    try:
        errors = json.loads(answer)["errors"]
        said = "; ".join(f"{error.get('field') or ''} {error['message']}".strip() for error in errors)
        return re.sub(r"\S+@\S+", "…", said)
    except (ValueError, LookupError, TypeError, AttributeError):
        return "no reason given"


def _until_reset(headers: Any) -> timedelta:
    """The wait the provider asks for, between a second and an hour."""
    try:
        seconds = float(headers.get("X-RateLimit-Reset")) - time.time()
    except (TypeError, ValueError, AttributeError):
        return LATER
    return timedelta(seconds=min(max(seconds, 1), 3600))
