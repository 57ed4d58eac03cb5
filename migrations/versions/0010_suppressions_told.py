"""suppressions told

Revision ID: 0010
Revises: 0009
Create Date: 2026-11-25
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "suppressions_told",
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("wish", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("try_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions_told")),
        sa.UniqueConstraint("address", name=op.f("uq_suppressions_told_address")),
    )
    op.create_index("ix_suppressions_told_due", "suppressions_told", ["stopped", "asked_at"])
    op.create_index(op.f("ix_suppressions_told_try_after"), "suppressions_told", ["try_after"])


def downgrade() -> None:
    op.drop_index(op.f("ix_suppressions_told_try_after"), table_name="suppressions_told")
    op.drop_index("ix_suppressions_told_due", table_name="suppressions_told")
    op.drop_table("suppressions_told")
