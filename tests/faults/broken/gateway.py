"""A gateway that takes the broker's word for the hub's: it lets go of a reading on the PUBACK."""

import asyncio

from device_gateway import cli, runtime
from device_gateway.connection import Connection
from device_gateway.uplink import Uplink, uplink
from device_gateway.uplink.lane import Lane


class WaitsForPuback(Connection):
    """What was published has been taken by the broker when ``publish`` returns."""

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        if self._session is None or not self._session.accepted:
            return False
        sent = self._session.publish(topic, payload, qos=1, retain=retain)
        sent.wait_for_publish(5)
        return sent.is_published()


class DeletesOnPuback(Uplink):
    async def _advance(self, lane: Lane) -> None:
        await super()._advance(lane)
        if lane.flight is not None and lane.flight.sends:
            await asyncio.to_thread(self._spool.acknowledge, lane.flight.seqs, self._clock.now())
            lane.landed()


if __name__ == "__main__":
    uplink.Connection = WaitsForPuback
    runtime.Uplink = DeletesOnPuback
    cli.main()
