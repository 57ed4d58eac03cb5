"""Who may be a member of whom, and how a letter names those it is written to."""

from __future__ import annotations

from collections.abc import Iterable

from app.targets.models import Target, TargetKind

BODIES = frozenset({TargetKind.LEGISLATIVE_BODY, TargetKind.AGENCY})
KINDS = [(kind.value, kind.value.capitalize()) for kind in TargetKind]


def why_not_parent(parent: Target, *, kind: TargetKind) -> str:
    """Why ``parent`` cannot have such a member, in a sentence; "" if it can."""
    if kind is TargetKind.COMPANY:
        return "A company is no member of a body. Leave the body empty."
    if parent.kind not in BODIES:
        return f"{parent.name} is a {parent.kind.value}; only a legislative body or an agency has members."
    return ""


def with_article(name: str) -> str:
    """A body's name inside a sentence: ``the King County Council``."""
    return f"the {name[4:]}" if name[:4].casefold() == "the " else f"the {name}"


def addressees(targets: Iterable[Target]) -> list[str]:
    """Whom a letter names in its first line, each once: ``Amazon.com``, ``the members of the King County Council``.

    A member is not named again beside its body.
    """
    names: list[str] = []
    for target in heads(targets):
        if target.kind in BODIES and target.members:
            names.append(f"the members of {with_article(target.name)}")
        elif target.kind in BODIES:
            names.append(with_article(target.name))
        else:
            names.append(target.addressed_as)
    return list(dict.fromkeys(names))


def heads(targets: Iterable[Target]) -> list[Target]:
    """The targets without members whose body is among them."""
    chosen = list(targets)
    bodies = {target.id for target in chosen if target.kind in BODIES}
    return [target for target in chosen if target.parent_id not in bodies]


def spoken(targets: Iterable[Target]) -> str:
    """Whom a demand is made of, in one phrase."""
    return named_together(addressees(targets))


def named_together(names: list[str]) -> str:
    """Names as a sentence lists them: ``Amazon.com, IBM and the members of the King County Council``."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
