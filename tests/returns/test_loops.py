"""Two installations whose addresses are each other's readers do not write to each other for ever."""

from __future__ import annotations

from flask import Flask

from app.returns.models import ReplyKind
from tests.returns.mails import carried, come_in, handed_over, mail, replies, reply_address, sent, take_answers_in


def test_two_installations_that_answer_to_each_other_end_after_one_letter(database: Flask) -> None:
    take_answers_in()
    come_in(mail(to=reply_address(sent()), files=(("map.pdf", b"%PDF"),)))
    (raw,) = [letter.raw for letter in handed_over() if b"map.pdf" in letter.raw]
    assert b"Auto-Submitted: auto-generated" in raw
    # The other installation's: its own address, and an organization there whose address is one of our letters'.
    theirs = raw.replace(b"letters@undersigned.example", b"letters@other.example")
    theirs = theirs.replace(b"Message-ID: <", b"Message-ID: <other.")
    come_in(b"X-Original-To: " + reply_address(sent("letter:2")).encode() + b"\r\n" + theirs)

    assert replies()[-1].kind is ReplyKind.AUTOMATIC
    assert len(carried()) == 1
