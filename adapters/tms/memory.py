"""A transport system in memory."""

from adapters.memory import MemoryStanding, Partner, Rules
from adapters.tms.port import Tms
from domain.documents import TransportBooking


class MemoryTms(Tms):
    def __init__(self, system: str = "tms", *, always_pending: bool = False) -> None:
        self.partner = Partner(system, always_pending=always_pending)
        self._bookings = MemoryStanding[TransportBooking](
            self.partner,
            Rules("bookings", "ROAD/", "address_undeliverable", kept="transport_refused"),
        )

    @property
    def bookings(self) -> MemoryStanding[TransportBooking]:
        return self._bookings
