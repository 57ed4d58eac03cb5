"""Plays the demonstration from the first invitation to the update, through the commands the web uses.

Each scene looks at what is there and does only what is missing, so a play that was interrupted goes on where it
stopped, and playing twice doubles nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from app.core.clock import utc_now
from app.core.db import reading
from app.core.errors import Conflict
from app.demo import crowd, gathering, lettering
from app.demo.stage import say
from app.demo.summary import print_summary
from app.jobs import worker
from app.mail.models import Email, EmailState
from config.settings import MailTransport, Settings

SCENES: tuple[tuple[str, Callable[[], object]], ...] = (
    ("The coalition is formed", gathering.form_the_coalition),
    ("Member organizations are invited and join", gathering.invite_the_members),
    ("The campaign names its targets", gathering.start_the_campaign),
    ("The letter is drafted together", lettering.draft),
    ("Member groups review it; it is frozen and opened", lettering.review_and_open),
    ("Organizations are asked to sign", lettering.ask_to_sign),
    ("Organizations sign or decline", lettering.collect_the_names),
    ("A petition on the same demand opens", crowd.open_the_petition),
    ("Supporters sign", crowd.people_sign),
    ("Supporters confirm", crowd.people_confirm),
    ("The letter closes and is delivered", lettering.close),
    ("Targets get the petition's report", crowd.report_to_targets),
    ("An update is written, and others are asked to approve it", crowd.write_the_update),
    ("Supporters hear what happened", crowd.send_the_update),
)


def play(settings: Settings) -> None:
    """Play every scene, do the worker's work after each, and print what came of it."""
    if settings.mail_transport is not MailTransport.DEV:
        raise Conflict("The demonstration mails nobody: it plays only with MAIL_TRANSPORT=dev.")
    refused: object = None
    for number, (title, scene) in enumerate(SCENES, 1):
        say(f"{number:2}. {title}")
        outcome = scene()
        refused = outcome if scene is crowd.people_sign else refused
        worker.until_idle()
    _wait_for_held_letters()
    print_summary(settings, refused)


def _wait_for_held_letters() -> None:
    """After a play that was killed, letters stay with the dead process until their lease runs out; wait for those."""
    while (until := _held_until()) is not None:
        wait = (until - utc_now()).total_seconds()
        if wait > 0:
            say(f"    waiting {wait:.0f} s for letters that an interrupted play had in hand")
            time.sleep(wait + 0.1)
        worker.until_idle()


def _held_until() -> datetime | None:
    with reading() as session:
        unsettled = sa.select(sa.func.max(Email.leased_until)).where(
            Email.state.in_([EmailState.QUEUED, EmailState.SUBMITTING]), Email.leased_until.is_not(None)
        )
        return session.scalar(unsettled)
