"""A stand-in for SendGrid's unsubscribe group of updates: who is in it, what was asked, and how to fail next.

Every request is held against what SendGrid's description allows, faulty or not.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from app.mail.groups import MOST
from config.settings import MailTransport, Settings

NUMBER = 12
BASE = f"/v3/asm/groups/{NUMBER}"
PATIENCE = 20
Fault = Callable[[Request], Response | None]


@dataclass
class Group:
    """The group as SendGrid keeps it. A fault answers one request in its place; None lets it through."""

    url: str
    members: set[str] = field(default_factory=set)
    is_there: bool = True
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    always: Fault | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    global_list: set[str] = field(default_factory=set)

    def settings(self) -> Settings:
        return Settings(
            mail_transport=MailTransport.SENDGRID,
            sendgrid_api_key="SG.key",
            sendgrid_host=self.url,
            sendgrid_asm_group=NUMBER,
        )

    def posts(self) -> list[list[str]]:
        """Addresses of each request that stops updates."""
        return [body["recipient_emails"] for method, path, body in self.asked if path.endswith("/suppressions")]

    def answer(self, request: Request) -> Response:
        assert request.headers["Authorization"] == "Bearer SG.key"
        body = json.loads(request.data) if request.data else None
        with self.lock:
            self.asked.append((request.method, request.path, body))
            fault = self.faults.pop(0) if self.faults else self.always
        found = fault(request) if fault else None
        return found or self.well(request, body)

    def well(self, request: Request, body: Any) -> Response:
        """Do what was asked, as SendGrid does it; a group that is not there means the global list."""
        what = (request.method, request.path.removeprefix(BASE))
        with self.lock:
            if what == ("GET", ""):
                return said({"id": NUMBER, "name": "Updates"}) if self.is_there else said({"errors": []}, 404)
            if what[0] == "DELETE":
                self.members.discard(what[1].removeprefix("/suppressions/").lower())
                return Response(status=204)
            assert what in {("POST", "/suppressions"), ("POST", "/suppressions/search")}
            assert list(body) == ["recipient_emails"]
            addresses = body["recipient_emails"]
            assert 0 < len(addresses) <= MOST
            assert all(one.count("@") == 1 for one in addresses)
            if what[1] == "/suppressions/search":
                return said(sorted(self.members & set(addresses)))
            (self.members if self.is_there else self.global_list).update(addresses)
            return said({"recipient_emails": addresses}, 201)


def said(body: Any, status: int = 200, **headers: str) -> Response:
    return Response(json.dumps(body), status=status, mimetype="application/json", headers=headers)


def standing_in(server: HTTPServer) -> Group:
    """Have a server on this machine answer for the group."""
    group = Group(server.url_for("").rstrip("/"))
    for path in (BASE, f"{BASE}/suppressions", f"{BASE}/suppressions/search"):
        server.expect_request(path).respond_with_handler(group.answer)
    server.expect_request(re.compile(f"^{BASE}/suppressions/.+@[^/]+$"), method="DELETE").respond_with_handler(
        group.answer
    )
    return group
