"""What each reader gets in the fields of an update, from the tables to the letter that leaves."""

from __future__ import annotations

from datetime import timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from app.broadcasts import commands, jobs, messages, queries
from app.broadcasts.models import Broadcast
from app.broadcasts.rules import Field
from app.core.db import reading, transaction
from app.jobs import worker
from app.petitions.models import PetitionState
from app.supporters.models import Supporter
from app.targets.models import Target, TargetKind
from tests.broadcasts.builders import stage
from tests.broadcasts.test_audience import council, petition, somebody
from tests.broadcasts.test_signatories_supporters import statement
from tests.builders import NOW

BODY = "Hello {given_name|neighbor}, {count} of us wrote to {official|your council member}."


def written(session: Session, there: object, body: str = BODY, **more: object) -> Broadcast:
    entry = commands.NewBroadcast.of({"subject": "News for {given_name|you}", "body": body, **more})
    return commands.compose(session, there.campaign, entry, by=there.robin, now=NOW)  # type: ignore[attr-defined]


def test_values_are_the_readers_own(session: Session) -> None:
    there = stage(session)
    council(session, there, "981,1\n98004,2\n")
    petition(session, there, "one").state = PetitionState.OPEN
    session.flush()
    ana = somebody(session, "Ana", there.lead, postal_code="98101")
    bea = somebody(session, "Bea", there.lead, postal_code="98004")
    cid = somebody(session, "Cid", there.lead, postal_code="10115")

    found = queries.values_for(session, written(session, there), [ana.id, bea.id, cid.id])

    assert found[ana.id] == {Field.GIVEN_NAME: "Ana", Field.COUNT: "0", Field.OFFICIAL: "Councilmember Ana"}
    assert found[bea.id][Field.OFFICIAL] == "Councilmember Bea"
    assert found[cid.id] == {Field.GIVEN_NAME: "Cid", Field.COUNT: "0"}


@pytest.mark.parametrize("readers", [1, 40])
def test_values_take_the_same_number_of_queries_for_any_number_of_readers(session: Session, readers: int) -> None:
    there = stage(session)
    council(session, there, "981,1\n98004,2\n")
    ids = [somebody(session, f"P{n}", there.lead, postal_code="98101").id for n in range(readers)]
    update = written(session, there)
    session.flush()
    session.expire_all()
    _ = update.subject
    asked: list[str] = []
    connection = session.connection()

    @sa.event.listens_for(connection, "before_cursor_execute")
    def count(*arguments: object) -> None:
        asked.append(str(arguments[2]))

    assert len(queries.values_for(session, update, ids)) == readers
    assert len(asked) <= 8


def test_only_the_fields_that_are_used_are_looked_up(session: Session) -> None:
    there = stage(session)
    ana = somebody(session, "Ana", there.lead)

    assert queries.values_for(session, written(session, there, body="Hello."), [ana.id]) == {
        ana.id: {Field.GIVEN_NAME: "Ana"}
    }


def test_the_number_is_the_chosen_one_and_stays_once_sending_began(session: Session) -> None:
    there = stage(session)
    first, second = petition(session, there, "one"), petition(session, there, "two")
    for row, number in ((first, 10), (second, 2_345)):
        row.state, row.counted = PetitionState.OPEN, number
    statement(session, there, signatory="dana@aclu.example")
    session.flush()
    keys = {one.title: one.key for one in queries.countables(session, there.campaign.id)}

    assert queries.count_now(session, written(session, there)) == 10
    assert queries.count_now(session, written(session, there, signed=[second.id])) == 2_345
    assert queries.count_now(session, written(session, there, counted_from=keys["Letter"])) == 1
    update = written(session, there, counted_from=keys["two"])
    commands.approve(session, update, update.version, by=there.dana, now=NOW)
    commands.send(session, update, by=there.robin, now=NOW)
    second.counted = 9_999
    assert queries.count_now(session, update) == 2_345


def test_an_official_of_the_first_body_that_knows_the_reader_is_named(session: Session) -> None:
    there = stage(session)
    council(session, there, "981,1\n")
    other = Target(
        coalition_id=there.campaign.coalition_id,
        slug="state",
        name="State Senate",
        kind=TargetKind.LEGISLATIVE_BODY,
        created_at=NOW,
    )
    there.campaign.targets.append(other)
    session.flush()
    ana = somebody(session, "Ana", there.lead, postal_code="98101")

    found = queries.values_for(session, written(session, there), [ana.id])

    assert found[ana.id][Field.OFFICIAL] == "Councilmember Ana"


