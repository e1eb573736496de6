"""orders with open holds"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "orders_held_idx",
        "orders",
        ["number"],
        unique=False,
        postgresql_where=sa.text("hold_reasons <> '{}'"),
    )
