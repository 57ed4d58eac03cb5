from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.campaigns import commands, queries
from app.campaigns.models import CampaignState, Commitment, CommitmentState
from app.core.audit import trail
from app.core.errors import Conflict, Invalid, NotAllowed, NotFound
from app.mail.models import Email
from tests import builders
from tests.builders import NOW
from tests.campaigns.builders import promise, scene

SOURCE = "news agency report, 19 May 2021"


def change(**changes: Any) -> commands.CommitmentChange:
    return commands.CommitmentChange(**{"state": "kept", "on": date(2021, 5, 18), "source": SOURCE, **changes})


def test_the_same_promise_is_on_the_timeline_once(session: Session) -> None:
    given = scene(session)

    first = promise(session, given)
    commands.change_commitment_state(session, first, change(state="extended"), by=given.by, now=NOW)

    assert promise(session, given) is first
    assert first.state is CommitmentState.EXTENDED
    with pytest.raises(Conflict, match="on the timeline already"):
        promise(session, given, source="another paper")
    acts = [entry.act for entry in trail(session, given.coalition.id)]
    assert acts[:2] == ["commitment.extended", "commitment.recorded"]


def test_a_promise_needs_a_target_of_the_coalition_and_possible_days(session: Session) -> None:
    given = scene(session)
    foreign = builders.target(session, builders.coalition(session, name="Another coalition"), name="IBM")

    for changes, field in (
        ({"target_id": foreign.id}, "target_id"),
        ({"made_on": NOW.date() + timedelta(days=1)}, "made_on"),
        ({"expires_on": date(2020, 6, 9)}, "expires_on"),
    ):
        with pytest.raises(Invalid) as refused:
            promise(session, given, **changes)
        assert set(refused.value.problems) == {field}


def test_the_rows_of_a_file_are_read_as_promises(session: Session) -> None:
    given = scene(session)
    cells = {"headline": "Pause", "made_on": "2020-06-11", "expires_on": "", "state": "announced", "quote": ""}
    entry = commands.NewCommitment.of({**cells, "target_id": given.amazon.id, "source": SOURCE})

    row = commands.record_commitment(session, given.campaign, entry, by=given.by, now=NOW)

    assert (row.expires_on, row.state) == (None, CommitmentState.ANNOUNCED)


def test_each_change_is_a_line_of_the_timeline_with_its_day_and_source(session: Session) -> None:
    given = scene(session)
    row = promise(session, given)

    extended = change(state="extended", on=date(2021, 5, 18), words="until further notice")
    commands.change_commitment_state(session, row, extended, by=given.by, now=NOW)
    commands.change_commitment_state(session, row, extended, by=given.by, now=NOW)
    commands.change_commitment_state(session, row, change(state="broken", on=date(2021, 5, 19)), by=given.by, now=NOW)

    (shown,) = queries.timeline(session, given.campaign.id)
    assert shown.state is CommitmentState.BROKEN
    assert [(step.state.value, step.on, step.expires_on) for step in shown.steps] == [
        ("extended", date(2021, 5, 18), None),
        ("broken", date(2021, 5, 19), None),
    ]
    with pytest.raises(Conflict):
        commands.change_commitment_state(session, row, change(state="extended"), by=given.by, now=NOW)


def test_a_change_before_the_promise_or_in_the_future_is_refused(session: Session) -> None:
    given = scene(session)
    row = promise(session, given)

    for entry, field in (
        (change(on=date(2020, 6, 9)), "on"),
        (change(on=date(2021, 5, 21)), "on"),
        (change(state="extended", expires_on=date(2021, 5, 1)), "expires_on"),
    ):
        with pytest.raises(Invalid) as refused:
            commands.change_commitment_state(session, row, entry, by=given.by, now=NOW)
        assert set(refused.value.problems) == {field}


