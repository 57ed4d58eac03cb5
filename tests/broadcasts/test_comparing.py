"""Comparing subjects: the sample, the visits, the verdict, and what goes to the rest."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.broadcasts import commands, messages, queries, rules
from app.broadcasts.models import Broadcast, BroadcastState, ComparedSubject, Comparison, Measure
from app.core.db import reading, transaction
from app.core.errors import Conflict, Invalid
from app.mailings.models import BatchState, MailingBatch, MailingLetter, MailingReader
from app.returns.models import Reply, ReplyKind
from app.supporters.models import Supporter
from tests.broadcasts.builders import Stage, ready, stage, supporter
from tests.builders import NOW

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

READERS = 300
ENTRY = commands.Compared(second="{given_name|Friend}, we did it", percent=10, hours=4)
HOME = "http://undersigned.example"


def begun(session: Session, entry: commands.Compared = ENTRY) -> tuple[Stage, Broadcast]:
    """An update with compared subjects whose sample is planned."""
    there = stage(session)
    for number in range(READERS):
        supporter(session, number, yes=(there.lead,))
    update = ready(session, there)
    commands.compare(session, update, entry, by=there.robin, now=NOW)
    commands.approve(session, update, update.version, by=there.dana, now=NOW)
    commands.send(session, update, by=there.robin, now=NOW)
    comparison = queries.comparison_of(session, update)
    assert comparison is not None
    pairs = [(one.subject, one.code) for one in comparison.subjects]
    commands.keep_words(session, update, *messages.forms(update, pairs, base_url=HOME), now=NOW)
    plan(session, update)
    return there, update


def plan(session: Session, update: Broadcast) -> None:
    while commands.plan_lot(session, update, lot=70, size=20, now=NOW):
        session.expire_all()


def got(session: Session) -> dict[int, int]:
    """Which subject each reader gets."""
    query = sa.select(MailingReader.reader_key, MailingBatch.variant).join(
        MailingBatch,
        sa.and_(MailingBatch.mailing_id == MailingReader.mailing_id, MailingBatch.number == MailingReader.batch_number),
    )
    return dict(session.execute(query).all())


def all_left(session: Session) -> None:
    session.execute(sa.update(MailingBatch).values(state=BatchState.ACCEPTED))
    session.expire_all()


def visited(session: Session, *numbers: int) -> None:
    for row, number in zip(
        session.scalars(sa.select(ComparedSubject).order_by(ComparedSubject.id)), numbers, strict=True
    ):
        row.visits = number
    session.flush()


def test_a_sample_gets_the_subjects_by_lot_and_the_rest_waits(session: Session) -> None:
    _, update = begun(session)
    comparison = session.scalars(sa.select(Comparison)).one()
    found = got(session)
    ids = session.scalars(sa.select(Supporter.id)).all()
    places = {ident: rules.on_wheel(ident, comparison.salt) for ident in ids}
    assert set(found) == {ident for ident, place in places.items() if place < (comparison.threshold or 0)}
    assert 60 <= len(found) <= 140
    assert all(found[ident] == places[ident] % 2 for ident in found)
    assert update.mailing is not None
    assert update.mailing.planning
    assert commands.plan_lot(session, update, lot=70, size=20, now=NOW) == 0


def test_the_wheel_in_sql_is_the_wheel_of_the_rule_and_spreads_evenly(session: Session) -> None:
    there = stage(session)
    for number in range(20):
        supporter(session, number, yes=(there.lead,))
    salt = 1_234_567_891
    rows = session.execute(sa.select(Supporter.id, queries.on_wheel(Supporter.id, salt))).all()
    assert all(rules.on_wheel(ident, salt) == place for ident, place in rows)
    tenths = Counter(rules.on_wheel(ident, salt) * 10 // rules.WHEEL for ident in range(1, 20_001))
    assert set(tenths) == set(range(10))
    assert all(1_700 < number < 2_300 for number in tenths.values())


def test_the_better_subject_goes_to_everybody_else_once(session: Session) -> None:
    _, update = begun(session)
    sample = got(session)
    assert not commands.decide_due(session, update, now=NOW)
    all_left(session)
    assert commands.decide_due(session, update, now=NOW)
    visited(session, 5, 40)
    assert not commands.decide_due(session, update, now=NOW + timedelta(hours=3, minutes=59))
    assert commands.decide_due(session, update, now=NOW + timedelta(hours=4))
    plan(session, update)
    found = got(session)
    assert len(found) == READERS
    assert all(found[ident] == 1 for ident in set(found) - set(sample))
    assert {ident: found[ident] for ident in sample} == sample
    assert update.mailing is not None
    assert not update.mailing.planning


@pytest.mark.parametrize("visits", [(0, 0), (9, 10), (30, 30), (30, 38)])
def test_a_tie_or_too_little_goes_to_a_person_who_sees_the_numbers(session: Session, visits: tuple[int, int]) -> None:
    there, update = begun(session)
    all_left(session)
    commands.decide_due(session, update, now=NOW)
    visited(session, *visits)
    later = NOW + timedelta(hours=4)
    assert commands.decide_due(session, update, now=later)
    assert not commands.decide_due(session, update, now=later)
    comparison = session.scalars(sa.select(Comparison)).one()
    assert (comparison.winner, comparison.open_since) == (None, later)
    assert comparison.reason.startswith("Too ")
    assert queries.compared(session, comparison) == list(visits)
    commands.choose(session, update, commands.Chosen(variant=0), by=there.robin, now=later)
    commands.choose(session, update, commands.Chosen(variant=0), by=there.robin, now=later)
    with pytest.raises(Conflict, match="chosen meanwhile"):
        commands.choose(session, update, commands.Chosen(variant=1), by=there.robin, now=later)
    plan(session, update)
    assert len(got(session)) == READERS


def test_replies_of_people_are_counted_by_subject_once_for_each_reader(session: Session) -> None:
    _, update = begun(session, ENTRY.model_copy(update={"measure": Measure.REPLIES}))
    all_left(session)
    commands.decide_due(session, update, now=NOW)
    by_subject: dict[int, list[int]] = {0: [], 1: []}
    ids = dict(session.execute(sa.select(MailingReader.reader_key, MailingReader.id)).all())
    for key, variant in got(session).items():
        by_subject[variant].append(ids[key])
    replied = [*by_subject[1][:25], *by_subject[1][:5], by_subject[0][0]]
    for place, reader in enumerate(replied):
        _reply(session, update, place, reader, ReplyKind.HUMAN)
    for place, reader in enumerate(by_subject[0][:30]):
        _reply(session, update, 1000 + place, reader, ReplyKind.AUTOMATIC)
    comparison = session.scalars(sa.select(Comparison)).one()
    assert queries.compared(session, comparison) == [1, 25]
    commands.decide_due(session, update, now=NOW + timedelta(hours=4))
    assert comparison.winner == 1


def _reply(session: Session, update: Broadcast, place: int, reader: int, kind: ReplyKind) -> None:
    who = f"reader{reader}@people.example"
    session.add(
        Reply(
            digest=f"{place:064d}",
            mailing_id=update.mailing_id,
            reader_id=reader,
            kind=kind,
            sender_address=who,
            sender_canonical=who,
            received_at=NOW,
        )
    )
    session.flush()


def test_each_subject_has_a_letter_whose_links_to_us_carry_its_code(session: Session) -> None:
    begun(session)
    codes = list(session.scalars(sa.select(ComparedSubject.code).order_by(ComparedSubject.variant)))
    letters = list(session.scalars(sa.select(MailingLetter).order_by(MailingLetter.variant)))
    assert len(letters) == 2
    for letter, code, other in zip(letters, codes, codes[::-1], strict=True):
        assert f"?via={code}" in letter.text
        assert f"?via={code}" in letter.html
        assert other not in letter.text + letter.html
        assert "/unsubscribe/" in letter.unsubscribe_url
        assert "via=" not in letter.unsubscribe_url
    assert letters[0].subject != letters[1].subject


def test_only_links_to_our_public_pages_are_marked() -> None:
    words = (
        f"See {HOME}/petitions/ban. Or {HOME}/campaigns/end?x=1, {HOME}/preferences/abc, "
        f"https://elsewhere.example/petitions/ban and {HOME}.evil.example/petitions/ban"
    )
    assert rules.marked(words, HOME, "C0de") == words.replace(
        f"{HOME}/petitions/ban.", f"{HOME}/petitions/ban?via=C0de."
    )


def test_too_few_readers_are_refused_when_it_is_sent(session: Session) -> None:
    there = stage(session)
    supporter(session, 1, yes=(there.lead,))
    update = ready(session, there)
    commands.compare(session, update, ENTRY, by=there.robin, now=NOW)
    commands.approve(session, update, update.version, by=there.dana, now=NOW)
    with pytest.raises(Invalid) as refused:
        commands.send(session, update, by=there.robin, now=NOW)
    assert "too few to compare" in refused.value.problems["percent"]


def test_other_subjects_need_a_new_approval(session: Session) -> None:
    there = stage(session)
    update = ready(session, there)
    commands.compare(session, update, ENTRY, by=there.robin, now=NOW)
    assert update.state is BroadcastState.DRAFT
    with pytest.raises(Conflict, match="have not been approved"):
        commands.send(session, update, by=there.robin, now=NOW)
    with pytest.raises(Invalid):
        commands.compare(session, update, ENTRY.model_copy(update={"second": update.subject}), by=there.robin, now=NOW)
    with pytest.raises(Invalid) as refused:
        commands.compare(session, update, ENTRY.model_copy(update={"third": "{x}"}), by=there.robin, now=NOW)
    assert "third" in refused.value.problems
    assert commands.compare(session, update, commands.Compared(), by=there.robin, now=NOW) is None
    assert queries.comparison_of(session, update) is None


def test_a_visit_is_counted_without_a_cookie_or_a_trace_of_who(client: FlaskClient) -> None:
    with transaction() as session:
        there = stage(session)
        comparison = commands.compare(session, ready(session, there), ENTRY, by=there.robin, now=NOW)
        assert comparison is not None
        code = comparison.subjects[1].code
    for _ in range(9):
        answer = client.post("/visits", data={"via": code})
        assert answer.status_code == 204
        assert "Set-Cookie" not in answer.headers
    with transaction() as session:
        session.execute(sa.update(Broadcast).values(version=Broadcast.version))  # SQLite: nobody else may write now
        assert client.post("/visits", data={"via": "nobody knows this"}).status_code == 204
    assert client.post("/visits").status_code == 204
    assert client.get(f"/?via={code}").status_code == 200
    with reading() as session:
        counts = session.scalars(sa.select(ComparedSubject.visits).order_by(ComparedSubject.variant)).all()
    assert counts == [0, 5]
