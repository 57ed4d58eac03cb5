"""DMARC: the policy a domain publishes, and whether the domains of a letter belong together (alignment)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.mail.deliverability.dkim import tags

if TYPE_CHECKING:
    from app.mail.deliverability.asking import Asker

MOST_STEPS = 8


@dataclass(frozen=True, slots=True)
class Dmarc:
    """What is published for a domain. ``at`` is where: the domain or one above it, the organization's."""

    at: str = ""
    record: str = ""
    organization: str = ""
    several: bool = False
    given: dict[str, str] = field(default_factory=dict)

    def policy(self, domain: str) -> str:
        """What receivers are asked to do: none, quarantine or reject; a domain below another may have its own."""
        policy = self.given.get("p", "").lower()
        return policy if domain == self.at else self.given.get("sp", policy).lower()

    def aligned(self, domain: str, other: str, tag: str) -> bool:
        """Whether another domain of the letter counts as this one; ``tag`` is ``aspf`` or ``adkim``."""
        if domain == other:
            return True
        if self.given.get(tag, "r").lower() == "s" or not self.organization:
            return False
        return all(one == self.organization or one.endswith(f".{self.organization}") for one in (domain, other))


def read(asker: Asker, domain: str) -> Dmarc:
    """Look at the domain, then at each above it. Raises Silent where a name server does not tell.

    The organization's domain is the highest that publishes a record, as DMARC's tree walk has it.
    """
    labels = domain.split(".")
    names = [".".join(labels[at:]) for at in range(max(len(labels) - 1, 1))]
    found: list[tuple[str, list[str]]] = []
    for name in [names[0], *names[1:][-MOST_STEPS + 1 :]]:
        records = [text for text in asker.texts(f"_dmarc.{name}") if re.match(r"v=DMARC1\s*(;|$)", text, re.IGNORECASE)]
        if records:
            found.append((name, records))
    if not found:
        return Dmarc()
    at, records = found[0] if found[0][0] == domain else found[-1]
    several = len(records) > 1
    return Dmarc(at, records[0], found[-1][0], several, {} if several else tags(records[0]))
