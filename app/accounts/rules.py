"""Passwords: what may be one, how it is kept, and a check that takes as long for nobody as for somebody."""

from __future__ import annotations

import functools
import unicodedata

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
LONGEST = 200

# OWASP's minimum for Argon2id; the library's default costs 200 to 600 ms on a small server.
HASHER = PasswordHasher(memory_cost=19_456, time_cost=2, parallelism=1, type=Type.ID)


def _unified(password: str) -> str:
    # The same keys give composed letters on one device and decomposed ones on another.
    return unicodedata.normalize("NFKC", password)


def hashed(password: str) -> str:
    """What is stored of a password."""
    return HASHER.hash(_unified(password))


@functools.cache
def _nobody() -> str:
    return hashed("the password of nobody, checked so that an unknown address takes as long")


def matches(password_hash: str | None, password: str) -> bool:
    """Whether this is the password. Without a hash one is checked all the same, so that the time tells nothing."""
    try:
        HASHER.verify(password_hash or _nobody(), _unified(password))
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def outdated(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return HASHER.check_needs_rehash(password_hash)


def complaint(password: str, *, email: str = "", name: str = "") -> str | None:
    """Why this cannot be a password, in a sentence; None when it can."""
    unified = _unified(password)
    if len(unified) < SHORTEST:
        return f"Use at least {SHORTEST} characters; four unrelated words make a good password."
    if len(unified) > LONGEST:
        return f"Use at most {LONGEST} characters."
    if len(set(unified)) < 4:
        return "Use more than three different characters."
    told = {text.casefold() for text in (email, email.partition("@")[0], name) if text}
    if unified.strip().casefold() in told:
        return "Choose something other than your name or e-mail address."
    return None
