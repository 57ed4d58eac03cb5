"""post office

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-25
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "email_attempts",
        sa.Column("email_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("certain", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["email_id"], ["emails.id"], name=op.f("fk_email_attempts_email_id_emails"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_attempts")),
    )
    with op.batch_alter_table("email_attempts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_email_attempts_email_id"), ["email_id"], unique=False)

    op.create_table(
        "mail_checks",
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_checks")),
        sa.UniqueConstraint("domain", name=op.f("uq_mail_checks_domain")),
    )
    with op.batch_alter_table("emails", schema=None) as batch_op:
        batch_op.add_column(sa.Column("handed_over_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("held_by", sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("decided_by", sa.String(length=300), nullable=True))
        batch_op.create_index("ix_emails_accepted", ["accepted_at", "created_at"], unique=False)

    with op.batch_alter_table("mail_pauses", schema=None) as batch_op:
        batch_op.add_column(sa.Column("by_whom", sa.String(length=300), nullable=False, server_default=""))
        batch_op.alter_column("by_whom", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("mail_pauses", schema=None) as batch_op:
        batch_op.drop_column("by_whom")

    with op.batch_alter_table("emails", schema=None) as batch_op:
        batch_op.drop_index("ix_emails_accepted")
        batch_op.drop_column("decided_by")
        batch_op.drop_column("decided_at")
        batch_op.drop_column("held_by")
        batch_op.drop_column("handed_over_at")

    op.drop_table("mail_checks")
    with op.batch_alter_table("email_attempts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_email_attempts_email_id"))

    op.drop_table("email_attempts")
