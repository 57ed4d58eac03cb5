"""replies

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-25
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inbound_mails",
        sa.Column("source", sa.String(length=400), nullable=False),
        sa.Column("form", sa.String(length=300), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("problem", sa.String(length=500), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("try_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_mails")),
        sa.UniqueConstraint("source", name=op.f("uq_inbound_mails_source")),
    )
    with op.batch_alter_table("inbound_mails", schema=None) as batch_op:
        batch_op.create_index("ix_inbound_mails_state", ["state", "try_after"], unique=False)
        batch_op.create_index(batch_op.f("ix_inbound_mails_try_after"), ["try_after"], unique=False)

    op.create_table(
        "replies",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("email_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("mailing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reader_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("why", sa.String(length=200), nullable=False),
        sa.Column("sender_address", sa.String(length=254), nullable=False),
        sa.Column("sender_canonical", sa.String(length=254), nullable=False),
        sa.Column("sender_name", sa.String(length=200), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("quoted", sa.Text(), nullable=False),
        sa.Column("is_cut", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("forwarded_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["email_id"], ["emails.id"], name=op.f("fk_replies_email_id_emails")),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name=op.f("fk_replies_mailing_id_mailings")),
        sa.ForeignKeyConstraint(["forwarded_id"], ["emails.id"], name=op.f("fk_replies_forwarded_id_emails")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replies")),
        sa.UniqueConstraint("digest", name=op.f("uq_replies_digest")),
    )
    with op.batch_alter_table("replies", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_replies_email_id"), ["email_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_replies_forwarded_id"), ["forwarded_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_replies_mailing_id"), ["mailing_id"], unique=False)
        batch_op.create_index("ix_replies_reader", ["reader_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_replies_sender_canonical"), ["sender_canonical"], unique=False)

    op.create_table(
        "reply_files",
        sa.Column("reply_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["reply_id"], ["replies.id"], name=op.f("fk_reply_files_reply_id_replies"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply_files")),
    )
    with op.batch_alter_table("reply_files", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reply_files_reply_id"), ["reply_id"], unique=False)

    with op.batch_alter_table("emails", schema=None) as batch_op:
        batch_op.add_column(sa.Column("answers_directly", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("emails", schema=None) as batch_op:
        batch_op.alter_column("answers_directly", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("emails", schema=None) as batch_op:
        batch_op.drop_column("answers_directly")

    with op.batch_alter_table("reply_files", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reply_files_reply_id"))

    op.drop_table("reply_files")
    with op.batch_alter_table("replies", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_replies_sender_canonical"))
        batch_op.drop_index("ix_replies_reader")
        batch_op.drop_index(batch_op.f("ix_replies_mailing_id"))
        batch_op.drop_index(batch_op.f("ix_replies_forwarded_id"))
        batch_op.drop_index(batch_op.f("ix_replies_email_id"))

    op.drop_table("replies")
    with op.batch_alter_table("inbound_mails", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_inbound_mails_try_after"))
        batch_op.drop_index("ix_inbound_mails_state")

    op.drop_table("inbound_mails")
