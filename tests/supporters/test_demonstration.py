"""A supporter's own pages say that they belong to a demonstration, and only where nothing else asked this person."""

from __future__ import annotations

from flask.testing import FlaskClient

from app.coalitions.models import Organization
from app.core import db
from app.core.clock import utc_now
from app.supporters import commands, rules
from tests import builders
from tests.builders import NOW

BANNER = "This is a demonstration. The organizations named here take no part in it."


def _pages(*, asked: list[Organization]) -> list[str]:
    """Where a supporter who answered these organizations has pages; the last is the way out of the first one's."""
    with db.transaction() as session:
        supporter = commands.remember(session, commands.Details(email="ewa@people.example", given_name="Ewa"), now=NOW)
        for group in asked:
            commands.record_consent(session, supporter, group, yes=True, words="Yes", source="petition", now=NOW)
        own = rules.preferences_path(supporter.id, utc_now())
        return [own, f"{own}/erase", rules.unsubscribe_path(supporter.id, asked[0].id if asked else 1, utc_now())]


def _coalition(*, demo: bool) -> Organization:
    with db.transaction() as session:
        made = builders.coalition(session, name="Demonstration" if demo else "Real")
        made.is_demo = demo
        return builders.organization(session, name=f"Group of the {made.name}", within=made)


def test_pages_of_a_demonstration_s_supporter_say_so(client: FlaskClient) -> None:
    played = _coalition(demo=True)
    _coalition(demo=False)

    for path in _pages(asked=[played]):
        assert BANNER in client.get(path).text, path


def test_whoever_a_real_organization_asked_is_not_told_that_it_is_a_demonstration(client: FlaskClient) -> None:
    played, real = _coalition(demo=True), _coalition(demo=False)

    own, erase, _ = _pages(asked=[real, played])

    assert BANNER not in client.get(own).text
    assert BANNER not in client.get(erase).text


def test_whoever_answered_nobody_is_of_a_demonstration_only_where_there_is_nothing_else(client: FlaskClient) -> None:
    _coalition(demo=True)
    own, *_ = _pages(asked=[])
    assert BANNER in client.get(own).text

    _coalition(demo=False)

    assert BANNER not in client.get(own).text
