"""A browser of an operator, for every page of the post office."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.core.db import transaction
from tests.builders import account


@pytest.fixture
def operator(database: Flask, signed_in: Callable[[Account], FlaskClient]) -> FlaskClient:
    """A browser of an operator."""
    with transaction() as session:
        person = account(session)
        person.is_operator = True
    return signed_in(person)
