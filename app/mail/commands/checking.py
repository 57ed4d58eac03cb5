"""Keeping what a check of the sending domain found, so that the page shows it without asking anybody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core import audit, db
from app.mail.commands.deciding import only_operators
from app.mail.deliverability import Finding
from app.mail.models import MailCheck

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor


def keep_check(session: Session, domain: str, findings: Sequence[Finding], *, by: Actor, now: datetime) -> MailCheck:
    """Keep the newest findings of a domain; of two checks at once the later one stays."""
    only_operators(by)
    told = {"findings": [finding.as_json() for finding in findings]}
    start = {"domain": domain, "checked_at": now, "found": told}
    db.insert_once(session, MailCheck, [start], unique=["domain"])
    row = session.scalars(sa.select(MailCheck).where(MailCheck.domain == domain).with_for_update()).one()
    if row.checked_at <= now:
        row.checked_at, row.found = now, told
    audit.record(session, "mail.checked", row, by=by, now=now, domain=domain)
    return row
