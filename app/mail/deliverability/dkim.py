"""DKIM (RFC 6376): the keys that a domain publishes under its selectors."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

if TYPE_CHECKING:
    from app.mail.deliverability.asking import Asker

LEAST_BITS, GOOD_BITS = 1024, 2048


@dataclass(frozen=True, slots=True)
class Key:
    """What stands under one selector. ``fault`` says why it is no use, ``doubt`` what could be better."""

    selector: str
    there: bool
    fault: str = ""
    doubt: str = ""


def tags(text: str) -> dict[str, str]:
    """A ``tag=value; tag=value`` record as a dict of lowercase tags."""
    parts = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip() for name, separator, value in parts if separator}


def read(asker: Asker, domain: str, selector: str) -> Key:
    """The key under a selector. Raises Silent where the name server does not tell."""
    records = asker.texts(f"{selector}._domainkey.{domain}")
    keys = [found for found in map(tags, records) if "p" in found]
    if not keys:
        return Key(selector, there=False)
    if len(keys) > 1:
        return Key(selector, there=True, fault=f"{selector} has {len(keys)} keys. Leave one.")
    return _judged(selector, keys[0])


def _judged(selector: str, key: dict[str, str]) -> Key:
    coded = "".join(key["p"].split())
    if not coded:
        return Key(selector, there=True, fault=f"the key of {selector} was revoked (its p= is empty).")
    if key.get("k", "rsa").lower() != "rsa":
        return Key(selector, there=True)
    try:
        public = load_der_public_key(base64.b64decode(coded, validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        return Key(selector, there=True, fault=f"the key of {selector} cannot be read. Copy it anew, on one line.")
    bits = public.key_size if isinstance(public, RSAPublicKey) else GOOD_BITS
    if bits < LEAST_BITS:
        return Key(selector, there=True, fault=f"the key of {selector} has {bits} bits; servers ignore it.")
    if "y" in key.get("t", "").lower().split(":"):
        return Key(selector, there=True, doubt=f"{selector} is marked as a test (t=y). Remove the mark.")
    if bits < GOOD_BITS:
        return Key(selector, there=True, doubt=f"the key of {selector} has {bits} bits; 2048 are usual today.")
    return Key(selector, there=True)
