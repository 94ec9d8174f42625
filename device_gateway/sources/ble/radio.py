"""Which Bluetooth stack to talk to. Everything else speaks plain bleak."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bleak import BleakAdapter, BleakClient, BleakScanner
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak_retry_connector import close_stale_connections, establish_connection

from device_gateway.sources.ble.profiles import SERVICES

Seen = Callable[[BLEDevice, AdvertisementData], None]


@dataclass(frozen=True, slots=True)
class Radio:
    """BlueZ's adapter of this name; or, given both classes, another stack behind bleak's interface."""

    adapter: str = ""
    scanner: type[BaseBleakScanner] | None = None
    client: type[BaseBleakClient] | None = None

    @property
    def is_bluez(self) -> bool:
        """Whether there is a D-Bus to speak to about pairing."""
        return self.client is None

    def has_bond(self, device: BLEDevice) -> bool | None:
        """Whether BlueZ holds a bond with the device; None: another stack does not say."""
        return bool(device.details["props"].get("Paired")) if self.is_bluez else None

    def scan(self, seen: Seen) -> BleakScanner:
        """A scanner, not yet started, for devices of the profiles known here."""
        return BleakScanner(
            _as_of_now(seen) if self.is_bluez else seen, service_uuids=SERVICES, **self._arguments(self.scanner)
        )

    def open(self, device: BLEDevice, *, pair: bool = False, timeout: float = 20.0) -> BleakClient:
        """A client, not yet connected."""
        return BleakClient(device, pair=pair, timeout=timeout, **self._arguments(self.client))

    async def connect(self, device: BLEDevice, gone: Callable[[BleakClient], None]) -> BleakClient:
        """A connected client; what passes by itself is tried again, all else once."""
        return await establish_connection(
            BleakClient,
            device,
            device.address,
            disconnected_callback=gone,
            max_attempts=2,  # the others wait meanwhile, and the next advert brings another attempt
            use_services_cache=False,  # what is remembered may be used before the device is ready for it
            **self._arguments(self.client),
        )

    async def close_stale(self, is_ours: Callable[[BLEDevice], bool]) -> None:
        """Ends connections that a gateway which was killed has left: connected, a device is never heard again."""
        if not self.is_bluez:
            return
        adapter = await BleakAdapter.get(bluez=self._bluez)
        for device in await adapter.get_connected_devices(SERVICES):
            if is_ours(device):
                await close_stale_connections(device)

    @property
    def _bluez(self) -> Any:
        return {"adapter": self.adapter} if self.adapter else {}

    def _arguments(self, backend: type[Any] | None) -> dict[str, Any]:
        return {"bluez": self._bluez} if backend is None else {"backend": backend}


def _as_of_now(seen: Seen) -> Seen:
    """bleak keeps a device as it was first heard: without the identity address and the bond that pairing gave it."""

    def heard(found: BLEDevice, advert: AdvertisementData) -> None:
        path, properties = advert.platform_data
        seen(BLEDevice(properties["Address"], found.name, {"path": path, "props": properties}), advert)

    return heard
