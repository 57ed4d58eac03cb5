"""what comes back

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-25
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "event_posts",
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("try_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_posts")),
    )
    with op.batch_alter_table("event_posts", schema=None) as batch_op:
        batch_op.create_index("ix_event_posts_due", ["state", "attempts", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_posts_try_after"), ["try_after"], unique=False)

    op.create_table(
        "event_tallies",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("word", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_tallies")),
        sa.UniqueConstraint("hour", "word", name=op.f("uq_event_tallies_hour_word")),
    )
    op.create_table(
        "list_pulls",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("pulled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("try_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_list_pulls")),
        sa.UniqueConstraint("name", name=op.f("uq_list_pulls_name")),
    )
    with op.batch_alter_table("list_pulls", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_list_pulls_try_after"), ["try_after"], unique=False)

    op.create_table(
        "withdrawals",
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("stream", sa.String(length=60), nullable=False),
        sa.Column("complaint", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawals")),
    )
    with op.batch_alter_table("withdrawals", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_withdrawals_address"), ["address"], unique=False)
        batch_op.create_index("ix_withdrawals_open", ["settled_at", "id"], unique=False)

    op.create_table(
        "mail_events",
        sa.Column("event_id", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("cause", sa.String(length=40), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("email_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reader_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("address", sa.String(length=254), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("suppressed", sa.Boolean(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["email_id"], ["emails.id"], name=op.f("fk_mail_events_email_id_emails"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["mailing_readers.id"],
            name=op.f("fk_mail_events_reader_id_mailing_readers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_events")),
        sa.UniqueConstraint("event_id", name=op.f("uq_mail_events_event_id")),
    )
    with op.batch_alter_table("mail_events", schema=None) as batch_op:
        batch_op.create_index("ix_mail_events_address", ["address", "kind", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_mail_events_email_id"), ["email_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_mail_events_heard_at"), ["heard_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_mail_events_reader_id"), ["reader_id"], unique=False)
        batch_op.create_index("ix_mail_events_newest", ["kind", "id"], unique=False)

    with op.batch_alter_table("emails", schema=None) as batch_op:
        batch_op.add_column(sa.Column("attempt_token", sa.String(length=32), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("emails", schema=None) as batch_op:
        batch_op.drop_column("attempt_token")

    with op.batch_alter_table("mail_events", schema=None) as batch_op:
        batch_op.drop_index("ix_mail_events_newest")
        batch_op.drop_index(batch_op.f("ix_mail_events_reader_id"))
        batch_op.drop_index(batch_op.f("ix_mail_events_heard_at"))
        batch_op.drop_index(batch_op.f("ix_mail_events_email_id"))
        batch_op.drop_index("ix_mail_events_address")

    op.drop_table("mail_events")
    with op.batch_alter_table("withdrawals", schema=None) as batch_op:
        batch_op.drop_index("ix_withdrawals_open")
        batch_op.drop_index(batch_op.f("ix_withdrawals_address"))

    op.drop_table("withdrawals")
    with op.batch_alter_table("list_pulls", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_list_pulls_try_after"))

    op.drop_table("list_pulls")
    op.drop_table("event_tallies")
    with op.batch_alter_table("event_posts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_posts_try_after"))
        batch_op.drop_index("ix_event_posts_due")

    op.drop_table("event_posts")