def test_organizers_are_warned_once_two_weeks_before_a_promise_ends(session: Session) -> None:
    given = scene(session)
    row = promise(session, given)

    assert commands.watch(session, now=datetime(2021, 5, 26, 18, tzinfo=UTC)) == 0
    assert commands.watch(session, now=datetime(2021, 5, 27, 18, tzinfo=UTC)) == 1
    assert commands.watch(session, now=datetime(2021, 5, 27, 18, tzinfo=UTC)) == 0
    assert commands.watch(session, now=datetime(2021, 6, 9, 18, tzinfo=UTC)) == 0

    letter = session.scalars(sa.select(Email)).one()
    assert (letter.template, letter.to_address) == ("campaigns/mail/runs_out", given.organizer.email)
    assert letter.context["expires_on"] == "June 10, 2021"
    commands.change_commitment_state(
        session, row, change(state="extended", expires_on=date(2021, 6, 20)), by=given.by, now=NOW
    )
    assert commands.watch(session, now=datetime(2021, 6, 9, 18, tzinfo=UTC)) == 1
    assert session.scalar(sa.select(sa.func.count(Email.id))) == 2


def test_a_promise_runs_out_after_its_last_day_where_the_coalition_is(session: Session) -> None:
    given = scene(session)
    row = promise(session, given)
    commands.watch(session, now=datetime(2021, 6, 1, tzinfo=UTC))

    # 06:59 UTC on June 11 is still June 10 in Seattle.
    assert commands.watch(session, now=datetime(2021, 6, 11, 6, 59, tzinfo=UTC)) == 0
    assert commands.watch(session, now=datetime(2021, 6, 11, 7, 0, tzinfo=UTC)) == 1
    assert commands.watch(session, now=datetime(2021, 6, 11, 7, 1, tzinfo=UTC)) == 0

    assert row.state is CommitmentState.EXPIRED
    newest = trail(session, given.coalition.id)[0]
    assert (newest.act, newest.actor) == ("commitment.expired", "Undersigned")
    assert queries.timeline(session, given.campaign.id)[0].steps[-1].on == date(2021, 6, 11)


def test_a_promise_until_further_notice_never_runs_out(session: Session) -> None:
    given = scene(session)
    row = promise(session, given, expires_on=None)
    given.campaign.state = CampaignState.WON

    assert commands.watch(session, now=datetime(2031, 1, 1, tzinfo=UTC)) == 0
    assert row.state is CommitmentState.ANNOUNCED


def test_a_group_puts_only_its_own_words_beside_a_promise(session: Session) -> None:
    given = scene(session)
    row = promise(session, given)
    dana, robin, stranger = (builders.actor(one) for one in (given.member, given.organizer, given.stranger))
    words = commands.NewReaction(spokesperson="Dana Ortiz", quote="End its use entirely.", source=SOURCE)

    reaction = commands.react(session, row, given.partner, words, by=dana, now=NOW)
    with pytest.raises(NotFound):
        commands.react(session, row, given.partner, words, by=stranger, now=NOW)
    with pytest.raises(NotAllowed):
        commands.react(session, row, given.partner, words, by=robin, now=NOW)

    again = commands.react(session, row, given.partner, commands.NewReaction(quote="End it."), by=dana, now=NOW)
    assert again is reaction
    assert (again.quote, again.spokesperson) == ("End it.", "")
    (shown,) = queries.timeline(session, given.campaign.id)
    assert [one.organization.name for one in shown.reactions] == ["American Civil Liberties Union"]
    acts = [(entry.act, entry.organization_id) for entry in trail(session, given.coalition.id)]
    assert acts[:2] == [("reaction.changed", given.partner.id), ("reaction.written", given.partner.id)]


def test_only_organizers_write_the_timeline(session: Session) -> None:
    given = scene(session)
    row = promise(session, given)

    for by, refusal in ((given.member, NotAllowed), (given.stranger, NotFound)):
        with pytest.raises(refusal):
            commands.change_commitment_state(session, row, change(), by=builders.actor(by), now=NOW)
        entry = commands.NewCommitment(target_id=given.amazon.id, headline="x", made_on=date(2021, 1, 1), source=SOURCE)
        with pytest.raises(refusal):
            commands.record_commitment(session, given.campaign, entry, by=builders.actor(by), now=NOW)
    assert session.scalar(sa.select(sa.func.count(Commitment.id))) == 1
