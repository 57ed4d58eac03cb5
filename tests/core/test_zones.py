"""Which zone a place lies in, without a database."""

from __future__ import annotations

import itertools
from zoneinfo import ZoneInfo

import pytest

from app.core import zones


@pytest.mark.parametrize(
    ("country", "postal_code", "zone"),
    [
        ("US", "98003", "America/Los_Angeles"),
        ("US", "10001-1234", "America/New_York"),
        ("US", "60601", "America/Chicago"),
        ("US", "80202", "America/Denver"),
        ("US", "85001", "America/Phoenix"),
        ("US", "99501", "America/Anchorage"),
        ("US", "96801", "Pacific/Honolulu"),
        ("US", "79901", "America/Denver"),
        ("CA", "m5v 2t6", "America/Toronto"),
        ("CA", "V6B 1A1", "America/Vancouver"),
        ("CA", "A1A 1A1", "America/St_Johns"),
        ("AU", "6000", "Australia/Perth"),
        ("AU", "2000", "Australia/Sydney"),
        ("BR", "69005-010", "America/Manaus"),
        ("BR", "01310-100", "America/Sao_Paulo"),
        ("RU", "690001", "Asia/Vladivostok"),
        ("RU", "101000", "Europe/Moscow"),
        ("MX", "22000", "America/Tijuana"),
        ("MX", "06000", "America/Mexico_City"),
        ("ES", "35001", "Atlantic/Canary"),
        ("DE", "", "Europe/Berlin"),
        ("GB", "SW1A 1AA", "Europe/London"),
    ],
)
def test_a_place_has_the_zone_of_its_clocks(country: str, postal_code: str, zone: str) -> None:
    assert zones.zone_of(country, postal_code) == zone


@pytest.mark.parametrize(
    ("country", "postal_code"), [("US", ""), ("US", "9"), ("US", "ABC"), ("US", "96200"), ("CA", "123"), ("", "98003")]
)
def test_what_the_table_cannot_say_it_does_not_say(country: str, postal_code: str) -> None:
    assert zones.zone_of(country, postal_code) is None


def test_every_zone_of_the_table_exists_and_no_place_is_in_two() -> None:
    assert all(ZoneInfo(name) for name in zones.ALL)
    assert not set(zones.SEVERAL) & set(zones.ONE)
    for country in zones.SEVERAL.values():
        ranges = sorted(country.ranges)
        assert all(len(first) == len(last) == country.length and first <= last for first, last, _ in ranges)
        assert all(before[1] < after[0] for before, after in itertools.pairwise(ranges))
