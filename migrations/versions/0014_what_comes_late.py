"""what comes late

Revision ID: 0014
Revises: 0013
Create Date: 2026-11-25
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mailing_attempts",
        sa.Column("mailing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("batch_number", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailing_id"],
            ["mailings.id"],
            name=op.f("fk_mailing_attempts_mailing_id_mailings"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailing_attempts")),
        sa.UniqueConstraint(
            "mailing_id", "batch_number", "token", name=op.f("uq_mailing_attempts_mailing_id_batch_number_token")
        ),
    )
    op.create_index(op.f("ix_mailing_attempts_token"), "mailing_attempts", ["token"])
    op.create_table(
        "groups_told",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_groups_told")),
        sa.UniqueConstraint("number", name=op.f("uq_groups_told_number")),
    )
    with op.batch_alter_table("email_attempts") as batch:
        batch.add_column(sa.Column("token", sa.String(length=32), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("email_attempts") as batch:
        batch.drop_column("token")
    op.drop_table("groups_told")
    op.drop_index(op.f("ix_mailing_attempts_token"), table_name="mailing_attempts")
    op.drop_table("mailing_attempts")
