"""Addresses of things that are called alike."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.coalitions.models import Coalition, Organization
from app.core.db import add_with_slug
from tests.builders import NOW


def _coalition(session: Session, wished: str) -> str:
    return add_with_slug(session, Coalition(name="A", zone="UTC", created_at=NOW), wished).slug


def test_things_called_alike_get_numbers(session: Session) -> None:
    assert [_coalition(session, "open") for _ in range(3)] == ["open", "open-2", "open-3"]


def test_a_slug_that_pages_use_is_not_given(session: Session) -> None:
    assert _coalition(session, "new") == "new-2"


def test_another_broken_constraint_is_not_hidden(session: Session) -> None:
    add_with_slug(session, Organization(name="A", name_normal="a", created_at=NOW), "a")
    with pytest.raises(IntegrityError):
        add_with_slug(session, Organization(name="A", name_normal="a", created_at=NOW), "a")
