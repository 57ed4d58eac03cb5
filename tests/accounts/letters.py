"""A sample of every letter of accounts, for the tests of the house."""

from __future__ import annotations

from typing import Any

LETTERS: dict[str, dict[str, Any]] = {
    "accounts/mail/sign_in_link": {"name": "Robin Vale", "link_path": "/sign-in/link/abc", "minutes": 15},
    "accounts/mail/reset_link": {"name": "Robin Vale", "link_path": "/password/reset/abc", "minutes": 60},
    "accounts/mail/password_changed": {
        "name": "Robin Vale",
        "at": "May 20, 2021, 5:00 PM UTC",
        "reset_path": "/password/forgotten",
    },
}
