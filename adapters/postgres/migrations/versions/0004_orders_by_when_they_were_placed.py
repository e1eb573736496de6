"""orders by when they were placed"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("orders_placed_at_idx", "orders", ["placed_at"], unique=False)
