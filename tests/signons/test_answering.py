from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session

from app.core import audit
from app.core.errors import Conflict, Invalid, NotAllowed, NotFound
from app.signons import commands, queries
from app.signons.commands import Correction, Decline, Dispute, Lifting, Withdrawal
from app.signons.models import SignOn, SignOnState
from app.signons.rules import TakenBack
from tests import builders
from tests.builders import NOW
from tests.signons.builders import LINK, ask, entry, letters, scene, signed


def acts(session: Session) -> list[str]:
    query = sa.select(audit.AuditEntry.act).where(audit.AuditEntry.act.like("sign_on.%")).order_by(audit.AuditEntry.id)
    return list(session.scalars(query))


def test_a_sign_on_is_bound_to_the_digest_and_keeps_the_words_that_were_confirmed(session: Session) -> None:
    given = scene(session)

    row = signed(session, given)

    assert row.digest == given.statement.digest
    assert row.revision_id == given.statement.frozen_revision_id
    assert row.attestation == "I am authorized to sign for Northwest Privacy Alliance."
    assert [name.listed_as for name in queries.roll(session, given.statement.id)] == [
        "Northwest Privacy Alliance (NWPA)"
    ]
    assert acts(session) == ["sign_on.asked", "sign_on.signed"]


def test_the_signatory_gets_a_receipt_and_the_organization_itself_is_told(session: Session) -> None:
    given = scene(session)

    signed(session, given)

    receipt = letters(session, "signons/mail/signed")[0]
    assert receipt.to_address == "ingrid@northwest.example"
    assert receipt.context["receipt_path"].startswith("/sign-on/manage/")
    notice = letters(session, "signons/mail/notice")[0]
    assert notice.to_address == "office@northwest-privacy-alliance.example"
    assert notice.context["dispute_path"].startswith("/sign-on/dispute/")


def test_signing_twice_with_the_same_words_is_signing_once(session: Session) -> None:
    given = scene(session)
    row = signed(session, given)

    again = commands.sign_on(session, given.statement, given.partner, entry(given), by=LINK, now=given.after)

    assert again.id == row.id
    assert row.version == 1
    assert len(letters(session, "signons/mail/signed")) == 1


def test_signing_again_with_other_words_is_refused_and_says_how_to_correct(session: Session) -> None:
    given = scene(session)
    signed(session, given)

    with pytest.raises(Conflict, match="has signed already, as “Northwest Privacy Alliance"):
        commands.sign_on(
            session, given.statement, given.partner, entry(given, listed_as="NW Privacy"), by=LINK, now=NOW
        )


def test_words_other_than_those_shown_are_not_signed(session: Session) -> None:
    given = scene(session)
    ask(session, given)

    for digest in ("", "0" * 64):
        with pytest.raises(Conflict, match="not the words you were shown"):
            commands.sign_on(session, given.statement, given.partner, entry(given, digest=digest), by=LINK, now=NOW)
    assert queries.count(session, given.statement.id) == 0


def test_nobody_signs_without_saying_that_they_may(session: Session) -> None:
    given = scene(session)

    for said in ("", "no", "on"):
        with pytest.raises(Invalid) as refused:
            entry(given, authorized=said)
        assert list(refused.value.problems) == ["authorized"]


def test_nobody_signs_after_the_deadline_even_before_the_worker_has_closed(session: Session) -> None:
    given = scene(session)
    ask(session, given)

    with pytest.raises(Conflict, match="closed on"):
        commands.sign_on(session, given.statement, given.partner, entry(given), by=LINK, now=given.after)


def test_a_link_signs_only_for_an_organization_that_was_asked_and_still_is(session: Session) -> None:
    given = scene(session)
    with pytest.raises(NotFound):
        commands.sign_on(session, given.statement, given.partner, entry(given), by=LINK, now=NOW)

    request = ask(session, given)
    commands.revoke_request(session, request, by=given.by, now=NOW)

    with pytest.raises(TakenBack):
        commands.sign_on(session, given.statement, given.partner, entry(given), by=LINK, now=NOW)


def test_from_inside_only_somebody_who_may_sign_for_this_very_organization_signs(session: Session) -> None:
    given = scene(session)
    with pytest.raises(NotAllowed):
        commands.sign_on(
            session, given.statement, given.partner, entry(given), by=builders.actor(given.viewer), now=NOW
        )
    with pytest.raises(NotAllowed):
        commands.sign_on(session, given.statement, given.partner, entry(given), by=given.by, now=NOW)

    row = commands.sign_on(
        session, given.statement, given.partner, entry(given), by=builders.actor(given.signatory), now=NOW
    )

    assert row.account_id == given.signatory.id


def test_the_name_of_another_organization_cannot_be_printed(session: Session) -> None:
    given = scene(session)
    other = builders.organization(session, name="The Civil Liberties Union, Inc.", within=given.coalition)
    other.short_name = "CLU"
    ask(session, given)

    for name in ("Civil Liberties Union", "C.L.U."):
        with pytest.raises(Invalid, match="another look"):
            commands.sign_on(session, given.statement, given.partner, entry(given, listed_as=name), by=LINK, now=NOW)


def test_names_are_cleaned_and_formulas_and_essays_are_refused(session: Session) -> None:
    given = scene(session)
    cleaned = entry(given, listed_as="  Northwest \u202ePrivacy\u200b\n Alliance ")
    assert cleaned.listed_as == "Northwest Privacy Alliance"

    for wrong in ("=cmd|' /C calc'!A0", "x" * 10_000, "", "\u202e\u200b"):
        with pytest.raises(Invalid) as refused:
            entry(given, listed_as=wrong)
        assert list(refused.value.problems) == ["listed_as"]


