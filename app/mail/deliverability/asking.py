"""Asking a name server: each question once, none for long, and all together no longer than the page waits."""

from __future__ import annotations

import time
from typing import Any

import dns.exception
import dns.resolver

SECONDS, A_QUESTION = 8.0, 2.0


class Silent(Exception):
    """The name server did not answer in time, or with a failure of its own: nothing is known of the record."""


class Asker:
    """Looks records up. ``server`` is ``host`` or ``host:port``; empty asks the machine's own name servers."""

    def __init__(self, server: str = "", *, seconds: float = SECONDS, a_question: float = A_QUESTION) -> None:
        self._until = time.monotonic() + seconds
        self._a_question = a_question
        self._known: dict[tuple[str, str], list[Any]] = {}
        self._resolver = _resolver(server)

    def texts(self, name: str) -> list[str]:
        """The TXT records of a name, each as one text; none where there is no such name."""
        return [b"".join(one.strings).decode("utf-8", "replace") for one in self._ask(name, "TXT")]

    def points_to(self, name: str) -> str:
        """Where a name's CNAME leads, or nothing."""
        return next((one.target.to_text(omit_final_dot=True).lower() for one in self._ask(name, "CNAME")), "")

    def exchanges(self, name: str) -> list[str]:
        """The mail servers of a name, best first; ``""`` is the record that says that there is none on purpose."""
        found = sorted(self._ask(name, "MX"), key=lambda one: int(one.preference))
        return [one.exchange.to_text(omit_final_dot=True).lower().strip(".") for one in found]

    def has_address(self, name: str) -> bool:
        """Whether a name has an address."""
        return bool(self._ask(name, "A") or self._ask(name, "AAAA"))

    def _ask(self, name: str, kind: str) -> list[Any]:
        if (name, kind) not in self._known:
            self._known[name, kind] = self._answer(name, kind)
        return self._known[name, kind]

    def _answer(self, name: str, kind: str) -> list[Any]:
        left = self._until - time.monotonic()
        if self._resolver is None or left <= 0:
            raise Silent(name)
        try:
            return list(self._resolver.resolve(name, kind, lifetime=min(self._a_question, left), search=False))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise Silent(name) from error


def _resolver(server: str) -> dns.resolver.Resolver | None:
    if not server:
        try:
            return dns.resolver.Resolver()
        except dns.resolver.NoResolverConfiguration:
            return None
    host, _, port = server.rpartition(":") if server.count(":") == 1 else (server, "", "")
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [host]
    resolver.port = int(port or 53)
    return resolver
