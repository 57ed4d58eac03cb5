"""late answers, cancellations that are over, and posts that come twice

Revision ID: 0015
Revises: 0014
Create Date: 2026-11-26
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("mailing_readers") as batch:
        batch.add_column(sa.Column("attempt_token", sa.String(length=32), nullable=True))
    with op.batch_alter_table("mailings") as batch:
        batch.add_column(sa.Column("release_due", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("event_posts") as batch:
        batch.add_column(sa.Column("digest", sa.String(length=64), nullable=True))
    op.create_index(op.f("ix_event_posts_digest"), "event_posts", ["digest"], unique=True)
    # What was called back before is released as well; whether all of it is over is looked up then.
    op.execute("UPDATE mailings SET release_due = recalled_at WHERE recalled_at IS NOT NULL")


def downgrade() -> None:
    op.drop_index(op.f("ix_event_posts_digest"), table_name="event_posts")
    with op.batch_alter_table("event_posts") as batch:
        batch.drop_column("digest")
    with op.batch_alter_table("mailings") as batch:
        batch.drop_column("release_due")
    with op.batch_alter_table("mailing_readers") as batch:
        batch.drop_column("attempt_token")
