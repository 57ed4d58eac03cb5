"""Who acts: handed to every command as ``by`` and written into the audit trail."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, a link that was mailed to somebody, or the system itself.

    ``account_id`` is set for people who signed in. ``label`` is how the audit trail names the actor; it holds no
    e-mail address of a supporter. ``address`` is the network address a rate limit counts, never stored.
    """

    label: str
    account_id: int | None = None
    operator: bool = False
    address: str = ""

    @property
    def signed_in(self) -> bool:
        """Whether this is a person with an account."""
        return self.account_id is not None


SYSTEM = Actor(label="Undersigned")


def by_link(label: str, address: str = "") -> Actor:
    """Somebody who holds a link that was mailed to them."""
    return Actor(label=label, address=address)
