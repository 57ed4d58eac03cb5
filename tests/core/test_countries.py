from __future__ import annotations

from app.core.countries import COUNTRIES, country, country_choices
from app.core.text import sort_key


def test_every_country_of_the_standard_is_there_once() -> None:
    assert len(COUNTRIES) == 249
    assert len(set(COUNTRIES.values())) == 249
    assert all(len(code) == 2 and code.isascii() and code.isupper() for code in COUNTRIES)
    assert all(name == name.strip() and len(name) >= 4 for name in COUNTRIES.values())


def test_countries_are_listed_by_name_as_a_reader_sorts_them() -> None:
    chosen, choices = country_choices(" ax ")
    names = [name for _, name in choices]
    assert chosen == "AX"
    assert names == sorted(names, key=sort_key)
    assert names.index("Åland Islands") < names.index("Albania") < names.index("Côte d’Ivoire") < names.index("Croatia")


def test_two_letters_get_their_name_and_anything_else_stays() -> None:
    assert (country("us"), country("XK"), country("")) == ("United States", "XK", "")