def test_a_campaign_on_one_member_knows_the_members_body(session: Session) -> None:
    there = stage(session)
    body = council(session, there, "981,1\n")
    there.campaign.targets = [body.members[1]]
    session.flush()

    assert [one.name for one in queries.bodies(session, there.campaign.id)] == ["King County Council"]


def letters(app: Flask) -> dict[str, EmailMessage]:
    """The updates that left, by recipient."""
    found = {}
    for path in (Path(app.config["SETTINGS"].var_dir) / "mail").glob("*.eml"):
        letter = BytesParser(policy=policy.default).parsebytes(path.read_bytes())
        assert isinstance(letter, EmailMessage)
        if letter["List-Unsubscribe"]:
            found[str(letter["To"]).partition("<")[2].strip(">") or str(letter["To"])] = letter
    return found


def test_every_letter_that_leaves_is_filled_for_its_reader_and_names_are_never_expanded(
    app: Flask, database: Flask
) -> None:
    with transaction() as session:
        there = stage(session)
        there.lead.sender_name = "Fight for the Future Action"
        council(session, there, "981,1\n98004,2\n")
        paper = petition(session, there, "one")
        paper.state, paper.counted = PetitionState.OPEN, 1_204
        somebody(session, "Ana", there.lead, postal_code="98101")
        somebody(session, "{count}", there.lead, email="odd@people.example", postal_code="98004")
        nameless = somebody(session, "Cid", there.lead)
        nameless.given_name = ""
        update = written(session, there)
        commands.approve(session, update, update.version, by=there.dana, now=NOW)
        commands.send(session, update, by=there.robin, now=NOW)
    worker.until_idle()

    found = letters(app)
    texts = {to: (one.get_body(("plain",)), one.get_body(("html",)), one["Subject"]) for to, one in found.items()}
    said = {to: " ".join(text.get_content().split()) for to, (text, _, _) in texts.items() if text is not None}
    assert "Hello Ana, 1,204 of us wrote to Councilmember Ana." in said["ana@people.example"]
    assert "Hello {count}, 1,204 of us wrote to Councilmember Bea." in said["odd@people.example"]
    assert "Hello neighbor, 1,204 of us wrote to your council member." in said["cid@people.example"]
    subjects = {to: subject for to, (_, _, subject) in texts.items()}
    assert subjects["odd@people.example"] == "News for {count}"
    assert subjects["cid@people.example"] == "News for you"
    assert all("Fight for the Future Action" in str(one["From"]) for one in found.values())
    html = texts["odd@people.example"][1]
    assert html is not None
    assert "Hello {count}, 1,204 of us" in html.get_content()


def test_a_person_who_was_erased_meanwhile_breaks_no_batch(session: Session) -> None:
    there = stage(session)
    council(session, there, "981,1\n")
    ana = somebody(session, "Ana", there.lead, postal_code="98101")
    update = written(session, there)

    assert list(queries.values_for(session, update, [ana.id, 10**6])) == [ana.id]


def test_an_update_that_is_not_for_those_who_got_another_waits_until_that_is_planned(database: Flask) -> None:
    with transaction() as session:
        there = stage(session)
        for name in ("Ana", "Bea"):
            somebody(session, name, there.lead, country="US" if name == "Ana" else "CA")
        first = written(session, there, body="First to {given_name|you}.", countries="US")
        second = written(session, there, body="Second to {given_name|you}.", quiet_days="7")
        third = written(session, there, body="Third to {given_name|you}.", unwritten="yes")
        for place, update in enumerate((first, second, third)):
            commands.approve(session, update, update.version, by=there.dana, now=NOW)
            commands.send(session, update, by=there.robin, now=NOW + timedelta(minutes=place))
        assert queries.waits_for(session, first) is None
        assert queries.waits_for(session, second) is first
        assert queries.waits_for(session, third) is not None
        for update in (second, first):
            commands.keep_words(session, update, messages.form(update), now=NOW)
        assert commands.plan_lot(session, second, lot=10, size=10, now=NOW) == 0
        while commands.plan_lot(session, first, lot=10, size=10, now=NOW):
            pass
        assert queries.waits_for(session, second) is None
    while jobs.plan():
        pass

    with reading() as session:
        readers = {
            one.body.split()[0]: [
                session.get_one(Supporter, key).given_name
                for key in session.scalars(
                    sa.text("SELECT reader_key FROM mailing_readers WHERE mailing_id = :id ORDER BY reader_key"),
                    {"id": one.mailing_id},
                )
            ]
            for one in session.scalars(sa.select(Broadcast))
        }
    assert readers == {"First": ["Ana"], "Second": ["Bea"], "Third": []}
