"""A petition's signers as a table, for one organization: only people who said yes to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.tables import write_csv
from app.petitions import queries

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

COLUMNS = ("given_name", "family_name", "email", "postal_code", "country", "comments", "signed_at")


def signers(session: Session, petition_id: int, organization_id: int) -> bytes:
    """CSV with a row a person; no cell that a spreadsheet would run."""
    rows = (
        (
            one.given_name,
            one.family_name,
            one.email,
            one.postal_code,
            one.country,
            one.comments,
            one.validated_at.isoformat() if one.validated_at else "",
        )
        for one in queries.consenting(session, petition_id, organization_id)
    )
    return write_csv(COLUMNS, rows)
