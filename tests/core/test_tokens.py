"""Tokens: what they prove, for how long, and that those signed by the thousand are the same."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core import tokens
from tests.builders import NOW


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens._Key, "secret", "a secret of this test")


def test_a_token_signed_among_many_is_what_signing_it_alone_gives() -> None:
    day = timedelta(days=1)
    for also in ({}, {"from": 7, "of": 0}, {"name": 'with "quotes" and ü'}):
        sign = tokens.signing("unsubscribe", also, lasts=day, now=NOW)
        for number in (0, 1, 2**40, *range(300, 330)):
            token = sign(number)
            assert token == tokens.sign("unsubscribe", {"id": number, **also}, lasts=day, now=NOW)
            assert tokens.read("unsubscribe", token, now=NOW) == {"id": number, **also}
        with pytest.raises(tokens.StaleLink):
            tokens.read("preferences", sign(1), now=NOW)
        with pytest.raises(tokens.StaleLink):
            tokens.read("unsubscribe", sign(1), now=NOW + timedelta(days=2))
        with pytest.raises(tokens.StaleLink):
            tokens.read("unsubscribe", sign(1)[:-2], now=NOW)
