"""Whom an update is for among those who said yes to its sender: one typed definition, kept as JSON with the update."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from app.core.inputs import Input
from app.targets.rules import postal_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.broadcasts.models import Broadcast

# Whoever has an address here says nothing about an organization by it.
FREE_MAIL = (
    *("aol.com", "comcast.net", "fastmail.com", "gmail.com", "gmx.com", "gmx.de", "gmx.net", "googlemail.com"),
    *("hey.com", "hotmail.com", "icloud.com", "live.com", "mac.com", "mail.com", "me.com", "msn.com", "outlook.com"),
    *("pm.me", "proton.me", "protonmail.com", "tutanota.com", "web.de", "yahoo.com", "yandex.com", "yandex.ru"),
)


def _separate(value: object) -> object:
    """What was typed with commas, semicolons or on lines of its own, as a list without doubles."""
    parts = value if isinstance(value, list) else [value]
    words = [word.strip() for part in parts for word in re.split(r"[,;\r\n]+", str(part)) if word.strip()]
    return list(dict.fromkeys(words))


def _prefix(value: str) -> str:
    key = postal_key(value)
    if not re.fullmatch(r"[A-Z0-9]{1,10}", key):
        raise ValueError(f"“{value}” is not the beginning of a postal code. Write it like 981 or SW1A.")
    return key


def _country(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2}", value):
        raise ValueError(f"“{value}” is not a country in two letters. Write it like US, CA.")
    return value.upper()


def _language(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", value):
        raise ValueError(f"“{value}” is not a language code. Write it like en, es or pt-BR.")
    return value.lower()


def _district(value: str) -> str:
    body, _, name = value.partition(":")
    if not body.isdecimal() or not name:
        raise ValueError("Choose districts from the list.")
    return value


Prefixes = Annotated[list[Annotated[str, AfterValidator(_prefix)]], BeforeValidator(_separate), Field(max_length=200)]
Countries = Annotated[list[Annotated[str, AfterValidator(_country)]], BeforeValidator(_separate), Field(max_length=100)]
Languages = Annotated[list[Annotated[str, AfterValidator(_language)]], BeforeValidator(_separate), Field(max_length=50)]
Chosen = Annotated[int, Field(ge=1, le=2**63 - 1)]


class Audience(Input):
    """Whom an update is for. Every part narrows; an empty one lets everybody through.

    ``signed`` are petitions, any of which is enough. ``districts`` are written ``7:Council District 4``: the body's id
    and the district as its table of postal codes names it. ``on_behalf``: the address is the public one, or of the
    domain of the public address or the site, of an organization whose name stands under a letter of the coalition.
    ``unwritten``: no other update of the sender on the campaign went to them.
    """

    signed: list[Chosen] = Field(default_factory=list, max_length=100)
    districts: list[Annotated[str, AfterValidator(_district)]] = Field(default_factory=list, max_length=500)
    postal_prefixes: Prefixes = Field(default_factory=list)
    countries: Countries = Field(default_factory=list)
    languages: Languages = Field(default_factory=list)
    quiet_days: Annotated[int | None, Field(ge=1, le=365)] = None
    on_behalf: bool = False
    unwritten: bool = False

    def kept(self) -> dict[str, object]:
        """What is stored: only what narrows."""
        return self.model_dump(include=set(Audience.model_fields), exclude_defaults=True)

    def by_body(self) -> dict[int, list[str]]:
        """The chosen districts of each body."""
        found: dict[int, list[str]] = {}
        for value in self.districts:
            body, _, name = value.partition(":")
            found.setdefault(int(body), []).append(name)
        return found


def audience_of(broadcast: Broadcast) -> Audience:
    """Whom this update is for."""
    return Audience.model_validate(broadcast.audience or {})


# What is said of those whom a part of the audience leaves out, after "312 people" and after "One person".
LEFT_OUT = {
    "signed": ("did not sign any of the chosen petitions", ""),
    "districts": ("live outside the chosen districts, or no table knows their postal code", "lives"),
    "postal_prefixes": ("have another postal code", "has"),
    "countries": ("live in another country, or did not say where", "lives"),
    "languages": ("read another language", "reads"),
    "on_behalf": ("do not write from an organization that signed a letter of this coalition", "does"),
    "quiet_days": ("got another update of this sender in the last {days}", ""),
    "unwritten": ("got another update of this sender on this campaign", ""),
    "bounced": ("cannot be reached: letters to their address came back", "cannot"),
    "complained": ("called an earlier letter spam", ""),
    "stopped": ("left through their mail program, or get no mail by decision of this site's operator", ""),
}


def reasons(wish: Audience, left_out: Mapping[str, int]) -> list[str]:
    """Why people with a yes to the sender are left out, a sentence for each part that leaves out somebody."""
    said = []
    for part, number in left_out.items():
        many, verb = LEFT_OUT[part]
        words = many.format(days="day" if wish.quiet_days == 1 else f"{wish.quiet_days} days")
        if number == 1 and verb:
            words = f"{verb} {words.partition(' ')[2]}"
        if number:
            said.append(f"{'One person' if number == 1 else f'{number:,} people'} {words}.")
    return said
