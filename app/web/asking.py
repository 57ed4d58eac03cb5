"""Asking our own site, within this process, which of its public pages exist; for words that link to them."""

from __future__ import annotations

import contextvars
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import current_app

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_PAGES = 30


def missing(paths: Iterable[str]) -> frozenset[str]:
    """Which of these paths, of which the first thirty are asked, are no public page of ours. Without network."""
    stranger = current_app.test_client(use_cookies=False)

    def lacks(path: str) -> bool:
        # Quoted and with one slash: what stands behind two is read as a host, and not every text is one.
        with stranger.get(quote(f"/{path.lstrip('/')}")) as answer:
            return answer.status_code >= 400 or answer.headers.get("Location", "").startswith("/sign-in")

    # In a context of its own: Flask would lend this request's to the one within, and with it who is signed in.
    return frozenset(path for path in list(paths)[:MOST_PAGES] if contextvars.Context().run(lacks, path))
