"""A sample of every letter of the post office, for the tests of the house."""

from __future__ import annotations

from typing import Any

LETTERS: dict[str, dict[str, Any]] = {"mail/mail/trial": {"name": "Robin Vale", "site_path": "/"}}
