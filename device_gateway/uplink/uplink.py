"""Spool to hub: batches out, the hub's own acknowledgements in, and the gateway's status.

A reading leaves the spool on the hub's word alone. A broker's PUBACK moves nothing: it may be given for a message that
a crash of the broker loses, or that its access rules drop.
"""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime

from device_gateway import wire
from device_gateway.clock import Clock, Ids
from device_gateway.connection import Connection, Incoming, Plan
from device_gateway.errors import RegistryError, SpoolUnavailableError, UndecodableError
from device_gateway.registry import Registry, with_bonds
from device_gateway.settings import Address
from device_gateway.spool import Report, Spool
from device_gateway.uplink.flight import Resend
from device_gateway.uplink.lane import Lane

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """To which hub, as which gateway, and how patiently."""

    gateway: str
    address: Address
    version: str
    ca_file: str = ""
    resend: Resend = field(default_factory=Resend)
    reconnect_max_s: float = 300
    status_interval_s: float = 60

    def topic(self, end: str) -> str:
        """A topic of this gateway, e.g. `up/live`."""
        return f"rpm/v1/{self.gateway}/{end}"


class Uplink:
    """Runs until cancelled. `wake` says that the spool has something new."""

    def __init__(self, way: Way, spool: Spool, registry: Registry, clock: Clock, ids: Ids) -> None:
        self._way, self._spool, self._registry, self._clock = way, spool, registry, clock
        self._lanes = tuple(Lane(name, spool, clock, ids, way.resend) for name in ("live", "backfill"))
        self._answers: deque[bytes] = deque()
        self._event = asyncio.Event()
        self._status_due_ms = 0
        self._offset_s: float | None = None
        plan = Plan(
            address=way.address,
            client_id=way.gateway,
            ca_file=way.ca_file,
            subscriptions=(way.topic("down/ack"),),
            will=(way.topic("up/status"), wire.encode_status(self._absent())),
            reconnect_max_s=way.reconnect_max_s,
        )
        self.connection = Connection(plan, clock, ids, on_up=self._came_up, on_message=self._arrived)

    @property
    def clock_offset_s(self) -> float | None:
        """The hub's clock minus this gateway's, as of the last answer."""
        return self._offset_s

    def wake(self) -> None:
        """Looks at the spool now rather than at the next turn."""
        self._event.set()

    async def run(self) -> None:
        """Delivers until cancelled, and says goodbye then."""
        link = asyncio.create_task(self.connection.run())
        try:
            while not link.done():
                self._event.clear()
                await self._turn()
                await self._rest(link)
            link.result()
        finally:
            self.connection.publish(self._way.topic("up/status"), wire.encode_status(self._absent()), retain=True)
            link.cancel()
            await asyncio.gather(link, return_exceptions=True)

    async def _turn(self) -> None:
        try:
            while self._answers:
                await self._answer(self._answers[0])
                self._answers.popleft()
            for lane in self._lanes:
                await self._advance(lane)
            await self._say_status()
        except SpoolUnavailableError as error:
            log.warning("%s", error)  # the hub will be asked again, and answer again

    async def _rest(self, link: "asyncio.Task[None]") -> None:
        """Until something happens or is due."""
        now = self._clock.mono_ms()
        dues = [lane.flight.due_ms for lane in self._lanes if lane.flight is not None]
        until = min([self._status_due_ms, now + 1000, *dues]) if self.connection.up else now + 1000
        event = asyncio.create_task(self._event.wait())
        await asyncio.wait((event, link), timeout=max(0.05, (until - now) / 1000), return_when=asyncio.FIRST_COMPLETED)
        event.cancel()

    async def _advance(self, lane: Lane) -> None:
        if not self.connection.up or (flight := await asyncio.to_thread(lane.load)) is None:
            return
        if flight.epoch != self.connection.epoch:
            payload = lane.payload(flight)
            epoch = self.connection.epoch
            if self.connection.publish(self._way.topic(f"up/{lane.name}"), payload):
                lane.sent(flight, payload, epoch)
        elif flight.due_ms <= self._clock.mono_ms():
            log.warning("no answer to a batch of %d on %s; connecting anew", len(flight.rows), lane.name)
            self.connection.renew()  # the answer may be missing because this connection is dead without knowing it

    async def _answer(self, payload: bytes) -> None:
        try:
            ack = wire.decode_ack(payload)
        except UndecodableError as error:
            log.warning("%s", error)
            return
        now = self._clock.now()
        self._offset_s = (ack.hub_time - now).total_seconds()
        for each in ack.acks:
            if each.error is not None:
                await self._refused(each, each.error, now)
            elif each.spool == self._spool.id:
                await self._acknowledged(each, now)

    async def _acknowledged(self, ack: wire.BatchAck, now: datetime) -> None:
        for result in ack.results:
            if result.status == "rejected":
                log.warning("the hub rejected reading %d: %s", result.seq, result.code)
        seqs = [result.seq for result in ack.results]
        await asyncio.to_thread(self._spool.acknowledge, seqs, now)
        for lane in self._lanes:
            if lane.flight is not None and lane.flight.is_meant(ack) and not set(seqs).isdisjoint(lane.flight.seqs):
                lane.landed()
        self._event.set()

    async def _refused(self, ack: wire.BatchAck, code: str, now: datetime) -> None:
        for lane in self._lanes:
            if lane.flight is not None and lane.flight.is_meant(ack):
                aside = await asyncio.to_thread(lane.refused, code, now)
                log.error("the hub could not read a batch: %s; %d readings set aside", code, aside)
        self._event.set()

    async def _say_status(self) -> None:
        now_ms = self._clock.mono_ms()
        if not self.connection.up or now_ms < self._status_due_ms:
            return
        report = await asyncio.to_thread(self._report)
        if self.connection.publish(
            self._way.topic("up/status"), wire.encode_status(self._present(report)), retain=True
        ):
            self._status_due_ms = now_ms + round(1000 * self._way.status_interval_s)

    def _report(self) -> Report:
        report = self._spool.report()
        try:
            paired = self._registry.all()
        except RegistryError as error:  # the readings go on
            log.warning("%s", error)
            return report
        return replace(report, devices=with_bonds(report.devices, paired, wire.MAX_DEVICES))

    def _present(self, report: Report) -> wire.Status:
        now = self._clock.now()
        oldest = report.oldest_received_at
        return wire.Status(
            v=1,
            online=True,
            at=wire.instant(now),
            version=self._way.version,
            spool=self._spool.id,
            boot=self._clock.boot,
            spool_depth=report.depth,
            spool_oldest_age_s=None if oldest is None else max(0.0, (now - oldest).total_seconds()),
            spool_dropped_total=report.dropped_total,
            quarantined_total=report.quarantined_total,
            clock_offset_s=self._offset_s,
            devices=report.devices,
        )

    def _absent(self) -> wire.Status:
        return wire.Status(v=1, online=False, version=self._way.version, spool=self._spool.id, boot=self._clock.boot)

    def _came_up(self) -> None:
        self._status_due_ms = 0
        self._event.set()

    def _arrived(self, message: Incoming) -> None:
        if message.topic == self._way.topic("down/ack"):  # amqtt hands a session its own messages back as well
            self._answers.append(message.payload)
            self._event.set()
