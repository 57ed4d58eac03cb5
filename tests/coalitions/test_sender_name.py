"""The name that an organization's updates come from."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from app.coalitions import commands
from app.coalitions.commands import OrganizationFacts
from app.core.errors import Invalid
from tests import builders
from tests.builders import NOW


def test_updates_come_from_the_chosen_name_and_from_the_full_one_without(session: Session) -> None:
    group = builders.organization(session, name="Fight for the Future")
    admin = builders.actor(builders.member(session, group))
    assert group.writes_as == "Fight for the Future"

    facts = OrganizationFacts(name=group.name, sender_name="  Fight for the Future\r\n Action ")
    commands.edit_organization(session, group, facts, by=admin, now=NOW)

    assert group.writes_as == "Fight for the Future Action"
    commands.edit_organization(session, group, OrganizationFacts(name=group.name), by=admin, now=NOW)
    assert group.writes_as == "Fight for the Future"


@pytest.mark.parametrize(
    "name",
    [
        "press@fftf.example",
        "FFTF <press>",
        'Fight "for" it',
        "https://fftf.example",
        "See www.fftf.example",
        "=cmd",
        "x" * 101,
    ],
)
def test_a_name_that_could_be_taken_for_an_address_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        OrganizationFacts.of({"name": "Fight for the Future", "sender_name": name})

    assert set(refused.value.problems) == {"sender_name"}


@pytest.mark.parametrize("name", ["Smith, Jones & Sons", "L'Association", "Amazon.com Workers", "Ação Local"])
def test_ordinary_names_are_taken(name: str) -> None:
    assert OrganizationFacts.of({"name": "X", "sender_name": name}).sender_name == name
