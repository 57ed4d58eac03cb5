"""Letters as SendGrid's requests: plain dicts within its limits, one letter alone or many that share most lines.

Apart from the transport, because this is what the provider's description is about, and nothing here waits for anybody.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from typing import Any

from app.mail.transports import GiveUp, Letter

SIZE_LIMIT = 30_000_000
MOST_RECIPIENTS = 1000
ARGUMENT_BYTES = 10_000  # for custom arguments and for substitutions, each of one recipient
UPDATE = "update"
OWN_HEADERS = ("Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted")
# SendGrid refuses a request that sets one of these by itself.
RESERVED_HEADERS = {
    *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"),
    *("to", "from", "subject", "reply-to", "cc", "bcc"),
}
UNTRACKED = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}


@dataclass(frozen=True, slots=True)
class Lane:
    """How the account shall treat letters: unsubscribe group of updates (0: none), IP pools (empty: its own)."""

    asm_group: int = 0
    ip_pool: str = ""
    updates_ip_pool: str = ""

    def settings(self, category: str) -> dict[str, Any]:
        """What a request of this category says of it."""
        is_update = category == UPDATE
        pool = (self.updates_ip_pool if is_update else "") or self.ip_pool
        wanted: dict[str, Any] = {"ip_pool_name": pool} if pool else {}
        if is_update and self.asm_group:
            wanted["asm"] = {"group_id": self.asm_group}
        return wanted


def body(letter: Letter, lane: Lane = Lane()) -> dict[str, Any]:
    """The request for one letter. What comes back in events is an id and an attempt, nothing about the person."""
    wanted = _shared(letter, lane)
    wanted["personalizations"] = [_personal(letter)]
    wanted["content"] = [{"type": kind, "value": words} for kind, words in _parts(letter).items() if words]
    wanted["subject"] = str(letter.message["Subject"])
    wanted["headers"] = _headers(letter)
    if files := _attachments(letter):
        wanted["attachments"] = files
    return wanted


def body_of_many(letters: Sequence[Letter], lane: Lane = Lane()) -> dict[str, Any] | None:
    """One request for letters that ``together`` put together; None if they differ by more than SendGrid carries.

    Lines that all letters share stand in the request once; any other line is a tag for which each recipient has the
    words. SendGrid replaces tags as plain text, so they are unguessable, and the line is put there as it is.
    """
    shared: list[dict[str, str]] = []
    personal: list[dict[str, str]] = [{} for _letter in letters]
    tag = f"--{secrets.token_hex(8)}-"
    for kind in _parts(letters[0]):
        lines: list[str] = []
        for at, line in enumerate(zip(*(_parts(letter)[kind].split("\n") for letter in letters), strict=True)):
            if len(set(line)) == 1:
                lines.append(line[0])
                continue
            name = f"{tag}{kind[5:]}{at}--"
            lines.append(name)
            for own, words in zip(personal, line, strict=True):
                own[name] = words
        shared.append({"type": kind, "value": "\n".join(lines)})
    if any(_bytes(own) > ARGUMENT_BYTES for own in personal):
        return None
    wanted = _shared(letters[0], lane)
    wanted["subject"] = str(letters[0].message["Subject"])
    wanted["content"] = [part for part in shared if part["value"]]
    wanted["personalizations"] = [
        {
            **_personal(letter),
            "subject": str(letter.message["Subject"]),
            "headers": _headers(letter),
            "substitutions": own,
        }
        for letter, own in zip(letters, personal, strict=True)
    ]
    return wanted


def together(letters: Iterable[Letter]) -> list[list[Letter]]:
    """Letters that can go in one request: same sender, kind and number of lines, no files, no address twice."""
    groups: list[tuple[object, list[Letter], set[str]]] = []
    for letter in letters:
        key, address = _likeness(letter), _address(letter)
        for known, members, addresses in groups:
            if key == known and address not in addresses and len(members) < MOST_RECIPIENTS:
                members.append(letter)
                addresses.add(address)
                break
        else:
            groups.append((key, [letter], {address}))
    return [members for _key, members, _addresses in groups]


def _likeness(letter: Letter) -> object:
    if any(letter.message.iter_attachments()):
        return letter.email_id
    message, parts = letter.message, _parts(letter)
    return (
        str(message["From"]),
        str(message["Reply-To"] or ""),
        letter.category,
        *(words.count("\n") for words in parts.values()),
        *(bool(words) for words in parts.values()),
    )


def _address(letter: Letter) -> str:
    return str(letter.message["To"].addresses[0].addr_spec).casefold()


def check(request: dict[str, Any]) -> None:
    """Raise GiveUp for what SendGrid would refuse, before anything is sent."""
    people = request["personalizations"]
    addresses = [person["email"].casefold() for one in people for person in one["to"]]
    headers = [name for one in (request, *people) for name in one.get("headers", {})]
    subjects = [one["subject"] for one in (request, *people) if "subject" in one]
    if len(addresses) > MOST_RECIPIENTS or len(people) > MOST_RECIPIENTS:
        raise GiveUp("The request has more than the 1,000 recipients SendGrid takes.")
    if len(set(addresses)) < len(addresses):
        raise GiveUp("An address stands in the request twice.")
    if not all(subject.strip() for subject in subjects) or not request["content"]:
        raise GiveUp("The letter has no subject or no words.")
    if any(name.casefold() in RESERVED_HEADERS for name in headers):
        raise GiveUp("The letter sets a header that SendGrid keeps for itself.")
    if any(_bytes(one.get("custom_args", {})) > ARGUMENT_BYTES for one in people):
        raise GiveUp("What the letter gives back in events is larger than the 10,000 bytes SendGrid takes.")
    if len(json.dumps(request)) >= SIZE_LIMIT:
        raise GiveUp("The letter with its attachments is larger than the 30 MB SendGrid takes.")


def _bytes(words: dict[str, str]) -> int:
    return sum(len(name.encode()) + len(value.encode()) for name, value in words.items())


def _shared(letter: Letter, lane: Lane) -> dict[str, Any]:
    message = letter.message
    wanted: dict[str, Any] = {
        "from": _person(message["From"].addresses[0]),
        "tracking_settings": UNTRACKED,
        **lane.settings(letter.category),
    }
    if message["Reply-To"]:
        wanted["reply_to"] = _person(message["Reply-To"].addresses[0])
    if letter.category:
        wanted["categories"] = [letter.category]
    return wanted


def _personal(letter: Letter) -> dict[str, Any]:
    return {
        "to": [_person(letter.message["To"].addresses[0])],
        "custom_args": {"undersigned_email": str(letter.email_id), "undersigned_attempt": letter.attempt},
    }


def _headers(letter: Letter) -> dict[str, str]:
    return {name: str(letter.message[name]) for name in OWN_HEADERS if letter.message[name]}


def _person(address: Address) -> dict[str, str]:
    """An address; SendGrid refuses a name with a semicolon or a comma."""
    name = " ".join(address.display_name.replace(";", " ").replace(",", " ").split())
    return {"email": address.addr_spec, "name": name} if name else {"email": address.addr_spec}


def _parts(letter: Letter) -> dict[str, str]:
    """Text before HTML, as SendGrid wants it; empty where there is none."""
    parts = {"text/plain": "", "text/html": ""}
    for kind in ("plain", "html"):
        part = letter.message.get_body((kind,))
        if part is not None:
            parts[part.get_content_type()] = part.get_content().replace("\r\n", "\n")
    return parts


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
