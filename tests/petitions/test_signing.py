"""Signing and confirming: silent about who signed, one name a person, two names a household."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import limits
from app.core.actor import by_link
from app.core.errors import Conflict, Invalid
from app.core.tokens import StaleLink
from app.mail.models import Email
from app.petitions import commands, queries, rules
from app.petitions.models import SignatureState
from app.supporters import commands as supporters
from app.supporters.models import Consent, Standing, Supporter
from tests.builders import NOW
from tests.petitions.builders import confirm, entry, letters, scene, sign, signatures, token_of

LATER = NOW + timedelta(days=2)


def states(session: Session) -> list[str]:
    return [one.state.value for one in signatures(session)]


def test_a_new_name_waits_for_its_mailbox_and_gets_one_letter(session: Session) -> None:
    here = scene(session)

    sign(session, here.petition)

    assert states(session) == ["pending"]
    assert letters(session) == ["confirm ewa@people.example"]
    assert not session.scalars(sa.select(Supporter)).all()
    # It is not sent on the last day of its link: that would only make its reader sign once more.
    assert session.scalar(sa.select(Email.useless_after)) == NOW + rules.CONFIRM_WITHIN - timedelta(days=1)


def test_confirming_remembers_the_supporter_and_the_exact_words_of_each_answer(session: Session) -> None:
    here = scene(session)
    sign(session, here.petition, answers={here.lead.id: True, here.partner.id: False})

    confirm(session, signatures(session)[0])

    lines = session.scalars(sa.select(Consent).order_by(Consent.id)).all()
    assert [(one.organization_id, one.yes, one.words) for one in lines] == [
        (here.lead.id, True, "May Fight for the Commons write to you with news of this campaign?"),
        (here.partner.id, False, "May Northwest Privacy Alliance write to you with news of this campaign?"),
    ]
    assert all("ban-police-face-recognition" in one.source for one in lines)


def test_not_answered_is_neither_yes_nor_no(session: Session) -> None:
    here = scene(session)
    sign(session, here.petition, answers={here.lead.id: True})

    confirm(session, signatures(session)[0])

    asked = session.scalars(sa.select(Standing.organization_id)).all()
    assert asked == [here.lead.id]


def test_an_answer_to_an_organization_that_did_not_ask_is_not_taken(session: Session) -> None:
    here = scene(session)
    sign(session, here.petition, answers={here.outsider.id: True})

    confirm(session, signatures(session)[0])

    assert not session.scalars(sa.select(Consent)).all()


def test_nothing_is_consented_before_the_mailbox_confirms(session: Session) -> None:
    here = scene(session)

    sign(session, here.petition, answers={here.lead.id: True})

    assert not session.scalars(sa.select(Consent)).all()


def test_confirming_twice_confirms_once(session: Session) -> None:
    here = scene(session)
    sign(session, here.petition, answers={here.lead.id: True})
    signature = signatures(session)[0]

    confirm(session, signature)
    again = confirm(session, signature, now=NOW + timedelta(hours=1))

    assert again.validated_at == NOW
    assert len(session.scalars(sa.select(Consent)).all()) == 1


@pytest.mark.parametrize("address", ["EWA@PEOPLE.EXAMPLE", "ewa+petition@people.example", " ewa@people.example "])
def test_the_same_person_again_is_told_by_mail_only(session: Session, address: str) -> None:
    here = scene(session)
    sign(session, here.petition)
    confirm(session, signatures(session)[0])

    sign(session, here.petition, email=address, given_name="EWA")

    assert states(session) == ["validated"]
    assert letters(session) == ["confirm ewa@people.example", "already_signed ewa@people.example"]
    assert queries.duplicates(session, here.petition.id) == 1


def test_two_people_of_one_household_may_share_a_mailbox_and_a_third_may_not(session: Session) -> None:
    here = scene(session)
    sign(session, here.petition)
    sign(session, here.petition, given_name="Ivan", postal_code="98 003")
    sign(session, here.petition, given_name="Olu")

    for signature in signatures(session):
        confirm(session, signature)

    assert states(session) == ["validated", "validated"]
    assert queries.duplicates(session, here.petition.id) == 1


def test_one_mailbox_does_not_sign_from_two_postal_codes(session: Session) -> None:
    here = scene(session)
    sign(session, here.petition)
    confirm(session, signatures(session)[0])

    sign(session, here.petition, given_name="Ivan", postal_code="98101")

    assert states(session) == ["validated"]
    assert letters(session)[-1] == "already_signed ewa@people.example"


def test_a_name_that_nobody_confirmed_keeps_the_mailbox_s_owner_out_for_a_day_only(session: Session) -> None:
    here = scene(session)
    sign(session, here.petition, given_name="Mal", family_name="Lory", postal_code="10001")

    sign(session, here.petition, now=LATER)

    assert [one.given_name for one in signatures(session)] == ["Mal", "Ewa"]
    assert letters(session) == ["confirm ewa@people.example"] * 2


def test_the_household_rule_is_asked_again_at_the_confirmation(session: Session) -> None:
    here = scene(session)
    sign(session, here.petition, given_name="Mal", postal_code="10001")
    sign(session, here.petition, now=LATER)
    first, second = signatures(session)

    confirm(session, second, now=LATER)
    refused = confirm(session, first, now=LATER)

    assert refused.state is SignatureState.INVALIDATED
    assert refused.reason == rules.MAILBOX_FULL
    assert queries.duplicates(session, here.petition.id) == 1
    assert confirm(session, first, now=LATER) is refused


def test_one_mailbox_gets_five_letters_about_a_petition_at_most(session: Session) -> None:
    here = scene(session)

    for _ in range(9):
        sign(session, here.petition)

    assert len(letters(session)) == rules.MOST_MAILS == 5


def test_new_names_do_not_get_a_mailbox_more_letters(session: Session) -> None:
    here = scene(session)

    for number in range(9):
        sign(session, here.petition, given_name=f"Name {number}", now=NOW + number * timedelta(days=2))

    assert len(letters(session)) == rules.MOST_MAILS


def test_a_mended_form_is_what_gets_confirmed(session: Session) -> None:
    here = scene(session)
    sign(session, here.petition, postal_code="99999", answers={here.lead.id: True})

    sign(session, here.petition, answers={here.lead.id: False})

    confirm(session, signatures(session)[0])
    signature = signatures(session)[0]
    assert (signature.postal_code, [one.yes for one in signature.answers]) == ("98003", [False])


def test_answers_changed_after_the_page_was_shown_are_not_confirmed_unseen(session: Session) -> None:
    here = scene(session)
    sign(session, here.petition)
    signature = signatures(session)[0]
    shown = rules.fingerprint(signature)

    sign(session, here.petition, answers={here.lead.id: True})

    with pytest.raises(Conflict, match="other answers"):
        commands.confirm(session, token_of(signature), shown=shown, by=by_link("A visitor"), now=NOW)


def test_words_changed_after_the_page_was_shown_are_not_confirmed_unseen(session: Session) -> None:
    here = scene(session)
    sign(session, here.petition, comments="My street")
    signature = signatures(session)[0]
    shown = rules.fingerprint(signature)

    sign(session, here.petition, comments="Words that Ewa never wrote")

    with pytest.raises(Conflict, match="Read what stands here now"):
        commands.confirm(session, token_of(signature), shown=shown, by=by_link("A visitor"), now=NOW)


def test_a_housemate_s_yes_shows_an_organization_nobody_else_of_the_mailbox(session: Session) -> None:
    here = scene(session)
    sign(session, here.petition, answers={here.lead.id: True})
    sign(session, here.petition, given_name="Ivan", answers={here.partner.id: True})
    for signature in signatures(session):
        confirm(session, signature)

    asked = {group.id: queries.consenting(session, here.petition.id, group.id) for group in (here.lead, here.partner)}

    assert {ident: [one.given_name for one in people] for ident, people in asked.items()} == {
        here.lead.id: ["Ewa"],
        here.partner.id: ["Ivan"],
    }


def test_whoever_left_an_organization_is_not_among_its_signers_any_more(session: Session) -> None:
    here = scene(session)
    sign(session, here.petition, answers={here.lead.id: True})
    confirm(session, signatures(session)[0])
    assert len(queries.consenting(session, here.petition.id, here.lead.id)) == 1

    supporter = session.scalars(sa.select(Supporter)).one()
    supporters.leave(session, supporter, here.lead, source="unsubscribe page", now=NOW)

    assert not queries.consenting(session, here.petition.id, here.lead.id)


def test_too_many_from_one_network_address_are_held_without_a_letter(session: Session) -> None:
    here = scene(session)
    by = by_link("A visitor", address="2001:db8:1:2::7")

    for number in range(rules.BURST + 2):
        sign(session, here.petition, email=f"bot{number}@people.example", by=by)

    assert states(session).count("fraudulent") == 2
    assert len(letters(session)) == rules.BURST


def test_the_neighbors_in_one_network_share_its_limit(session: Session) -> None:
    assert limits.network("2001:db8:1:2::7") == limits.network("2001:db8:1:2:ffff::1")
    assert limits.network("192.0.2.7") != limits.network("192.0.2.8")


def test_somebody_who_was_held_may_try_again_later(session: Session) -> None:
    here = scene(session)
    by = by_link("A visitor", address="192.0.2.7")
    for number in range(rules.BURST):
        sign(session, here.petition, email=f"crowd{number}@people.example", by=by)
    sign(session, here.petition, by=by)
    assert signatures(session)[-1].state is SignatureState.FRAUDULENT

    sign(session, here.petition, by=by, now=LATER)

    assert signatures(session)[-1].state is SignatureState.PENDING
    assert letters(session)[-1] == "confirm ewa@people.example"


def test_a_program_that_fills_the_trap_leaves_no_trace(session: Session) -> None:
    here = scene(session)

    sign(session, here.petition, website="https://spam.example")

    assert not signatures(session)
    assert not letters(session)


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"given_name": "=cmd|' /C calc'!A0"}, "given_name", "Start with a letter"),
        ({"family_name": "@sum"}, "family_name", "Start with a letter"),
        ({"given_name": "visit https://spam.example"}, "given_name", "without a web address"),
        ({"given_name": "x" * 10_000}, "given_name", "at most 100 characters; this is 10,000"),
        ({"given_name": " \u202e\u200b "}, "given_name", "Fill this in"),
        ({"email": "not-an-address"}, "email", "like name@example.org"),
        ({"postal_code": ""}, "postal_code", "Fill this in"),
        ({"postal_code": "9"}, "postal_code", "at least 2 characters"),
        ({"country": "Atlantis"}, "country", "two letters, like US"),
        ({"comments": "x" * 2_001}, "comments", "at most 2,000 characters; this is 2,001"),
    ],
)
def test_bad_input_gets_a_sentence_at_its_field(changes: dict[str, str], field: str, sentence: str) -> None:
    with pytest.raises(Invalid) as refused:
        entry(**changes)
    assert sentence in refused.value.problems[field]


def test_names_of_the_world_are_taken_as_they_are() -> None:
    typed = entry(
        given_name="  慧玲 ", family_name="O’Brien-Ñúñez  van der  Berg", country=" us ", comments="a\x00\u202eb\r\n"
    )

    assert (typed.given_name, typed.family_name) == ("慧玲", "O’Brien-Ñúñez van der Berg")
    assert (typed.country, typed.comments) == ("US", "ab")


def test_a_closed_petition_takes_no_name(session: Session) -> None:
    here = scene(session)
    commands.close_petition(session, here.petition, by=here.by, now=NOW)

    with pytest.raises(Conflict, match=r"closed on May 20, 2021, 10:00 AM PDT.*not added"):
        sign(session, here.petition)


def test_a_name_taken_back_stops_counting_and_may_return(session: Session) -> None:
    here = scene(session)
    sign(session, here.petition)
    signature = confirm(session, signatures(session)[0])
    commands.count_new(session, here.petition.id, now=NOW)
    assert here.petition.counted == 1

    commands.withdraw_signature(session, token_of(signature), by=by_link("A visitor"), now=NOW)
    session.refresh(here.petition)
    assert (signature.state, here.petition.counted) == (SignatureState.WITHDRAWN, 0)

    sign(session, here.petition)
    confirm(session, signature)
    commands.count_new(session, here.petition.id, now=NOW)
    assert (signature.state, here.petition.counted) == (SignatureState.VALIDATED, 1)


def test_erasing_a_person_keeps_the_count_and_nothing_else(session: Session) -> None:
    here = scene(session)
    sign(session, here.petition, answers={here.lead.id: True}, comments="My street")
    signature = confirm(session, signatures(session)[0])
    commands.count_new(session, here.petition.id, now=NOW)
    token = token_of(signature)

    commands.forget_signer(session, session.scalars(sa.select(Supporter)).one(), now=NOW)
    session.expire_all()

    gone = signatures(session)[0]
    assert (gone.state, gone.ordinal, here.petition.counted) == (SignatureState.VALIDATED, 1, 1)
    assert not any((gone.given_name, gone.family_name, gone.email, gone.comments, gone.answers))
    assert not session.scalars(sa.select(Supporter)).all()
    assert not [one for one in letters(session) if "ewa" in one]
    with pytest.raises(StaleLink):
        commands.confirm(session, token, by=by_link("A visitor"), now=NOW)
