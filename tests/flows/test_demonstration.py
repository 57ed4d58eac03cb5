"""The demonstration from end to end: played, killed in the middle, played on, played again."""

from __future__ import annotations

import email
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from app.core.db import reading
from app.core.text import digest
from app.deliveries.models import Delivery, DeliveryState, Document
from app.mail.models import Email, EmailState
from app.mailings.models import MailingReader
from app.petitions.models import Petition, Signature, SignatureState
from app.press.letter import read_statement
from app.signons.models import Edition, SignOn, SignOnState
from app.statements.models import Statement, StatementState

pytestmark = pytest.mark.long
ROOT = Path(__file__).parent.parent.parent
PLAY = [sys.executable, "-m", "flask", "--app", "wsgi", "demo", "play"]
NOTICE = "This is a demonstration. No organization has signed this letter."
SUMMARY = {"signed": "7", "declined": "1", "validated": "221", "waiting for confirmation": "20"}


@pytest.fixture
def stage(database: Flask, database_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment of a play on this test's database."""
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "QUEUE_URL": f"sqlite:///{tmp_path}/queue.sqlite",
        "VAR_DIR": str(tmp_path),
        "BASE_URL": "http://undersigned.example",
    }


def play(environment: dict[str, str]) -> str:
    done = subprocess.run(PLAY, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def play_until(scene: str, environment: dict[str, str]) -> None:
    """Play until a scene has begun, then kill the process where it stands."""
    process = subprocess.Popen(
        PLAY, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(scene):
            process.send_signal(signal.SIGKILL)
            break
    assert process.wait() == -signal.SIGKILL


def letters(folder: Path) -> list[EmailMessage]:
    return [email.message_from_bytes(path.read_bytes(), policy=default) for path in folder.glob("*.eml")]


def numbers(summary: str) -> dict[str, str]:
    return {name.strip(): value for name, value in re.findall(r"^  +([a-z][\w ]+?)\s{2,}(\d+)$", summary, re.MULTILINE)}


def written(session: Session) -> int:
    """How many letters there should be: the outbox's, and one of the update for each of its readers."""
    return sum(session.scalar(sa.select(sa.func.count()).select_from(rows)) or 0 for rows in (Email, MailingReader))


def check_rows(session: Session) -> None:
    """What must be true after any play, however often it was killed."""
    statement = session.scalars(sa.select(Statement)).one()
    assert statement.state is StatementState.DELIVERED
    states = Counter(session.scalars(sa.select(SignOn.state)))
    assert states == {SignOnState.CONFIRMED: 7, SignOnState.DECLINED: 1}
    edition = session.scalars(sa.select(Edition)).one()
    assert [name.place for name in edition.names] == list(range(1, 8)) or [
        name.place for name in edition.names
    ] == list(range(7))
    petition = session.scalars(sa.select(Petition)).one()
    ordinals = sorted(filter(None, session.scalars(sa.select(Signature.ordinal))))
    assert ordinals == list(range(1, petition.counted + 1))
    validated = session.scalar(
        sa.select(sa.func.count()).where(Signature.state == SignatureState.VALIDATED).select_from(Signature)
    )
    assert validated == petition.counted
    assert set(session.scalars(sa.select(Delivery.state))) == {DeliveryState.HANDED_OVER}
    assert session.scalar(sa.select(sa.func.count()).select_from(Document)) == 2
    assert set(session.scalars(sa.select(Email.state))) == {EmailState.ACCEPTED}
    twice = sa.select(MailingReader.reader_key).group_by(MailingReader.mailing_id, MailingReader.reader_key)
    assert session.scalars(twice.having(sa.func.count() > 1)).all() == []


def test_the_demonstration_carries_the_story_from_end_to_end(stage: dict[str, str], tmp_path: Path) -> None:
    summary = play(stage)
    assert SUMMARY.items() <= numbers(summary).items()
    assert "refused as duplicates           2" in summary
    with reading() as session:
        check_rows(session)
        statement = session.scalars(sa.select(Statement)).one()
        pdf = session.scalars(sa.select(Edition)).one().document
        assert pdf is not None
        assert digest(read_statement(pdf.body) or "") == statement.digest
        assert (tmp_path / pdf.filename).read_bytes() == pdf.body
    found = letters(tmp_path / "mail")
    with reading() as session:
        assert len(found) == written(session)
    check_letters(found, pdf.body)


def check_letters(found: list[EmailMessage], pdf: bytes) -> None:
    """Every letter says that it is a demonstration; only updates can be left by one click; targets get the very PDF."""
    assert len({letter["Message-ID"] for letter in found}) == len(found)
    updates = 0
    attached = 0
    for letter in found:
        for kind in ("plain", "html"):
            body = letter.get_body((kind,))
            assert body is not None
            assert NOTICE in body.get_content()
        assert letter["Subject"]
        assert letter["Date"]
        one_click = letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert one_click == bool(letter["List-Unsubscribe"])
        updates += one_click
        attached += any(part.get_content() == pdf for part in letter.iter_attachments())
        assert "undersigned.example" in str(letter["From"])
    assert updates == 75
    assert attached >= 11


def test_a_play_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing(
    stage: dict[str, str], tmp_path: Path
) -> None:
    for scene in (" 3.", " 7.", "  245", "  221", "12."):
        play_until(scene, stage)
    summary = play(stage)
    assert SUMMARY.items() <= numbers(summary).items()
    with reading() as session:
        check_rows(session)
        rows = written(session)
    found = letters(tmp_path / "mail")
    assert len({letter["Message-ID"] for letter in found}) == len(found) == rows
    again = play(stage)
    assert numbers(again) == numbers(summary)
    with reading() as session:
        assert written(session) == rows


def test_the_demonstration_refuses_to_mail_anybody(stage: dict[str, str]) -> None:
    done = subprocess.run(
        PLAY,
        cwd=ROOT,
        env={**stage, "MAIL_TRANSPORT": "smtp", "SMTP_URL": "smtp://127.0.0.1:1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "plays only with MAIL_TRANSPORT=dev" in done.stderr
