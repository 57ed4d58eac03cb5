"""left behind

Revision ID: 0013
Revises: 0012
Create Date: 2026-11-25
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("broadcasts", sa.Column("unplanned", sa.Integer(), nullable=True))
    op.add_column("mailing_batches", sa.Column("not_after", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    # The older code lets a person go on from there, too.
    op.execute("UPDATE mailings SET state = 'held' WHERE state = 'late'")
    op.drop_column("mailing_batches", "not_after")
    op.drop_column("broadcasts", "unplanned")
