"""The trail of every act that changes what the public sees: who, for which organization, what, when."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base
from app.core.many import bare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.core.actor import Actor


class AuditEntry(Base):
    """One act. ``act`` is a verb in the past (``statement.frozen``); ``detail`` holds words, never secrets."""

    __tablename__ = "audit_entries"
    __table_args__ = (sa.Index("ix_audit_entries_coalition", "coalition_id", "id"),)

    at: Mapped[datetime]
    act: Mapped[str] = mapped_column(sa.String(60))
    actor: Mapped[str] = mapped_column(sa.String(300))
    account_id: Mapped[int | None]
    coalition_id: Mapped[int | None]
    organization_id: Mapped[int | None]
    subject: Mapped[str] = mapped_column(sa.String(60))
    subject_id: Mapped[int]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


def record(
    session: Session,
    act: str,
    subject: Base,
    *,
    by: Actor,
    now: datetime,
    coalition_id: int | None = None,
    organization_id: int | None = None,
    **detail: str | int | None,
) -> None:
    """Write one act into the trail, in the same transaction as the act itself."""
    session.add(
        AuditEntry(
            at=now,
            act=act,
            actor=by.label,
            account_id=by.account_id,
            coalition_id=coalition_id,
            organization_id=organization_id,
            subject=subject.__tablename__,
            subject_id=subject.id,
            detail=detail,
        )
    )


def record_all(
    session: Session, act: str, kind: type[Base], *, by: Actor, now: datetime, **detail: str | int | None
) -> None:
    """Write one act on many things of a kind at once; the subject's number is 0."""
    entry = AuditEntry(at=now, act=act, actor=by.label, account_id=by.account_id, subject_id=0, detail=detail)
    entry.subject = kind.__tablename__
    session.add(entry)


def of_subject(session: Session, kind: type[Base], ident: int) -> list[AuditEntry]:
    """Every act on one thing, oldest first."""
    query = sa.select(AuditEntry).where(AuditEntry.subject == kind.__tablename__, AuditEntry.subject_id == ident)
    return list(session.scalars(query.order_by(AuditEntry.id)))


def record_many(
    session: Session,
    act: str,
    subjects: Sequence[tuple[Base, int | None, dict[str, Any]]],
    *,
    by: Actor,
    now: datetime,
    coalition_id: int,
) -> None:
    """Write the same act on many things at once: each with the organization it was done for, and its detail."""
    values = [
        {
            "at": now,
            "act": act,
            "actor": by.label,
            "account_id": by.account_id,
            "coalition_id": coalition_id,
            "organization_id": organization_id,
            "subject": subject.__tablename__,
            "subject_id": subject.id,
            "detail": detail,
        }
        for subject, organization_id, detail in subjects
    ]
    if values:
        session.execute(sa.insert(bare(AuditEntry)), values)


def trail(
    session: Session, coalition_id: int, *, act: str = "", before: int | None = None, limit: int = 50
) -> list[AuditEntry]:
    """A coalition's acts, newest first; ``act`` narrows to one kind, ``before`` is the id to page from."""
    query = sa.select(AuditEntry).where(AuditEntry.coalition_id == coalition_id)
    if act:
        query = query.where(AuditEntry.act == act)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    return list(session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit)))


def acts(session: Session, coalition_id: int) -> list[str]:
    """The kinds of acts in a coalition's trail."""
    query = sa.select(AuditEntry.act).where(AuditEntry.coalition_id == coalition_id).distinct().order_by(AuditEntry.act)
    return list(session.scalars(query))
