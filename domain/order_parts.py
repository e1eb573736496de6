"""The parts of an order: its lines, and what left and came back for it. Quantities are in each
line's own unit.
"""

from datetime import date, datetime
from decimal import Decimal

from pydantic import BaseModel

from domain.base import ZERO, Fact, Goal

ONE = Decimal(1)
GOODS = "goods"


class Line(BaseModel):
    """`item`, `unit` and `price` as they were asked for; `sources` is what each location is to
    deliver, shipped goods included; `picked`, `packed`, `shipped` are by location.

    A line with a `kit` is a part of that line, as many as `per_kit` of each.
    `unreleased` is what a location shipped and is not part of what it is asked for now: without
    having been asked at all, or under an earlier release.
    """

    line: str
    item: str
    unit: str | None = None
    price: Decimal | None = None
    price_unit: str | None = None
    discount: Decimal = ZERO
    kit: str = ""
    per_kit: Decimal = ONE
    ordered: Decimal
    cancelled: Decimal = ZERO
    sources: Goal = {}
    unreleased: Goal = {}
    picked: Goal = {}
    packed: Goal = {}
    shipped: Goal = {}
    delivered: Decimal = ZERO
    returned: Decimal = ZERO

    @property
    def total_shipped(self) -> Decimal:
        return sum(self.shipped.values(), ZERO)

    @property
    def agreed(self) -> Decimal:
        """What left the warehouse was agreed, whatever was ordered or cancelled meanwhile."""
        return max(self.ordered - self.cancelled, self.total_shipped)

    @property
    def backordered(self) -> Decimal:
        """What no source is to deliver yet."""
        return max(self.agreed - sum(self.sources.values(), ZERO), ZERO)


class Shipment(BaseModel):
    """Goods that left `source` together. Invoiced together, too.

    `id` is unique within the order; `reported_as` is what its source calls it, more than once if it
    tells of it in parts. `scanned_at` is when a carrier last said anything of it, `waited_since`
    when somebody last decided to wait on. What is `lost` or `came_back` is not waited for any more.
    """

    id: str
    reported_as: str = ""
    source: str
    lines: Goal
    document: str = ""
    carrier: str = ""
    tracking: str = ""
    shipped_at: datetime
    delivered_at: datetime | None = None
    scanned_at: datetime | None = None
    waited_since: datetime | None = None
    lost: bool = False
    came_back: bool = False

    def is_called(self, name: str | None) -> bool:
        """By us, or by its source."""
        return name in (self.id, self.reported_as)

    @property
    def last_word(self) -> datetime:
        """When it left, or was heard of since."""
        return self.scanned_at or self.shipped_at

    @property
    def watched_from(self) -> datetime:
        return max(self.last_word, self.waited_since or self.last_word)

    @property
    def under_way(self) -> bool:
        return self.delivered_at is None and not (self.lost or self.came_back)


class Arrival(Fact):
    """When something was delivered, by which message."""

    at: datetime
    message: str


class Authorised(Fact):
    """A return that was agreed to: so much of each line, until the end of the day `expires`.
    `restocking` is the percentage of the credit that is kept.
    """

    id: str
    lines: Goal
    received: Goal = {}
    reason: str = ""
    restocking: Decimal = ZERO
    at: datetime
    expires: date | None = None
    expired: bool = False

    @property
    def open(self) -> bool:
        came = self.received
        return not self.expired and any(q > came.get(n, ZERO) for n, q in self.lines.items())


class Return(BaseModel):
    """Goods that came back to `source`. What is `inspected` is `credited`, whatever its condition,
    as far as it was shipped and not credited before.

    Each inspection is a return of its own, because each is credited by itself: what the first one
    under a `reported_as` has received may be inspected in later ones.

    Credit without goods is a return, too, of another `kind` than goods: of whole units, or of the
    amount `per_unit`, net, of each. `restocking` is a percentage that is not credited, nor is the
    amount that was `given` back of these lines' prices before. `shipment` is what it is of, where
    somebody said so; `freight` is credited with it, as an amount.
    """

    id: str
    reported_as: str = ""
    source: str
    received: Goal = {}
    inspected: Goal = {}
    credited: Goal = {}
    received_at: datetime
    inspected_at: datetime | None = None
    kind: str = GOODS
    shipment: str = ""
    per_unit: Goal = {}
    given: Goal = {}
    freight: Decimal = ZERO
    restocking: Decimal = ZERO
