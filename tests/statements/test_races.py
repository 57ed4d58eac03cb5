"""Many people at one text at the same moment, with real threads and real transactions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from flask import Flask

from app.core import audit, db
from app.core.errors import Conflict
from app.core.text import digest
from app.statements import queries
from app.statements.commands import (
    Freezing,
    NewRevision,
    NewStatement,
    freeze,
    save_revision,
    start_statement,
)
from app.statements.models import Statement
from app.statements.rules import Overtaken
from tests.builders import NOW
from tests.statements.builders import Scene, scene

PEOPLE = 8
PARAGRAPHS = [f"Paragraph {number} speaks of point {number}." for number in range(PEOPLE)]
TEXT = "\n\n".join(PARAGRAPHS) + "\n"


def together(*acts: Callable[[], str]) -> list[str]:
    """Run the acts at the same moment; what each returned."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], str]) -> str:
        start.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def prepared(text: str = TEXT) -> Scene:
    with db.transaction() as session:
        return scene(session, text=text)


def test_eight_people_saving_at_once_lose_no_word(database: Flask) -> None:
    there = prepared()

    def save(number: int) -> str:
        entry = NewRevision(text=TEXT.replace(f"of point {number}", f"of mended-{number}"), based_on=1)
        with db.transaction() as session:
            statement = session.get_one(Statement, there.statement.id)
            return str(save_revision(session, statement, entry, by=there.drafter, now=NOW).number)

    numbers = together(*(lambda number=number: save(number) for number in range(PEOPLE)))

    with db.reading() as session:
        statement = session.get_one(Statement, there.statement.id)
        head = queries.head_of(session, statement)
        assert sorted(map(int, numbers)) == list(range(2, PEOPLE + 2))
        assert all(f"mended-{number}." in head.text for number in range(PEOPLE))
        assert head.digest == digest(head.text)


def test_eight_people_changing_one_sentence_all_find_their_words_again(database: Flask) -> None:
    there = prepared("We ask for an answer by Friday.")
    kept: list[bool] = []

    def save(number: int) -> str:
        text, based_on = f"We ask for an answer by day-{number}.", 1
        while True:
            entry = NewRevision(text=text, based_on=based_on)
            try:
                with db.transaction() as session:
                    statement = session.get_one(Statement, there.statement.id)
                    return str(save_revision(session, statement, entry, by=there.drafter, now=NOW).number)
            except Overtaken as overtaken:
                kept.append(f"day-{number}" in overtaken.merge.text)
                text, based_on = f"{overtaken.theirs.strip()} And by day-{number}.", overtaken.head_number

    numbers = together(*(lambda number=number: save(number) for number in range(PEOPLE)))

    with db.reading() as session:
        head = queries.head_of(session, session.get_one(Statement, there.statement.id))
        assert kept
        assert all(kept)
        assert len(set(numbers)) == PEOPLE
        assert all(f"day-{number}." in head.text for number in range(PEOPLE))


def test_a_save_and_a_freeze_at_once_never_freeze_words_that_nobody_read(database: Flask) -> None:
    there = prepared()

    def save() -> str:
        with db.transaction() as session:
            statement = session.get_one(Statement, there.statement.id)
            entry = NewRevision(text="Other words.", based_on=1)
            try:
                save_revision(session, statement, entry, by=there.drafter, now=NOW)
            except Conflict:
                return "refused"
            return "saved"

    def fix() -> str:
        with db.transaction() as session:
            statement = session.get_one(Statement, there.statement.id)
            try:
                freeze(session, statement, Freezing(number=1), by=there.organizer, now=NOW)
            except Conflict:
                return "refused"
            return "frozen"

    outcome = together(save, fix)

    with db.reading() as session:
        statement = session.get_one(Statement, there.statement.id)
        if outcome == ["refused", "frozen"]:
            assert (statement.head_number, statement.digest) == (1, digest(TEXT))
        else:
            assert outcome == ["saved", "refused"]
            assert (statement.head_number, statement.digest) == (2, None)


def test_a_double_click_on_freeze_leaves_one_line_in_the_trail(database: Flask) -> None:
    there = prepared()

    def fix() -> str:
        with db.transaction() as session:
            statement = session.get_one(Statement, there.statement.id)
            return str(freeze(session, statement, Freezing(number=1), by=there.organizer, now=NOW).digest)

    assert together(*[fix] * 4) == [digest(TEXT)] * 4
    with db.reading() as session:
        assert [entry.act for entry in audit.trail(session, there.coalition.id)] == ["statement.frozen"]


def test_a_double_click_on_begin_makes_one_statement(database: Flask) -> None:
    there = prepared()

    def begin() -> str:
        with db.transaction() as session:
            entry = NewStatement(title="A new letter", text="Words.")
            return start_statement(session, there.campaign, entry, by=there.organizer, now=NOW).slug

    assert set(together(*[begin] * 4)) == {"a-new-letter"}
