"""unmatched issues, and sources of messages named by kind"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What came before is known again under the new name of its source.
RENAMED = (
    "update inbox set source = 'warehouse/' || source"
    " where kind = 'milestone' and position('/' in source) = 0",
    "update inbox set source = 'system/' || source"
    " where kind = 'answer' and position('/' in source) = 0",
    "update goods_fact set source = 'warehouse/' || source where position('/' in source) = 0",
    "update movement_report r set source = 'warehouse/' || source"
    " where exists (select from location where id = r.source)",
)


def upgrade() -> None:
    op.add_column("stock_fact", sa.Column("fed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "stock_fact_unmatched_idx",
        "stock_fact",
        ["item", "location", "fed_at"],
        unique=False,
        postgresql_where=sa.text("by_feed > by_milestone"),
    )
    op.execute("drop function if exists book_goods(text, jsonb, jsonb)")
    for statement in RENAMED:
        op.execute(statement)
