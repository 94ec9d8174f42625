"""A glucose meter (Glucose Service 1.0.1): keeps every record and hands out those asked for."""

import asyncio
import contextlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from bumble.att import ATT_Error
from bumble.gatt import CharacteristicValue, Service
from bumble.gatt_server import Server

from device_gateway.simulator.radio import attributes, racp
from device_gateway.simulator.radio.attributes import INDICATE, NOTIFY, READ, WRITE, characteristic
from device_gateway.simulator.radio.health_device import HealthDevice
from device_gateway.simulator.radio.link import LinkLost

_FEATURES = 0x03FF


@dataclass(frozen=True, slots=True)
class Record:
    """One stored measurement: the bytes of 2A18, and of 2A34 if there is a context."""

    sequence: int
    measurement: bytes
    context: bytes | None = None


@dataclass(eq=False, kw_only=True)
class GlucoseMeter(HealthDevice):
    """Advertises while it holds records that no central has fetched."""

    service: ClassVar[int] = 0x1808

    drop_after_records: int | None = None  # drops the link after so many records, once
    record_gap_s: float = 0.0
    requests: list[bytes] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._records: list[Record] = []
        self._unfetched: set[int] = set()
        self._procedure: asyncio.Task[None] | None = None
        self._busy_on: object = None

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple(self._records)

    def store(self, records: Iterable[Record]) -> None:
        """Measured just now. Nothing is ever removed."""
        new = list(records)
        self._records += new
        self._unfetched |= {record.sequence for record in new}
        self._touch()

    async def stop(self) -> None:
        if self._procedure is not None:
            self._procedure.cancel()
            await asyncio.gather(self._procedure, return_exceptions=True)
        await super().stop()

    def _services(self, server: Server) -> list[Service]:
        self.measurement = characteristic(server, 0x2A18, NOTIFY, secure=self.secure)
        self.context = characteristic(server, 0x2A34, NOTIFY, secure=self.secure)
        feature = characteristic(server, 0x2A51, READ, secure=self.secure, value=struct.pack("<H", _FEATURES))
        asked = CharacteristicValue[bytes](write=lambda _connection, value: self._asked(bytes(value)))
        self.control = characteristic(server, 0x2A52, WRITE | INDICATE, secure=self.secure, value=asked)
        own = attributes.service(self.service, self.measurement, self.context, feature, self.control)
        return [own, *super()._services(server)]

    def _has_news(self) -> bool:
        return bool(self._unfetched)

    def _asked(self, request: bytes) -> None:
        self.requests.append(request)
        if len(request) < 2:
            raise ATT_Error(0x0D)
        if not (self.subscribed(self.control) and self.subscribed(self.measurement)):
            raise ATT_Error(racp.CCCD_MISSING)
        if self._busy_on is self.connection and request[0] != racp.Op.ABORT:
            raise ATT_Error(racp.BUSY)
        running, self._busy_on = self._procedure, self.connection
        self._procedure = asyncio.create_task(self._run(request, running))

    async def _run(self, request: bytes, running: "asyncio.Task[None] | None") -> None:
        op, operator, operand = request[0], request[1], request[2:]
        if running is not None:
            if op == racp.Op.ABORT:
                running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        with contextlib.suppress(LinkLost):  # the central asks again when it is back
            try:
                await self._answer(op, operator, operand)
            except racp.Refused as refused:
                await self._respond(racp.response(op, refused.code))

    async def _answer(self, op: int, operator: int, operand: bytes) -> None:
        if op == racp.Op.ABORT:
            await self._respond(racp.response(op, racp.Code.SUCCESS))
        elif op == racp.Op.COUNT:
            await self._respond(racp.counted(len(racp.select(self._records, operator, operand))))
        elif op == racp.Op.REPORT:
            await self._report(racp.select(self._records, operator, operand))
        else:
            raise racp.Refused(racp.Code.OP_NOT_SUPPORTED)

    async def _report(self, records: list[Record]) -> None:
        if not records:
            raise racp.Refused(racp.Code.NO_RECORDS)
        for number, record in enumerate(records, 1):
            await self._notify(self.measurement, record.measurement)
            if record.context is not None and self.subscribed(self.context):
                await self._notify(self.context, record.context)
            if number == self.drop_after_records:
                await self._drop_now()
            await self.pause(self.record_gap_s)
        if await self._respond(racp.response(racp.Op.REPORT, racp.Code.SUCCESS)):
            self._unfetched -= {record.sequence for record in records}
            self._touch()
            if self.disconnect_after:
                await self.drop()

    async def _drop_now(self) -> None:
        self.drop_after_records = None
        if self.connection is not None:
            await self.connection.drain()
        await self.drop()
        raise LinkLost("dropped")

    async def _respond(self, answer: bytes) -> bool:
        self._busy_on = None  # the confirmation and the central's next request may come in one breath
        return await self._indicate(self.control, answer)
