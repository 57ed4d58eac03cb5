"""Real input, row by row: duplicates in capitals and with a tag, a formula, a non-address, names of the world."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

import app.demo
from app.core.errors import Invalid
from app.petitions import commands, queries
from app.petitions.models import SignatureState
from app.supporters.queries import audience
from tests.builders import NOW
from tests.petitions.builders import SOMEBODY, confirm, scene, signatures

FILE = Path(app.demo.__file__).parent / "data" / "supporters.csv"
OWN = """given_name,family_name,email,postal_code,country,language,comments,updates_from_fftf,updates_from_aclu
Ewa,García Márquez,supporter000@people.example,98003,US,en,,,yes
慧玲,陳,supporter001@people.example,98101,US,zh,,yes,
Ada,Okafor,SUPPORTER000@PEOPLE.EXAMPLE,98101,US,en,duplicate in capitals,yes,
Ada,Okafor,supporter000+petition@people.example,98101,US,en,plus address,,
=cmd|' /C calc'!A0,X,formula@people.example,98101,US,en,,,
Nobody,,not-an-address,98101,US,en,,,
  Spaced  ,  Name ,  spaced@people.example ,98101 ,us,en,,yes,
"""


def play(session: Session, rows: list[dict[str, str]]) -> tuple[Counter[str], list[int]]:
    """Everybody signs, then every mailbox confirms; what the form refused, and the audiences of the two askers."""
    here = scene(session)
    refused: Counter[str] = Counter()
    asks = {"updates_from_fftf": here.lead.id, "updates_from_aclu": here.partner.id}
    for row in rows:
        answers = {ident: row[column] == "yes" for column, ident in asks.items() if row[column] in {"yes", "no"}}
        try:
            typed = commands.NewSignature.of({name: value for name, value in row.items() if name not in asks})
            commands.sign(session, here.petition, typed, answers, by=SOMEBODY, now=NOW)
        except Invalid as invalid:
            refused.update(list(invalid.problems))
    for signature in signatures(session):
        if signature.state is SignatureState.PENDING:
            confirm(session, signature)
    while commands.count_new(session, here.petition.id, now=NOW):
        pass
    refused["duplicate"] = queries.duplicates(session, here.petition.id)
    refused["counted"] = here.petition.counted
    return refused, [len(audience(session, ident, limit=1_000)) for ident in asks.values()]


def test_each_kind_of_row_comes_to_what_it_should(session: Session) -> None:
    came, audiences = play(session, list(csv.DictReader(OWN.splitlines())))

    assert came == {"given_name": 1, "email": 1, "family_name": 1, "duplicate": 2, "counted": 3}
    assert audiences == [2, 1]
    spaced = signatures(session)[-1]
    assert (spaced.given_name, spaced.family_name, spaced.postal_code, spaced.country) == (
        "Spaced",
        "Name",
        "98101",
        "US",
    )


@pytest.mark.skipif(not FILE.exists(), reason="the demonstration's data is not here")
def test_the_demonstration_s_supporters_come_to_what_they_should(session: Session) -> None:
    rows = list(csv.DictReader(FILE.read_text(encoding="utf-8-sig").splitlines()))

    came, audiences = play(session, rows)

    assert len(rows) == 245
    assert came == {"given_name": 1, "email": 1, "family_name": 1, "duplicate": 2, "counted": 241}
    said = [sum(row[column] == "yes" for row in rows) for column in ("updates_from_fftf", "updates_from_aclu")]
    assert audiences == [said[0] - 1, said[1]]  # the duplicate in capitals had said yes to the first
