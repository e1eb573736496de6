"""whether an Idempotency-Key made its order, or found it"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Of those kept so far nobody knows: they go on being answered as if each had made its order.
    op.add_column(
        "order_key",
        sa.Column("made_it", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )
