"""Words of a letter as people other than its reader may see them: without the keys that act in the reader's name."""

from __future__ import annotations

import re

# The last part of an address that nobody could guess: long, and unlike a slug with capitals in it.
KEY = re.compile(r"(?<=/)(?=[a-z0-9_.~-]*[A-Z])[A-Za-z0-9_.~-]{20,}")
HIDDEN = "hidden"


def without_keys(words: str) -> str:
    """The same words where each key in an address reads ``hidden``."""
    return KEY.sub(HIDDEN, words)
