"""mailings

Revision ID: 0002
Revises: 0001
Create Date: 2026-11-25 19:18:45.099496
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Updates sent before there were mailings keep what is known of each reader. A mailing takes its update's number.
MOVE = (
    """
    INSERT INTO mailings (id, stream, template, state, reason, planning, planned, batches, splits, next_at,
                          refused_in_a_row, created_at, finished_at)
    SELECT b.id, 'updates:' || b.organization_id, 'broadcasts/mail/update',
           CASE b.state WHEN 'stopped' THEN 'stopped' ELSE 'done' END, '', false, count(r.id), 1, 0, b.started_at,
           0, b.started_at, b.finished_at
    FROM broadcasts b JOIN broadcast_recipients r ON r.broadcast_id = b.id GROUP BY b.id
    """,
    """
    INSERT INTO mailing_readers (mailing_id, reader_key, batch_number, address, canonical, name, state, submitting,
                                 reason, message_id, changed_at)
    SELECT r.broadcast_id, r.supporter_id, 1, e.to_address, e.to_canonical, e.to_name,
           CASE WHEN e.state IN ('queued', 'submitting') THEN 'unknown' WHEN e.state = 'dropped' THEN 'suppressed'
                ELSE e.state END,
           false, coalesce(e.last_error, ''), e.message_id, e.settled_at
    FROM broadcast_recipients r JOIN emails e ON e.id = r.email_id
    """,
    """
    INSERT INTO mailing_batches (mailing_id, number, variant, state, size, attempts, try_after, submitted_at,
                                 accepted_at, suppressed, failed, unknown, accepted, dropped, delivered, bounced,
                                 complained, "left")
    SELECT m.id, 1, 0, 'accepted', count(r.id), 1, m.created_at, m.created_at, m.created_at,
           sum(CASE r.state WHEN 'suppressed' THEN 1 ELSE 0 END), sum(CASE r.state WHEN 'failed' THEN 1 ELSE 0 END),
           sum(CASE r.state WHEN 'unknown' THEN 1 ELSE 0 END), sum(CASE r.state WHEN 'accepted' THEN 1 ELSE 0 END),
           0, sum(CASE r.state WHEN 'delivered' THEN 1 ELSE 0 END),
           sum(CASE r.state WHEN 'bounced' THEN 1 ELSE 0 END), 0, 0
    FROM mailings m JOIN mailing_readers r ON r.mailing_id = m.id GROUP BY m.id
    """,
    "UPDATE broadcasts SET mailing_id = id WHERE id IN (SELECT id FROM mailings)",
)
# And back: who was in it, without the letters that are in no outbox.
MOVE_BACK = (
    """
    INSERT INTO broadcast_recipients (broadcast_id, supporter_id, left_out)
    SELECT b.id, r.reader_key, '' FROM broadcasts b JOIN mailing_readers r ON r.mailing_id = b.mailing_id
    JOIN supporters s ON s.id = r.reader_key
    """,
    """
    UPDATE broadcasts SET planned = coalesce((SELECT m.planned FROM mailings m WHERE m.id = mailing_id), 0)
    """,
)


def upgrade() -> None:
    op.create_table(
        "mailings",
        sa.Column("stream", sa.String(length=60), nullable=False),
        sa.Column("template", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("planning", sa.Boolean(), nullable=False),
        sa.Column("planned", sa.Integer(), nullable=False),
        sa.Column("batches", sa.Integer(), nullable=False),
        sa.Column("splits", sa.Integer(), nullable=False),
        sa.Column("per_minute", sa.Integer(), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refused_in_a_row", sa.Integer(), nullable=False),
        sa.Column("recall_id", sa.String(length=255), nullable=True),
        sa.Column("recalled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailings")),
    )
    with op.batch_alter_table("mailings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mailings_state"), ["state"], unique=False)

    op.create_table(
        "mailing_batches",
        sa.Column("mailing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("variant", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("attempt_token", sa.String(length=32), nullable=True),
        sa.Column("provider_id", sa.String(length=255), nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("suppressed", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("unknown", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.Integer(), nullable=False),
        sa.Column("delivered", sa.Integer(), nullable=False),
        sa.Column("bounced", sa.Integer(), nullable=False),
        sa.Column("complained", sa.Integer(), nullable=False),
        sa.Column("left", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("try_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailing_id"], ["mailings.id"], name=op.f("fk_mailing_batches_mailing_id_mailings"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailing_batches")),
        sa.UniqueConstraint("mailing_id", "number", name=op.f("uq_mailing_batches_mailing_id_number")),
    )
    with op.batch_alter_table("mailing_batches", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mailing_batches_attempt_token"), ["attempt_token"], unique=False)
        batch_op.create_index("ix_mailing_batches_due", ["state", "try_after"], unique=False)
        batch_op.create_index(batch_op.f("ix_mailing_batches_try_after"), ["try_after"], unique=False)

    op.create_table(
        "mailing_letters",
        sa.Column("mailing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("variant", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=500), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("from_name", sa.String(length=200), nullable=False),
        sa.Column("reply_to", sa.String(length=254), nullable=False),
        sa.Column("unsubscribe_url", sa.String(length=1000), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("holes", sa.JSON(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailing_id"], ["mailings.id"], name=op.f("fk_mailing_letters_mailing_id_mailings"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailing_letters")),
        sa.UniqueConstraint("mailing_id", "variant", name=op.f("uq_mailing_letters_mailing_id_variant")),
    )
    op.create_table(
        "mailing_readers",
        sa.Column("mailing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reader_key", sa.BigInteger(), nullable=False),
        sa.Column("batch_number", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("canonical", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=True),
        sa.Column("submitting", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("message_id", sa.String(length=255), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailing_id"], ["mailings.id"], name=op.f("fk_mailing_readers_mailing_id_mailings"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailing_readers")),
        sa.UniqueConstraint("mailing_id", "reader_key", name=op.f("uq_mailing_readers_mailing_id_reader_key")),
    )
    with op.batch_alter_table("mailing_readers", schema=None) as batch_op:
        batch_op.create_index("ix_mailing_readers_batch", ["mailing_id", "batch_number"], unique=False)
        batch_op.create_index("ix_mailing_readers_canonical", ["canonical"], unique=False)

    with op.batch_alter_table("broadcasts", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("mailing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.create_index(batch_op.f("ix_broadcasts_mailing_id"), ["mailing_id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_broadcasts_mailing_id_mailings"), "mailings", ["mailing_id"], ["id"])

    bind = op.get_bind()
    if bind.execute(sa.text("SELECT count(*) FROM broadcasts WHERE state IN ('sending', 'paused')")).scalar_one():
        raise RuntimeError(
            "An update is being sent. Let it finish, or stop it, before bringing the database up to date."
        )
    for statement in MOVE:
        bind.execute(sa.text(statement))
    if bind.dialect.name == "postgresql":
        bind.execute(sa.text("SELECT setval(pg_get_serial_sequence('mailings', 'id'), max(id)) FROM mailings"))

    with op.batch_alter_table("broadcast_recipients", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_broadcast_recipients_email_id"))
        batch_op.drop_index(batch_op.f("ix_broadcast_recipients_supporter_id"))

    op.drop_table("broadcast_recipients")
    with op.batch_alter_table("broadcasts", schema=None) as batch_op:
        batch_op.drop_column("planned")


def downgrade() -> None:
    with op.batch_alter_table("broadcasts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("planned", sa.Integer(), nullable=False, server_default="0"))

    op.create_table(
        "broadcast_recipients",
        sa.Column("broadcast_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("supporter_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("email_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("left_out", sa.String(length=60), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["broadcast_id"],
            ["broadcasts.id"],
            name=op.f("fk_broadcast_recipients_broadcast_id_broadcasts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["email_id"], ["emails.id"], name=op.f("fk_broadcast_recipients_email_id_emails")),
        sa.ForeignKeyConstraint(
            ["supporter_id"],
            ["supporters.id"],
            name=op.f("fk_broadcast_recipients_supporter_id_supporters"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcast_recipients")),
        sa.UniqueConstraint(
            "broadcast_id", "supporter_id", name=op.f("uq_broadcast_recipients_broadcast_id_supporter_id")
        ),
    )
    with op.batch_alter_table("broadcast_recipients", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_broadcast_recipients_supporter_id"), ["supporter_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_broadcast_recipients_email_id"), ["email_id"], unique=False)

    for statement in MOVE_BACK:
        op.get_bind().execute(sa.text(statement))
    with op.batch_alter_table("broadcasts", schema=None) as batch_op:
        batch_op.alter_column("planned", server_default=None)
        batch_op.drop_constraint(batch_op.f("fk_broadcasts_mailing_id_mailings"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_broadcasts_mailing_id"))
        batch_op.drop_column("mailing_id")

    with op.batch_alter_table("mailing_readers", schema=None) as batch_op:
        batch_op.drop_index("ix_mailing_readers_canonical")
        batch_op.drop_index("ix_mailing_readers_batch")

    op.drop_table("mailing_readers")
    op.drop_table("mailing_letters")
    with op.batch_alter_table("mailing_batches", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_mailing_batches_try_after"))
        batch_op.drop_index("ix_mailing_batches_due")
        batch_op.drop_index(batch_op.f("ix_mailing_batches_attempt_token"))

    op.drop_table("mailing_batches")
    with op.batch_alter_table("mailings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_mailings_state"))

    op.drop_table("mailings")
