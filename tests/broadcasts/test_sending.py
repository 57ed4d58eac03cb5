"""An update: approved by a second person, sent once to those who said yes, and to nobody who left."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.broadcasts import commands, jobs, messages, queries
from app.broadcasts.models import Broadcast, BroadcastState
from app.core import audit, db
from app.core.db import reading, transaction
from app.core.errors import Conflict, Invalid, NotAllowed, NotFound
from app.jobs import worker
from app.mailings.models import BatchState, MailingBatch, MailingReader
from app.petitions import commands as signing
from app.petitions.models import Petition
from app.supporters import commands as supporters
from app.supporters.models import Supporter
from tests import builders
from tests.broadcasts.builders import WORDS, ready, stage, supporter
from tests.builders import NOW
from tests.petitions import builders as petitions


def recipients(session: Session) -> list[str]:
    return sorted(session.scalars(sa.select(MailingReader.canonical)))


def plan(session: Session, update: Broadcast, *, size: int = 2) -> int:
    if update.mailing_id is None:
        commands.keep_words(session, update, messages.form(update), now=NOW)
    return sum(iter(lambda: commands.plan_lot(session, update, lot=2, size=size, now=NOW), 0))


def test_only_those_who_said_yes_to_the_sender_get_it(session: Session) -> None:
    there = stage(session)
    supporter(session, 1, yes=(there.lead,))
    supporter(session, 2, no=(there.lead,))
    supporter(session, 3, yes=(there.partner,))
    supporter(session, 4)
    supporter(session, 5, yes=(there.lead, there.partner))
    update = commands.send(session, ready(session, there), by=there.robin, now=NOW)
    assert queries.audience_size(session, update) == 2
    assert plan(session, update) == 2
    assert recipients(session) == ["person1@people.example", "person5@people.example"]


def test_somebody_who_came_after_sending_began_is_not_in_it(session: Session) -> None:
    there = stage(session)
    supporter(session, 1, yes=(there.lead,))
    update = commands.send(session, ready(session, there), by=there.robin, now=NOW)
    supporter(session, 2, yes=(there.lead,))
    plan(session, update)
    assert recipients(session) == ["person1@people.example"]


def test_a_yes_that_came_after_sending_began_is_not_in_it_and_an_older_one_said_again_is(session: Session) -> None:
    there = stage(session)
    late, again = supporter(session, 1, no=(there.lead,)), supporter(session, 2, yes=(there.lead,))
    supporter(session, 3, yes=(there.lead,))
    update = commands.send(session, ready(session, there), by=there.robin, now=NOW)
    for one in (late, again):
        supporters.record_consent(
            session, one, there.lead, yes=True, words="May we?", source="test", now=NOW + timedelta(minutes=1)
        )
    plan(session, update)
    assert recipients(session) == ["person2@people.example", "person3@people.example"]


def test_an_update_to_a_petition_s_signers_goes_to_those_of_them_who_said_yes(session: Session) -> None:
    here = petitions.scene(session)
    for name, answer in (("yes", True), ("no", False), ("withdrew", True), ("waits", True)):
        petitions.sign(session, here.petition, answers={here.lead.id: answer}, email=f"{name}@people.example")
        if name != "waits":
            petitions.confirm(session, petitions.signatures(session)[-1])
    petitions.sign(session, here.petition, email="silent@people.example")
    petitions.confirm(session, petitions.signatures(session)[-1])
    withdrew = petitions.token_of(petitions.signatures(session)[2])
    signing.withdraw_signature(session, withdrew, by=here.by, now=NOW)
    supporter(session, 9, yes=(here.lead,))
    entry = WORDS.model_copy(update={"signed": [here.petition.id]})

    update = commands.compose(session, here.campaign, entry, by=here.by, now=NOW)
    commands.approve(session, update, update.version, by=builders.actor(here.colleague), now=NOW)
    commands.send(session, update, by=here.by, now=NOW)
    plan(session, update)

    assert recipients(session) == ["yes@people.example"]


def test_a_petition_of_another_coalition_is_refused_where_it_was_chosen(session: Session) -> None:
    there = stage(session)
    other = builders.campaign(session, builders.coalition(session, name="Elsewhere"), title="Other")
    foreign = db.add(session, Petition(campaign_id=other.id, slug="f", title="F", text="", digest="", created_at=NOW))
    for ident in (foreign.id, 10**6):
        with pytest.raises(Invalid) as refused:
            entry = WORDS.model_copy(update={"signed": [ident]})
            commands.compose(session, there.campaign, entry, by=there.robin, now=NOW)
        assert "no such petition" in refused.value.problems["signed"]


def test_each_act_of_sending_is_in_the_audit_trail(session: Session) -> None:
    there = stage(session)
    update = commands.send(session, ready(session, there), by=there.robin, now=NOW)
    commands.send(session, update, by=there.robin, now=NOW)
    commands.stop(session, update, by=there.robin, now=NOW)
    lines = reversed(audit.trail(session, there.campaign.coalition_id))
    assert [(one.act, one.actor) for one in lines] == [
        ("update.approved", "Dana Ortiz"),
        ("update.sent", "Robin Vale"),
        ("update.stopped", "Robin Vale"),
    ]


def test_the_author_does_not_approve_and_a_second_person_does(session: Session) -> None:
    there = stage(session)
    update = commands.compose(session, there.campaign, WORDS, by=there.robin, now=NOW)
    with pytest.raises(Conflict, match="Somebody other than its author"):
        commands.approve(session, update, update.version, by=there.robin, now=NOW)
    with pytest.raises(Conflict, match="have not been approved"):
        commands.send(session, update, by=there.robin, now=NOW)
    commands.approve(session, update, update.version, by=there.dana, now=NOW)
    assert commands.send(session, update, by=there.robin, now=NOW).state is BroadcastState.SENDING


def test_changed_words_need_a_new_approval(session: Session) -> None:
    there = stage(session)
    update = ready(session, there)
    shown = update.version
    changed = commands.NewBroadcast(subject="Other words", body="Hello.")
    commands.edit(session, update, changed, by=there.robin)
    with pytest.raises(Conflict, match="have not been approved"):
        commands.send(session, update, by=there.robin, now=NOW)
    with pytest.raises(Conflict, match="changed while you read"):
        commands.approve(session, update, shown, by=there.dana, now=NOW)


def test_whoever_edits_an_update_is_its_author_from_then_on(session: Session) -> None:
    there = stage(session)
    second = builders.actor(builders.member(session, there.lead, email="kim@fftf.example", name="Kim"))
    update = commands.compose(session, there.campaign, WORDS, by=there.robin, now=NOW)
    commands.edit(session, update, WORDS, by=second)
    with pytest.raises(Conflict, match="Somebody other than its author"):
        commands.approve(session, update, update.version, by=second, now=NOW)


def test_sent_words_do_not_change(session: Session) -> None:
    there = stage(session)
    update = commands.send(session, ready(session, there), by=there.robin, now=NOW)
    with pytest.raises(Conflict, match="cannot change"):
        commands.edit(session, update, WORDS, by=there.robin)


@pytest.mark.parametrize("words", ["{first_name}", "{city} people", "{ given_name }"])
def test_a_field_that_nothing_fills_is_refused_where_it_stands(session: Session, words: str) -> None:
    there = stage(session)
    entry = commands.NewBroadcast(subject="Hello", body=words)
    with pytest.raises(Invalid) as refused:
        commands.compose(session, there.campaign, entry, by=there.robin, now=NOW)
    assert "would be sent as it stands" in refused.value.problems["body"]


def test_nobody_writes_in_another_organizations_name_and_strangers_find_nothing(session: Session) -> None:
    there = stage(session)
    entry = WORDS.model_copy(update={"organization_id": there.partner.id})
    with pytest.raises(NotAllowed):
        commands.compose(session, there.campaign, entry, by=there.robin, now=NOW)
    stranger = builders.actor(builders.account(session, email="stranger@x.example"))
    with pytest.raises(NotFound):
        commands.compose(session, there.campaign, WORDS, by=stranger, now=NOW)
    update = ready(session, there)
    with pytest.raises(NotFound):
        queries.broadcast_for(session, there.campaign.coalition.slug, update.id, by=stranger)
    with pytest.raises(NotAllowed):
        commands.send(session, update, by=there.dana, now=NOW)


def test_stopping_drops_what_was_not_handed_over(session: Session) -> None:
    there = stage(session)
    for number in range(4):
        supporter(session, number, yes=(there.lead,))
    update = commands.send(session, ready(session, there), by=there.robin, now=NOW)
    plan(session, update, size=1)
    gone = session.scalars(sa.select(MailingBatch).order_by(MailingBatch.id)).first()
    assert gone is not None
    gone.state = BatchState.ACCEPTED
    session.flush()
    commands.stop(session, update, by=there.robin, now=NOW)
    session.expire_all()
    counts = queries.progress(session, update)
    assert (counts.accepted, counts.stopped, counts.waiting) == (1, 3, 0)
    assert commands.plan_lot(session, update, lot=10, size=1, now=NOW) == 0


def sending(number: int) -> int:
    """A committed update that is being sent to so many supporters; gives its id."""
    with transaction() as session:
        there = stage(session)
        for one in range(number):
            supporter(session, one, yes=(there.lead,))
        return commands.send(session, ready(session, there), by=there.robin, now=NOW).id


def test_many_workers_planning_at_once_plan_everybody_once(database: Flask) -> None:
    ident = sending(60)
    with transaction() as session:
        update = session.get_one(Broadcast, ident)
        commands.keep_words(session, update, messages.form(update), now=NOW)
    start = threading.Barrier(4)
    failed: list[BaseException] = []

    def work() -> None:
        try:
            start.wait()
            while True:
                with transaction() as session:
                    if not commands.plan_lot(session, session.get_one(Broadcast, ident), lot=7, size=3, now=NOW):
                        return
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with reading() as session:
        assert len(recipients(session)) == len(set(recipients(session))) == 60
        update = session.get_one(Broadcast, ident)
        assert update.mailing is not None
        assert update.mailing.planned == queries.progress(session, update).waiting == 60


def test_somebody_who_leaves_after_the_letters_were_queued_gets_none(database: Flask) -> None:
    ident = sending(3)
    jobs.plan()
    with transaction() as session:
        update = session.get_one(Broadcast, ident)
        leaver = session.get_one(Supporter, session.scalars(sa.select(MailingReader.reader_key)).first())
        supporters.leave(session, leaver, update.organization, source="test", now=NOW)
    worker.until_idle()
    with reading() as session:
        counts = queries.progress(session, session.get_one(Broadcast, ident))
        assert (counts.accepted, counts.suppressed) == (2, 1)
        assert session.get_one(Broadcast, ident).state is BroadcastState.SENT


def test_the_letter_is_personal_and_leads_out_by_one_click(client: FlaskClient, app: Flask) -> None:
    ident = sending(1)
    worker.until_idle()
    folder = Path(app.config["SETTINGS"].var_dir) / "mail"
    found = [BytesParser(policy=default).parsebytes(path.read_bytes()) for path in folder.glob("*.eml")]
    letter = next(one for one in found if one["List-Unsubscribe"])
    assert isinstance(letter, EmailMessage)
    assert letter["Subject"] == "Ewa0, it went out"
    body = letter.get_body(("plain",))
    assert body is not None
    assert "Hello Ewa0" in body.get_content()
    preferences = re.search(r"http://undersigned.example(/preferences/\S+)", body.get_content())
    assert preferences
    assert "May we write?" in client.get(preferences[1]).text
    path = str(letter["List-Unsubscribe"]).strip("<>").removeprefix("http://undersigned.example")
    answer = client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    with reading() as session:
        assert queries.audience_size(session, session.get_one(Broadcast, ident)) == 0


def test_a_sent_update_is_called_sent_only_when_nothing_waits(database: Flask) -> None:
    ident = sending(2)
    jobs.plan()
    with transaction() as session:
        assert not commands.finish_if_done(session, session.get_one(Broadcast, ident), now=NOW)
    worker.until_idle()
    with reading() as session:
        assert session.get_one(Broadcast, ident).state is BroadcastState.SENT
