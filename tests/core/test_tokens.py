"""Tokens: what they prove, for how long, and that those signed by the thousand are the same."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core import tokens
from tests.builders import NOW


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens._Key, "secret", "a secret of this test")


def test_a_token_signed_among_many_is_read_like_any_other() -> None:
    sign = tokens.signing("unsubscribe", lasts=timedelta(days=1), now=NOW)
    for claim in ({"id": 1}, {"id": 2**40, "from": 7, "of": 0}):
        assert tokens.read("unsubscribe", sign(claim), now=NOW) == claim
        with pytest.raises(tokens.StaleLink):
            tokens.read("preferences", sign(claim), now=NOW)
        with pytest.raises(tokens.StaleLink):
            tokens.read("unsubscribe", sign(claim), now=NOW + timedelta(days=2))
        with pytest.raises(tokens.StaleLink):
            tokens.read("unsubscribe", sign(claim)[:-2], now=NOW)
