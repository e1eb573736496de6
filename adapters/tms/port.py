"""What we need of it."""

from typing import Protocol

from adapters.port import Standing
from domain.documents import TransportBooking


class Tms(Protocol):
    @property
    def bookings(self) -> Standing[TransportBooking]:
        """Transport bookings; `ref` is `carrier/tracking`."""
        ...
