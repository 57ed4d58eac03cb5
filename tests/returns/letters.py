"""A sample of each letter that carries something back, for the tests of all letters."""

from __future__ import annotations

from typing import Any

LETTERS: dict[str, dict[str, Any]] = {
    "returns/mail/sent_on": {
        "topic": "Re: Stop selling face recognition to police",
        "writer": "Demo <Official>",
        "address": "official@amazon.example",
        "received_at": "2021-06-12T09:30:00+00:00",
        "about": "Stop selling face recognition to police",
        "sent_to": "Amazon.com",
        "words": "Thank you for your letter.\n\nWe extend the pause until further notice.",
        "quoted": "We ask you to stop for good.\nThe undersigned",
        "is_cut": True,
        "files": ["statement.pdf"],
        "reply_path": "/replies/abc",
    },
}
