"""audiences

Revision ID: 0007
Revises: 0006
Create Date: 2026-11-25
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BROADCASTS = sa.table(
    "broadcasts",
    sa.column("id", sa.BigInteger),
    sa.column("petition_id", sa.BigInteger),
    sa.column("audience", sa.JSON),
)
NEW = {
    "coalitions": ["other_organization_approves"],
    "organizations": ["sender_name"],
    "broadcasts": ["audience", "statement_id", "frozen_count", "approver_organization_id"],
}


def _number() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "postal_districts",
        sa.Column("target_id", _number(), nullable=False),
        sa.Column("prefix", sa.String(length=10), nullable=False),
        sa.Column("district", sa.String(length=200), nullable=False),
        sa.Column("id", _number(), nullable=False),
        sa.ForeignKeyConstraint(
            ["target_id"], ["targets.id"], name=op.f("fk_postal_districts_target_id_targets"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postal_districts")),
        sa.UniqueConstraint("target_id", "prefix", name=op.f("uq_postal_districts_target_id_prefix")),
    )
    # Added in place: a table that is built anew on SQLite would take the rows with it that point to its own.
    no, nothing, empty = sa.false(), "", "{}"
    op.add_column(
        "coalitions", sa.Column("other_organization_approves", sa.Boolean(), nullable=False, server_default=no)
    )
    op.add_column(
        "organizations", sa.Column("sender_name", sa.String(length=100), nullable=False, server_default=nothing)
    )
    op.add_column("broadcasts", sa.Column("audience", sa.JSON(), nullable=False, server_default=empty))
    op.add_column("broadcasts", sa.Column("frozen_count", sa.Integer(), nullable=True))
    for column, table in (("statement_id", "statements"), ("approver_organization_id", "organizations")):
        key = sa.ForeignKey(f"{table}.id", name=op.f(f"fk_broadcasts_{column}_{table}"))
        op.add_column("broadcasts", sa.Column(column, _number(), key, nullable=True), inline_references=True)
    connection = op.get_bind()
    chosen = sa.select(BROADCASTS.c.id, BROADCASTS.c.petition_id).where(BROADCASTS.c.petition_id.is_not(None))
    for ident, petition in connection.execute(chosen).all():
        change = sa.update(BROADCASTS).where(BROADCASTS.c.id == ident)
        connection.execute(change.values(audience={"signed": [petition]}))


def downgrade() -> None:
    for table, columns in NEW.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for column in columns:
                batch_op.drop_column(column)
    op.drop_table("postal_districts")
