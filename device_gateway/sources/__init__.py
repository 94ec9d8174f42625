"""Where records come from. A source yields frames, and is resumed only when they are stored."""

from collections.abc import AsyncGenerator
from typing import Protocol

from device_gateway.frames import RawFrame


class Source(Protocol):
    """One kind of device link.

    Asking for the next frames promises that the last are durable: only then may a source tell a device, or a broker,
    that its record is safe. A source that is closed instead acknowledges nothing.
    """

    name: str

    def frames(self) -> AsyncGenerator[tuple[RawFrame, ...], None]:
        """Records as they come, as many at a time as are waiting."""

    def rest(self) -> tuple[RawFrame, ...]:
        """Once `frames` is closed: what a device counts as delivered and was not handed out any more."""
