"""readers of mailings without a foreign key

Revision ID: 0011
Revises: 0010
Create Date: 2026-11-25
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KEY = "fk_mailing_readers_mailing_id_mailings"


def upgrade() -> None:
    with op.batch_alter_table("mailing_readers") as batch_op:
        batch_op.drop_constraint(KEY, type_="foreignkey")


def downgrade() -> None:
    with op.batch_alter_table("mailing_readers") as batch_op:
        batch_op.create_foreign_key(KEY, "mailings", ["mailing_id"], ["id"], ondelete="CASCADE")
