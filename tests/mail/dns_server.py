"""A name server of our own on loopback: answers what a test publishes, and can be slow, silent or broken."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

ZONE = dict[str, dict[str, list[str]]]


class NameServer:
    """Serves ``zone``: {name: {kind: [value in zone-file form]}}. Names in ``silent`` get no answer at all."""

    def __init__(self, zone: ZONE) -> None:
        self.zone = zone
        self.silent: set[str] = set()
        self.broken: set[str] = set()
        self.asked: list[tuple[str, str]] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        # An empty packet wakes the thread, which then ends.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bell:
            bell.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            packet, client = self._socket.recvfrom(4096)
            if not packet:
                return
            answer = self._answer(dns.message.from_wire(packet))
            if answer is not None:
                self._socket.sendto(answer.to_wire(), client)

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        if "*" in self.silent or name in self.silent:
            return None
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if name in self.broken:
            answer.set_rcode(dns.rcode.SERVFAIL)
            return answer
        if not any(one == name or one.endswith(f".{name}") for one in self.zone):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        for _ in range(5):  # a CNAME is followed, as a resolver does
            records = self.zone.get(name, {})
            found = kind if kind in records else "CNAME"
            if found not in records:
                break
            answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", found, *records[found]))
            if found == kind:
                break
            name = records[found][0].rstrip(".").lower()
        return answer


@contextmanager
def serving(zone: ZONE) -> Iterator[NameServer]:
    """A name server for the length of a block."""
    server = NameServer(zone)
    server.start()
    try:
        yield server
    finally:
        server.stop()
