"""EasyPost API v2: a label per booking, found by our key as the shipment's reference.

The vendor makes a second shipment when asked twice, so every call looks first. An amended booking
is another shipment: the old label is given back before the new one is bought, because only the
newest shipment is found by its reference.
"""

from decimal import Decimal

from adapters.http import Reply, SystemClient, VendorAnswer
from adapters.port import Standing
from adapters.tms.port import Tms
from domain.answer import Answer, Done, Pending, Refused
from domain.base import Goal, tidy
from domain.documents import TransportBooking
from domain.errors import UnexpectedAnswer
from domain.party import Address

UNDELIVERABLE = "address_undeliverable"
REFUSED = "transport_refused"
OUNCES_PER_KILOGRAM = Decimal("35.27396195")
GIVEN_BACK = {"submitted", "refunded"}
Body = dict[str, object]


class EasyPost(Tms):
    def __init__(self, client: SystemClient) -> None:
        self._bookings = _Bookings(client)

    @property
    def bookings(self) -> Standing[TransportBooking]:
        return self._bookings


class _Item(VendorAnswer):
    code: str
    quantity: Decimal


class _Customs(VendorAnswer):
    customs_items: tuple[_Item, ...]


class _Rate(VendorAnswer):
    id: str
    carrier: str
    service: str
    rate: Decimal


class _Shipment(VendorAnswer):
    id: str
    tracking_code: str | None
    refund_status: str | None
    rates: tuple[_Rate, ...]
    selected_rate: _Rate | None
    customs_info: _Customs

    @property
    def lines(self) -> Goal:
        return tidy({item.code: item.quantity for item in self.customs_info.customs_items})

    def done(self) -> Done:
        if not self.tracking_code or self.refund_status in GIVEN_BACK:
            return Done(standing={})
        carrier = self.selected_rate.carrier if self.selected_rate else ""
        return Done(standing=self.lines, ref=f"{carrier}/{self.tracking_code}")

    def rate_for(self, ship_method: str) -> _Rate | None:
        """The service that was asked for, else the cheapest."""
        named = [rate for rate in self.rates if rate.service.lower() == ship_method.lower()]
        return min(named or self.rates, key=lambda rate: rate.rate, default=None)


class _Trouble(VendorAnswer):
    code: str
    message: str


class _Refusal(VendorAnswer):
    error: _Trouble

    def refused(self, standing: Goal) -> Refused:
        reason = UNDELIVERABLE if self.error.code.startswith("ADDRESS.") else REFUSED
        detail = f"{self.error.code}: {self.error.message}"
        return Refused(reason=reason, detail=detail, standing=standing)


class _Bookings(Standing[TransportBooking]):
    def __init__(self, client: SystemClient) -> None:
        self._client = client

    async def make_stand(self, key: str, document: TransportBooking) -> Answer:
        goal = tidy(document.goal)
        shipment = await self._look_up(key)
        stands = shipment.done().standing if shipment else {}
        if stands == goal:
            return await self._settled(shipment)
        if shipment and stands:
            taken_back = await self._call(shipment.id, "refund", {}, stands)
            if not isinstance(taken_back, Done) or not goal:
                return taken_back
        return await self._book(key, document, goal, shipment)

    async def _settled(self, shipment: _Shipment | None) -> Done:
        """Nothing is to be done, but what may have been asked for and not done yet is withdrawn."""
        if shipment is None:
            return Done(standing={})
        if not shipment.tracking_code:
            await self._client.ask(
                "POST", "v2", "shipments", shipment.id, "refund", known=(200, 422), body={}
            )
        return shipment.done()

    async def find(self, key: str) -> Done | None:
        shipment = await self._look_up(key)
        return shipment.done() if shipment else None

    async def _look_up(self, key: str) -> _Shipment | None:
        reply = await self._client.ask("GET", "v2", "shipments", key, known=(200, 404))
        return None if _absent(reply) else reply.read(_Shipment)

    async def _book(
        self, key: str, document: TransportBooking, goal: Goal, known: _Shipment | None
    ) -> Answer:
        shipment = known
        if shipment is None or shipment.tracking_code or shipment.lines != goal:
            made = await self._create(key, document, goal)
            if isinstance(made, Refused):
                return made
            shipment = made
        rate = shipment.rate_for(document.ship_method)
        if rate is None:
            return Refused(reason=REFUSED, detail="no carrier offers a rate", standing={})
        return await self._call(shipment.id, "buy", {"rate": {"id": rate.id}}, {})

    async def _create(
        self, key: str, document: TransportBooking, goal: Goal
    ) -> _Shipment | Refused:
        reply = await self._client.ask(
            "POST",
            *("v2", "shipments"),
            known=(200, 201, 422),
            body={"shipment": _body(key, document, goal)},
        )
        if reply.status == 422:
            return reply.read(_Refusal).refused({})
        return reply.read(_Shipment)

    async def _call(self, shipment: str, verb: str, body: Body, stands: Goal) -> Answer:
        """`stands` is what does if the vendor refuses."""
        reply = await self._client.ask(
            "POST", "v2", "shipments", shipment, verb, known=(200, 201, 202, 422), body=body
        )
        return _answer(reply, stands)


def _absent(reply: Reply) -> bool:
    """Whether the vendor itself says that there is nothing; any other 404 is no answer of its."""
    if reply.status != 404:
        return False
    if reply.read(_Refusal).error.code != "NOT_FOUND":
        raise UnexpectedAnswer(f"{reply.asked}: status 404")
    return True


def _answer(reply: Reply, stands: Goal) -> Answer:
    if reply.status == 202:
        return Pending()
    if reply.status == 422:
        return reply.read(_Refusal).refused(stands)
    return reply.read(_Shipment).done()


def _body(key: str, document: TransportBooking, goal: Goal) -> Body:
    ounces = (document.weight * OUNCES_PER_KILOGRAM).quantize(Decimal("0.1"))
    items = [{"code": line, "quantity": quantity} for line, quantity in goal.items()]
    return {
        "reference": key,
        "from_address": _address(document.ship_from),
        "to_address": _address(document.ship_to),
        "parcel": {"weight": max(ounces, Decimal("0.1"))},
        "customs_info": {"customs_items": items},
    }


def _address(address: Address | None) -> Body | None:
    if address is None:
        return None
    return {
        "name": address.name,
        "street1": address.line1,
        "street2": address.line2,
        "city": address.city,
        "state": address.region,
        "zip": address.postal_code,
        "country": address.country,
    }
