"""which state the run that has an order went out from"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "orders",
        sa.Column("based_on", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    # It came with another argument; as it is now, it is made at every start.
    op.execute(
        "drop function if exists save_order(text, text, text, integer, integer, text, jsonb,"
        " text, text[], numeric, boolean, integer, jsonb, jsonb, jsonb)"
    )
