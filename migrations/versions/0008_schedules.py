"""schedules

Revision ID: 0008
Revises: 0007
Create Date: 2026-11-25
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def _number() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def upgrade() -> None:
    op.alter_column("mailings", "per_minute", new_column_name="per_hour")
    op.execute("UPDATE mailings SET per_hour = per_hour * 60")
    op.add_column("mailings", _moment("recall_due"))
    op.add_column("mailings", sa.Column("recall_error", sa.String(length=500), nullable=False, server_default=""))
    op.add_column("mailing_batches", _moment("leaves_at"))
    with op.batch_alter_table("mailings") as table:
        table.alter_column("recall_error", server_default=None)
    _moments()
    _departures()
    _comparisons()


def _moments() -> None:
    names = ("minute", "planned", "handed_over", "delivered", "bounced", "complained", "left", "unknown")
    op.create_table(
        "mailing_moments",
        sa.Column("mailing_id", _number(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in names),
        sa.Column("id", _number(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailing_id"], ["mailings.id"], name=op.f("fk_mailing_moments_mailing_id_mailings"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailing_moments")),
        sa.UniqueConstraint("mailing_id", "minute", name=op.f("uq_mailing_moments_mailing_id_minute")),
    )


def _departures() -> None:
    op.create_table(
        "broadcast_departures",
        sa.Column("broadcast_id", _number(), nullable=False),
        _moment("starts_at"),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("hour", sa.Integer(), nullable=True),
        sa.Column("late_hours", sa.Integer(), nullable=False),
        sa.Column("per_hour", sa.Integer(), nullable=True),
        sa.Column("missed", sa.String(length=500), nullable=False),
        sa.Column("id", _number(), nullable=False),
        sa.ForeignKeyConstraint(
            ["broadcast_id"],
            ["broadcasts.id"],
            name=op.f("fk_broadcast_departures_broadcast_id_broadcasts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcast_departures")),
        sa.UniqueConstraint("broadcast_id", name=op.f("uq_broadcast_departures_broadcast_id")),
    )
    op.create_index(op.f("ix_broadcast_departures_starts_at"), "broadcast_departures", ["starts_at"])


def _comparisons() -> None:
    op.create_table(
        "broadcast_comparisons",
        sa.Column("broadcast_id", _number(), nullable=False),
        sa.Column("measure", sa.String(length=40), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("salt", sa.Integer(), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=True),
        _moment("sampled_at"),
        _moment("decide_at"),
        _moment("open_since"),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("winner", sa.Integer(), nullable=True),
        _moment("decided_at"),
        sa.Column("id", _number(), nullable=False),
        sa.ForeignKeyConstraint(
            ["broadcast_id"],
            ["broadcasts.id"],
            name=op.f("fk_broadcast_comparisons_broadcast_id_broadcasts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcast_comparisons")),
        sa.UniqueConstraint("broadcast_id", name=op.f("uq_broadcast_comparisons_broadcast_id")),
    )
    op.create_table(
        "broadcast_subjects",
        sa.Column("comparison_id", _number(), nullable=False),
        sa.Column("variant", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("visits", sa.Integer(), nullable=False),
        sa.Column("id", _number(), nullable=False),
        sa.ForeignKeyConstraint(
            ["comparison_id"],
            ["broadcast_comparisons.id"],
            name=op.f("fk_broadcast_subjects_comparison_id_broadcast_comparisons"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcast_subjects")),
        sa.UniqueConstraint("code", name=op.f("uq_broadcast_subjects_code")),
        sa.UniqueConstraint("comparison_id", "variant", name=op.f("uq_broadcast_subjects_comparison_id_variant")),
    )


def downgrade() -> None:
    op.drop_table("broadcast_subjects")
    op.drop_table("broadcast_comparisons")
    op.drop_index(op.f("ix_broadcast_departures_starts_at"), table_name="broadcast_departures")
    op.drop_table("broadcast_departures")
    op.drop_table("mailing_moments")
    op.execute("UPDATE broadcasts SET state = 'approved' WHERE state = 'scheduled'")
    # What was called back was not sent, and the older code has one word for that.
    op.execute("UPDATE mailing_batches SET state = 'dropped' WHERE state = 'recalled'")
    op.execute("UPDATE mailings SET per_hour = (per_hour + 59) / 60")
    op.drop_column("mailing_batches", "leaves_at")
    op.drop_column("mailings", "recall_error")
    op.drop_column("mailings", "recall_due")
    op.alter_column("mailings", "per_hour", new_column_name="per_minute")
