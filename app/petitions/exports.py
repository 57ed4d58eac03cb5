"""Signers as a table, for an organization they said yes to; and all that is held about a person, for that person."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from app.core.tables import csv_parts
from app.petitions import queries
from app.petitions.models import Signature
from app.supporters.models import Supporter
from app.supporters.queries import held

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

COLUMNS = ("given_name", "family_name", "email", "postal_code", "country", "comments", "signed_at")


def signers(signatures: Iterable[Signature]) -> Iterator[bytes]:
    """CSV with a row a person, in parts; no cell that a spreadsheet would run."""
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
        for one in signatures
    )
    return csv_parts(COLUMNS, rows)


def own_data(session: Session, supporter: Supporter | None) -> bytes:
    """Everything that is held about a person, as JSON; nothing once they were erased."""
    if supporter is None:
        return b"{}"
    signatures = [
        {
            "petition": one.petition.title,
            "state": one.state.value,
            "given_name": one.given_name,
            "family_name": one.family_name,
            "email": one.email,
            "postal_code": one.postal_code,
            "country": one.country,
            "comments": one.comments,
            "at": one.created_at.isoformat(),
        }
        for one in queries.of_person(session, supporter)
    ]
    return json.dumps(held(session, supporter) | {"signatures": signatures}, ensure_ascii=False, indent=2).encode()
