"""The household rule, names as they are compared, and goals, without a database."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.core.text import canonical_email
from app.petitions import rules
from app.petitions.models import Signature, SignatureState
from tests.builders import NOW

CODES = st.sampled_from(["98003", "98 003", "98101", "K1A 0B1", "k1a-0b1"])
STATES = st.sampled_from(list(SignatureState))
LOCAL = st.from_regex(r"[a-z][a-z0-9]{0,12}", fullmatch=True)


def known(name: str, code: str, state: SignatureState, age: int) -> Signature:
    return Signature(name_key=name, postal_code=code, state=state, created_at=NOW - timedelta(hours=age))


SIGNATURES = st.lists(
    st.builds(known, LOCAL, CODES, STATES, st.integers(0, 72)), max_size=4, unique_by=lambda s: s.name_key
)


@given(SIGNATURES, LOCAL, CODES)
def test_a_mailbox_never_carries_more_than_one_household(before: list[Signature], name: str, code: str) -> None:
    outcome, about = rules.judge(before, name, code, now=NOW)
    standing = [one for one in before if rules.stands(one, NOW)]

    if outcome is rules.Outcome.NEW:
        assert about is None
        assert len(standing) < rules.HOUSEHOLD
        assert {rules.place_key(one.postal_code) for one in standing} <= {rules.place_key(code)}
    else:
        assert about in before
    if any(one.name_key == name for one in before):
        assert outcome is rules.Outcome.AGAIN


@given(LOCAL, LOCAL, st.sampled_from(["gmail.com", "GoogleMail.com", "people.example"]))
def test_tags_capitals_and_spaces_around_do_not_make_a_second_mailbox(name: str, tag: str, domain: str) -> None:
    plain = canonical_email(f"{name}@{domain}")

    assert canonical_email(f" {name.upper()}+{tag}@{domain.upper()} ") == plain
    assert canonical_email(plain) == plain


@given(LOCAL)
def test_dots_of_a_gmail_address_do_not_make_a_second_mailbox(name: str) -> None:
    assert canonical_email(f"{'.'.join(name)}@gmail.com") == canonical_email(f"{name}@googlemail.com")


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_name_is_the_same_in_any_case(given_name: str, family_name: str) -> None:
    key = rules.name_key(given_name, family_name)

    assert rules.name_key(given_name.casefold(), family_name.casefold()) == key
    assert len(key) <= 250


def test_accents_and_hyphens_do_not_make_a_second_person_but_short_family_names_do() -> None:
    assert rules.name_key("José", "Ñúñez-Lee") == rules.name_key("jose", "Nunez Lee")
    assert rules.name_key("Minh", "Ngo") != rules.name_key("Minh", "Co")
    assert rules.name_key("慧玲", "陳") != rules.name_key("美玲", "陳")


@given(st.integers(0, 5_000_000), st.integers(10, 1_000_000))
def test_there_is_always_a_next_goal(count: int, goal: int) -> None:
    assert rules.next_goal(count, goal) > count
