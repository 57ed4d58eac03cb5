"""Counting outside of requests: what was validated since the last run is numbered and added; a check repairs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.core import db
from app.petitions.models import Petition, Signature, SignatureState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

COUNT = "petitions.count"
LOT = 1_000
RECOUNT_EVERY = timedelta(minutes=10)


def count_new(session: Session, petition_id: int, *, now: datetime) -> int:
    """Number and count the next lot of validated signatures; returns how many. Ordinals follow the confirmations."""
    petition = db.locked(session, Petition, petition_id)
    lot = list(
        session.scalars(
            sa.select(Signature)
            .where(
                Signature.petition_id == petition_id,
                Signature.state == SignatureState.VALIDATED,
                Signature.ordinal.is_(None),
            )
            .order_by(Signature.validated_at, Signature.id)
            .limit(LOT)
            .with_for_update()
        )
    )
    if not lot:
        return 0
    last = session.scalar(sa.select(sa.func.max(Signature.ordinal)).where(Signature.petition_id == petition_id)) or 0
    for ordinal, signature in enumerate(lot, last + 1):
        signature.ordinal = ordinal
    petition.counted += len(lot)
    petition.counted_at = now
    session.flush()
    return len(lot)


def recount(session: Session, petition_id: int, *, now: datetime) -> int:
    """Count a petition from its rows if nobody did for ten minutes; returns by how much the shown number was off."""
    petition = db.locked(session, Petition, petition_id)
    if petition.checked_at is not None and now - petition.checked_at < RECOUNT_EVERY:
        return 0
    true = session.scalar(
        sa.select(sa.func.count()).where(
            Signature.petition_id == petition_id,
            Signature.state == SignatureState.VALIDATED,
            Signature.ordinal.is_not(None),
        )
    )
    off = abs((true or 0) - petition.counted)
    petition.counted, petition.counted_at, petition.checked_at = true or 0, now, now
    session.flush()
    return off
