"""left behind

Revision ID: 0011
Revises: 0010
Create Date: 2026-11-25
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("broadcasts", sa.Column("unplanned", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("broadcasts", "unplanned")
