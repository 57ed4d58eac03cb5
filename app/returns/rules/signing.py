"""Whether a post is the provider's own: ECDSA over P-256 with SHA-256, on the timestamp's bytes and the raw body."""

from __future__ import annotations

import base64
import binascii
import functools
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

# The provider names no tolerance. A post refused as stale is refused with an error, so it comes again for a day.
TOLERANCE = timedelta(minutes=10)


@functools.cache
def public_key(shown: str) -> EllipticCurvePublicKey:
    """The key as SendGrid shows it: base64 of DER. Raises ValueError for anything but a P-256 key."""
    try:
        key = load_der_public_key(base64.b64decode("".join(shown.split()), validate=True))
    except (ValueError, binascii.Error) as error:
        raise ValueError("is no public key; copy it whole from SendGrid's page.") from error
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key
    raise ValueError("must be an ECDSA key on the curve P-256.")


def genuine(key: EllipticCurvePublicKey, body: bytes, *, signature: str, timestamp: str, now: datetime) -> bool:
    """Whether this body was signed with the provider's key, lately. Says nothing of why not."""
    try:
        if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
            return False
        key.verify(base64.b64decode(signature, validate=True), timestamp.encode("ascii") + body, ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError, binascii.Error, OverflowError):
        return False
    return True
