"""Who may be a member of whom, and how a letter names those it is written to."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.targets.models import Target, TargetKind

BODIES = frozenset({TargetKind.LEGISLATIVE_BODY, TargetKind.AGENCY})
LONGEST_PREFIX = 10
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


def postal_key(code: str) -> str:
    """A postal code, or the beginning of one, as codes are compared: ``SW1A 1AA`` is ``SW1A1AA``."""
    return re.sub(r"[\s-]+", "", code).upper()


def district_key(name: str) -> str:
    """A district's name as it is compared; of an Open Civic Data division the last part counts."""
    last = name.casefold().rpartition("/")[2] if name.casefold().startswith("ocd-division/") else name.casefold()
    return " ".join(re.sub(r"[:_\-\s]+", " ", last).split())


def in_counting_order(name: str) -> list[tuple[int, str]]:
    """A key that sorts ``District 2`` before ``District 10``."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.findall(r"\d+|\D+", name.casefold())]


def member_for(members: Iterable[Target], district: str) -> Target | None:
    """The one member of a body that stands for a district: by its name or division, or the only one ending so.

    ``4`` and ``District 4`` find ``Council District 4`` as long as no other member's name ends that way.
    """
    wanted = district_key(district)
    known = [(member, {district_key(member.name), district_key(member.ocd_division)} - {""}) for member in members]
    exact = [member for member, names in known if wanted in names]
    ending = [member for member, names in known if any(name.endswith(f" {wanted}") for name in names)]
    found = exact or ending
    return found[0] if wanted and len(found) == 1 else None
