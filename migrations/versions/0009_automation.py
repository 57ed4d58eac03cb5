"""automation

Revision ID: 0009
Revises: 0008
Create Date: 2026-11-25
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def _number() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _key(table: str, column: str, to: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"), ondelete=ondelete)


def upgrade() -> None:
    op.create_table(
        "automations",
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("place", sa.String(length=60), nullable=False),
        sa.Column("petition_id", _number(), nullable=False),
        sa.Column("organization_id", _number(), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("delay_hours", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("author_id", _number(), nullable=True),
        _moment("tested_at"),
        sa.Column("approver_id", _number(), nullable=True),
        sa.Column("approver_organization_id", _number(), nullable=True),
        sa.Column("approved_version", sa.Integer(), nullable=True),
        _moment("approved_at"),
        _moment("on_since"),
        _moment("seen_until"),
        _moment("created_at", nullable=False),
        sa.Column("id", _number(), nullable=False),
        _key("automations", "approver_id", "accounts"),
        _key("automations", "approver_organization_id", "organizations"),
        _key("automations", "author_id", "accounts"),
        _key("automations", "organization_id", "organizations"),
        _key("automations", "petition_id", "petitions", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automations")),
        sa.UniqueConstraint("place", name=op.f("uq_automations_place")),
    )
    op.create_index(op.f("ix_automations_on_since"), "automations", ["on_since"])
    op.create_index(op.f("ix_automations_petition_id"), "automations", ["petition_id"])
    _letters()


def _letters() -> None:
    table = "automation_letters"
    op.create_table(
        table,
        sa.Column("automation_id", _number(), nullable=False),
        sa.Column("signature_id", _number(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("organization_id", _number(), nullable=True),
        sa.Column("supporter_id", _number(), nullable=True),
        sa.Column("email_id", _number(), nullable=True),
        _moment("at", nullable=False),
        sa.Column("id", _number(), nullable=False),
        sa.CheckConstraint("number IN (1, 2)", name=op.f(f"ck_{table}_at_most_two")),
        _key(table, "automation_id", "automations", "CASCADE"),
        _key(table, "email_id", "emails", "SET NULL"),
        _key(table, "organization_id", "organizations"),
        _key(table, "signature_id", "signatures", "CASCADE"),
        _key(table, "supporter_id", "supporters", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        *(
            sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))
            for columns in (
                ("automation_id", "signature_id"),
                ("organization_id", "supporter_id"),
                ("signature_id", "number"),
            )
        ),
    )
    op.create_index(op.f(f"ix_{table}_supporter_id"), table, ["supporter_id"])
    op.create_index(op.f(f"ix_{table}_email_id"), table, ["email_id"])


def downgrade() -> None:
    op.drop_table("automation_letters")
    op.drop_table("automations")
