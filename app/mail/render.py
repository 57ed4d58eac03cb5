"""Letters as words: templates without Flask, because the worker has no request and a letter no page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class House:
    """What every letter of this installation says of where it comes from."""

    base_url: str
    mail_from: str
    postal_address: str


class _Bound:
    house: House | None = None


def bind(*, base_url: str, mail_from: str, postal_address: str) -> None:
    """Say once, at the start, where links in letters lead and who writes them."""
    _Bound.house = House(base_url=base_url.rstrip("/"), mail_from=mail_from, postal_address=postal_address)


def house() -> House:
    """What was bound."""
    if _Bound.house is None:
        message = "No sender is bound: call app.mail.render.bind(…) first."
        raise RuntimeError(message)
    return _Bound.house
