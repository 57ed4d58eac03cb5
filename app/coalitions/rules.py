"""The audit trail in words: each act as a sentence."""

from __future__ import annotations

from collections.abc import Mapping

# Braces name parts of the entry's detail; {actor} is who did it.
ACTS: dict[str, str] = {
    "coalition.created": "{actor} formed the coalition {name}.",
    "organization.added": "{actor} listed {name} as {role}.",
    "organization.edited": "{actor} changed what is said of {name}: {changed}.",
    "organization.joined": "{actor} brought in {name}.",
    "invitation.sent": "{actor} invited {invited} for {name}.",
    "invitation.resent": "{actor} sent {invited}’s invitation for {name} again.",
    "invitation.revoked": "{actor} took back {invited}’s invitation for {name}.",
    "member.joined": "{actor} joined {name} as {role}.",
    "member.role_changed": "{actor} made {person} of {name} {after} instead of {before}.",
    "member.removed": "{actor} ended {person}’s membership in {name}.",
    "account.created": "{actor} made an account for {name}.",
    "account.renamed": "{before} is called {after} now.",
}


class _Parts(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "something"


def act_name(act: str) -> str:
    """An act for a list to choose from: ``statement.frozen`` is “Statement frozen”."""
    return act.replace(".", " ").replace("_", " ").capitalize()


def sentence(act: str, actor: str, detail: Mapping[str, object]) -> str:
    """What happened, in words. An act the table does not know is told by its name and whatever it concerns."""
    known = ACTS.get(act)
    if known is not None:
        return known.format_map(_Parts({**detail, "actor": actor}))
    about = "; ".join(f"{key.replace('_', ' ')}: {value}" for key, value in detail.items() if value not in {None, ""})
    return f"{actor}: {act_name(act).lower()}{f' ({about})' if about else ''}."
