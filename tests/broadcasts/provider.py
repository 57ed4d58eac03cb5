"""A stand-in for SendGrid on this machine: it counts who was written to, holds batches, and misbehaves when asked."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from app.mail import jobs as post_office
from app.mail.transports.sendgrid import SendGridTransport
from tests.mail import contract

MOST_CANCELED = 10  # "You can't pause or cancel more than 10 different batches at one time."
DESCRIPTION = Path(contract.__file__).parent / "sendgrid" / "tsg_scheduled_sends_v3.yaml"


@dataclass
class Provider:
    """What came, in order. ``answers`` gives the next answers to a path (a status, or "lost"), then all is well."""

    host: str = ""
    sends: list[dict[str, Any]] = field(default_factory=list)
    readers: Counter[str] = field(default_factory=Counter)
    canceled: list[str] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    answers: dict[str, list[int | str]] = field(default_factory=dict)
    before_answer: Callable[[], None] = lambda: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def transport(self, recall_minutes: int = 0, *, most: int = 2) -> SendGridTransport:
        """A transport that leads here, and that the post office uses from now on; ``most`` readers in a request."""
        made = SendGridTransport("SG.test", host=self.host, timeout=10, recall_minutes=recall_minutes)
        made.most_readers = most
        post_office.use(made)
        return made

    def answer(self, request: Request) -> Response:
        """One request."""
        path = f"{request.method} {request.path}"
        with self.lock:
            self.asked[path] += 1
            planned = self.answers.get(path, [])
            outcome = planned.pop(0) if planned else 0
        if isinstance(outcome, int) and outcome:
            return Response('{"errors": [{"message": "no"}]}', status=outcome, mimetype="application/json")
        answer = self._well(path, request)
        self.before_answer()
        return Response(status=500) if outcome == "lost" else answer

    def _well(self, path: str, request: Request) -> Response:
        if path == "POST /v3/mail/batch":
            return Response(f'{{"batch_id": "BATCH{self.asked[path]}"}}', status=201, mimetype="application/json")
        if path == "POST /v3/mail/send":
            return self._send(request.get_json())
        if path == "POST /v3/user/scheduled_sends":
            return self._cancel(request.get_json())
        ident = request.path.rpartition("/")[2]
        if request.method == "DELETE":
            return self._forget(ident)
        found = f'[{{"batch_id": "{ident}", "status": "cancel"}}]' if ident in self.canceled else "[]"
        return Response(found, status=200, mimetype="application/json")

    def _send(self, wanted: dict[str, Any]) -> Response:
        with self.lock:
            self.problems += contract.problems(wanted)
            self.sends.append(wanted)
            self.readers.update(one["to"][0]["email"] for one in wanted["personalizations"])
        return Response(status=202, headers={"X-Message-Id": f"m{len(self.sends)}"})

    def _cancel(self, wanted: dict[str, Any]) -> Response:
        self.problems += cancel_problems(wanted)
        if wanted["batch_id"] in self.canceled:
            return Response('{"errors": [{"message": "it is canceled already"}]}', status=400)
        if len(self.canceled) >= MOST_CANCELED:
            return Response('{"errors": [{"message": "maximum number of cancellations reached"}]}', status=400)
        self.canceled.append(wanted["batch_id"])
        return Response('{"status": "cancel"}', status=201, mimetype="application/json")

    def _forget(self, ident: str) -> Response:
        """A cancellation ends: whatever is still held under it leaves, which nobody wants."""
        now = time.time()
        held = [one for one in self.sends if one.get("batch_id") == ident and one["send_at"] > now]
        self.problems += [f"{ident} was let go while {len(held)} requests were held"] if held else []
        if ident not in self.canceled:
            return Response('{"errors": [{"message": "not found"}]}', status=404)
        self.canceled.remove(ident)
        return Response(status=204)


def cancel_problems(request: dict[str, Any]) -> list[str]:
    """Everything in a cancellation that SendGrid's description does not allow."""
    described = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))
    post = described["paths"]["/v3/user/scheduled_sends"]["post"]
    schema = post["requestBody"]["content"]["application/json"]["schema"]
    states = described["components"]["schemas"]["Status"]["enum"]
    found = [f"{name} is missing" for name in schema["required"] if name not in request]
    found += [f"{name} is not described" for name in request if name not in schema["properties"]]
    if not re.search(schema["properties"]["batch_id"]["pattern"], str(request.get("batch_id", ""))):
        found.append("batch_id does not look like one")
    return found + ([] if request.get("status") in states else ["status is none of the described ones"])


@contextmanager
def provider() -> Iterator[Provider]:
    """The stand-in, listening."""
    made = Provider()
    with HTTPServer(host="127.0.0.1", threaded=True) as server:
        made.host = server.url_for("").rstrip("/")
        server.expect_request(re.compile("/v3/.*")).respond_with_handler(made.answer)
        yield made