def test_a_correction_changes_the_roll_keeps_the_digest_and_tells_both(session: Session) -> None:
    given = scene(session)
    row = signed(session, given)
    correction = Correction(listed_as="NWPA", signatory_name="Ingrid Sørensen", signatory_title="Director")

    commands.correct(session, row, correction, by=LINK, now=NOW)
    commands.correct(session, row, correction, by=LINK, now=NOW)

    assert (row.listed_as, row.version, row.digest) == ("NWPA", 2, given.statement.digest)
    assert len(letters(session, "signons/mail/corrected")) == 1
    assert len(letters(session, "signons/mail/notice")) == 2
    with pytest.raises(Conflict):
        commands.correct(session, row, correction.model_copy(update={"listed_as": "Later"}), by=LINK, now=given.after)


def test_a_name_taken_back_leaves_the_roll_and_may_come_back_while_it_is_open(session: Session) -> None:
    given = scene(session)
    row = signed(session, given)

    commands.withdraw(session, row, Withdrawal(reason="The board said no."), by=LINK, now=NOW)
    commands.withdraw(session, row, Withdrawal(), by=LINK, now=NOW)
    assert queries.roll(session, given.statement.id) == []
    assert len(letters(session, "signons/mail/withdrawn")) == 1

    again = commands.sign_on(session, given.statement, given.partner, entry(given), by=LINK, now=NOW)
    assert again.id == row.id
    assert (again.state, again.reason) == (SignOnState.CONFIRMED, "")
    assert len(letters(session, "signons/mail/signed")) == 2


def test_nobody_withdraws_after_the_deadline(session: Session) -> None:
    given = scene(session)
    row = signed(session, given)

    with pytest.raises(Conflict, match="time to withdraw is over"):
        commands.withdraw(session, row, Withdrawal(), by=LINK, now=given.after)
    assert row.stands()


def test_an_organization_declines_with_a_reason_and_may_change_its_mind(session: Session) -> None:
    given = scene(session)
    ask(session, given)

    said = commands.decline(session, given.statement, given.partner, Decline(reason="Too long"), by=LINK, now=NOW)
    commands.decline(session, given.statement, given.partner, Decline(reason="Too long"), by=LINK, now=NOW)
    assert (said.state, said.reason) == (SignOnState.DECLINED, "Too long")
    assert acts(session).count("sign_on.declined") == 1

    row = commands.sign_on(session, given.statement, given.partner, entry(given), by=LINK, now=NOW)
    assert row.stands()
    with pytest.raises(Conflict, match="has signed"):
        commands.decline(session, given.statement, given.partner, Decline(), by=LINK, now=NOW)


def test_a_disputed_name_leaves_the_roll_and_the_organizers_are_told(session: Session) -> None:
    given = scene(session)
    row = signed(session, given)

    commands.dispute(session, row, Dispute(reason="Nobody here signed"), by=LINK, now=NOW)
    commands.dispute(session, row, Dispute(), by=LINK, now=NOW)

    assert queries.count(session, given.statement.id) == 0
    told = letters(session, "signons/mail/disputed")
    assert [one.to_address for one in told] == [given.organizer.email]
    assert told[0].context["printed"] == ""
    with pytest.raises(Conflict, match="organizers settle"):
        commands.sign_on(session, given.statement, given.partner, entry(given), by=LINK, now=NOW)
    inside = builders.actor(given.signatory)
    assert commands.sign_on(session, given.statement, given.partner, entry(given), by=inside, now=NOW).stands()


def test_only_an_organizer_lifts_a_dispute_and_says_why(session: Session) -> None:
    given = scene(session)
    row = signed(session, given)
    commands.dispute(session, row, Dispute(), by=LINK, now=NOW)
    why = Lifting(reason="The director called back.")

    with pytest.raises(NotAllowed):
        commands.lift_dispute(session, row, why, by=builders.actor(given.signatory), now=NOW)
    with pytest.raises(Conflict):
        commands.lift_dispute(session, row, why, by=given.by, now=given.after)
    commands.lift_dispute(session, row, why, by=given.by, now=NOW)

    assert row.stands()
    assert acts(session)[-1] == "sign_on.dispute_lifted"


def test_the_public_roll_cannot_leak_an_address(session: Session) -> None:
    given = scene(session)
    signed(session, given)
    session.expunge_all()

    name = queries.roll(session, given.statement.id)[0]

    with pytest.raises(InvalidRequestError):
        _ = name.signatory_email


def test_the_roll_is_ordered_and_counted(session: Session) -> None:
    given = scene(session)
    for name in ("The Aardvark League", "Bees United"):
        group = builders.organization(session, name=name, within=given.coalition)
        group.public_email = f"office@{group.slug}.example"
        signed(session, given, group, signatory_email=f"me@{group.slug}.example")
    signed(session, given, given.lead)

    names = [row.listed_as for row in queries.roll(session, given.statement.id)]

    assert names == ["Fight for the Future", "The Aardvark League", "Bees United"]
    assert queries.count(session, given.statement.id) == 3
    assert [heading for heading, _ in queries.roll_groups(session, given.statement.id)] == [""]
    assert queries.signed_by_day(session, given.statement) == [("May 20", 3)]


def test_a_second_row_for_the_same_organization_cannot_exist(session: Session) -> None:
    given = scene(session)
    row = signed(session, given)
    twin = SignOn(
        statement_id=row.statement_id,
        organization_id=row.organization_id,
        revision_id=row.revision_id,
        digest=row.digest,
        state=SignOnState.CONFIRMED,
        created_at=NOW,
        changed_at=NOW + timedelta(seconds=1),
    )
    session.add(twin)

    with pytest.raises(sa.exc.IntegrityError):
        session.flush()
