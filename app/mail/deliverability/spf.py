"""SPF (RFC 7208): who may send with a domain as return path, and the ten lookups that no record may exceed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.mail.deliverability.asking import Asker

MOST_LOOKUPS = 10
ASKING = {"a", "mx", "ptr", "exists", "include", "redirect"}
KNOWN = ASKING | {"all", "ip4", "ip6", "exp"}
TERM = re.compile(r"[-+~?]?([a-z][a-z0-9._-]*)(?:[:=](.*)|(/.*))?", re.IGNORECASE | re.DOTALL)


@dataclass(slots=True)
class Spf:
    """A domain's SPF as it is read: its record, every domain it includes, how many lookups it takes, what is wrong."""

    record: str = ""
    includes: set[str] = field(default_factory=set)
    lookups: int = 0
    everybody: str = ""
    problems: list[str] = field(default_factory=list)

    def takes_in(self, provider: str) -> bool:
        """Whether a provider's record is included, or one below the provider's domain."""
        return any(one == provider or one.endswith(f".{provider}") for one in self.includes)


def read(asker: Asker, domain: str) -> Spf:
    """Follow a domain's record through everything it includes. Raises Silent where a name server does not tell."""
    found = Spf()
    _walk(asker, domain, found, top=True)
    if found.lookups > MOST_LOOKUPS:
        found.problems.append(
            f"It takes {found.lookups} or more lookups; servers stop after {MOST_LOOKUPS} and count it as broken. "
            "Remove includes of services that no longer send for you."
        )
    return found


def _walk(asker: Asker, domain: str, found: Spf, *, top: bool = False) -> None:
    records = [text for text in asker.texts(domain) if re.match(r"v=spf1( |$)", text, re.IGNORECASE)]
    if len(records) > 1:
        found.problems.append(f"{domain} has {len(records)} SPF records, so none counts. Merge them into one.")
        return
    if not records:
        if not top:
            found.problems.append(f"It includes {domain}, which has no SPF record. Remove that include.")
        return
    if top:
        found.record = records[0]
    for term in records[0].split()[1:]:
        _term(asker, domain, term, found, top=top)


def _term(asker: Asker, domain: str, term: str, found: Spf, *, top: bool) -> None:
    read_as = TERM.fullmatch(term)
    name = read_as[1].lower() if read_as else ""
    if read_as is None or (name not in KNOWN and "=" not in term):
        found.problems.append(f"“{term}” in the record of {domain} is no SPF term, so the whole record is refused.")
        return
    if name == "all" and top:
        found.everybody = term[0] if term[0] in "-+~?" else "+"
    if name not in ASKING:
        return
    found.lookups += 1
    other = (read_as[2] or "").rstrip(".").lower()
    # Macros depend on each letter; they count as lookups and are not followed.
    if name in {"include", "redirect"} and other and "%" not in other and found.lookups <= MOST_LOOKUPS:
        found.includes.add(other)
        _walk(asker, other, found)
        if name == "redirect" and top and not found.everybody:
            found.everybody = "~"


def with_include(record: str, term: str) -> str:
    """The record with one more term, before its ``all``; a first record where there is none."""
    if not record:
        return f"v=spf1 {term} ~all"
    terms = record.split()
    place = next((at for at, one in enumerate(terms) if one.lower().endswith("all")), len(terms))
    return " ".join([*terms[:place], term, *terms[place:]])
