"""Collects from a device that hands out its records when asked: only new ones, and none is left out.

The newest record is asked for first: it may be one to act on, and it tells whether there is anything new. Then come all
from the last known one on, that one included: if it is no longer there, the device's memory began anew, and everything
in it is read.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final

from bleak.exc import BleakGATTProtocolError, BleakGATTProtocolErrorCode

from device_gateway.errors import BluetoothError, UndecodableError
from device_gateway.frames import Packet
from device_gateway.sources.ble import racp
from device_gateway.sources.ble.link import Link
from device_gateway.sources.ble.profiles import RACP
from device_gateway.sources.ble.racp import Result

log = logging.getLogger(__name__)

_MEASUREMENT: Final = "2A18"
_CONTEXT: Final = "2A34"
_TRIES: Final = 3

Found = Callable[[tuple[Packet, ...], bool], None]
"""Called with a new record, a context behind its measurement; True: the device has a newer one."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the gateway stands in a device's memory: a record that is safe in the spool, and what it was."""

    sequence: int
    digest: str


def place_of(data: bytes) -> Place:
    """Glucose Service 1.0, sections 3.1, 3.2: in both characteristics the sequence number stands behind the flags."""
    return Place(int.from_bytes(data[1:3], "little"), digest(data))


def digest(data: bytes) -> str:
    """Tells one record from another."""
    return hashlib.sha256(data).hexdigest()[:16]


class StoredRecords:
    """One session's questions to one device. `reached`: up to where nothing needs to be asked for again.

    `hasty`: the device drops the link after one answer, so the question is put that brings everything.
    """

    def __init__(self, link: Link, known: Place | None, quiet_s: float, found: Found, *, hasty: bool = False) -> None:
        self._link, self._known, self._quiet_s, self._found, self.hasty = link, known, quiet_s, found, hasty
        self.reached = self._start = known
        self._event = asyncio.Event()
        self._answer: racp.Count | racp.Response | None = None
        self._pending: list[Packet] = []
        self._newest: Place | None = None
        self._looking_for_newest = False
        self._run: list[Place] = []  # what came of the present question

    async def subscribe(self) -> None:
        """Listens to all that answers a question; the device refuses questions before (error 0xFD)."""
        for characteristic in (_CONTEXT, _MEASUREMENT):
            if self._link.has(characteristic):
                await self._link.subscribe(characteristic, partial(self._arrived, characteristic))
        await self._link.subscribe(RACP, self._answered)

    async def collect(self) -> None:
        """Hands on all that is new. Raises BluetoothError."""
        try:
            await self._collect()
        except (BluetoothError, asyncio.CancelledError):
            self._flush(superseded=True)
            self.reached = self._resumable()
            self.hasty |= self._newest is not None and not self._run and self._link.gone.is_set()
            raise
        self.reached = self._newest or max(self._run, key=lambda place: place.sequence, default=self._known)

    async def _collect(self) -> None:
        if not self.hasty and await self._nothing_is_new():
            return
        if self._known is not None and not self._counts_anew():
            result = await self._ask(racp.since(self._known.sequence))
            if result is Result.SUCCESS and self._known in self._run:
                return
            _refuse_unless(result, {Result.SUCCESS, Result.NO_RECORDS_FOUND, *racp.NOT_KNOWN_HERE})
        self._start = None
        _refuse_unless(await self._ask(racp.ALL), {Result.SUCCESS, Result.NO_RECORDS_FOUND})

    async def _nothing_is_new(self) -> bool:
        self._looking_for_newest = True
        try:
            result = await self._ask(racp.NEWEST)
        finally:
            self._looking_for_newest = False
        if result is Result.NO_RECORDS_FOUND:
            return True
        return self._known is not None and self._newest == self._known and await self._is_alone(self._known)

    async def _is_alone(self, known: Place) -> bool:
        """Whether nothing stands behind it: some meters call the oldest record their last. One that cannot count is
        taken at its word."""
        answer = await self._put(racp.count_since(known.sequence))
        return not isinstance(answer, racp.Count) or answer.records <= 1

    def _counts_anew(self) -> bool:
        """Whether the newest has a lower number than one before it: 65535 is followed by 0, new batteries by 1."""
        return self._newest is not None and self._known is not None and self._newest.sequence < self._known.sequence

    def _resumable(self) -> Place | None:
        """After an interruption: as far as the device went without a gap, if it began where it should."""
        rising = all(one.sequence < other.sequence for one, other in pairwise(self._run))
        began = self._start is None or self._start in self._run
        return self._run[-1] if self._run and rising and began else self._start

    async def _ask(self, question: bytes) -> Result | int:
        """Puts one question and takes in what comes until the device says that this was all."""
        answer = await self._put(question)
        self._flush(superseded=self._newest is not None)
        if isinstance(answer, racp.Count) or answer.request != question[0]:
            raise BluetoothError(f"the device answered another question: {answer}")
        return answer.result

    async def _put(self, question: bytes) -> racp.Count | racp.Response:
        self._run, self._answer = [], None
        for _ in range(_TRIES):
            try:
                await self._link.write(RACP, question)
                break
            except BleakGATTProtocolError as error:
                if error.code is not BleakGATTProtocolErrorCode.PROCEDURE_ALREADY_IN_PROGRESS:
                    raise BluetoothError(f"the device refused a question: {error}") from error
                await self._abort()  # left open by a session that ended badly
        else:
            raise BluetoothError("the device is busy with another question and does not stop")
        return await self._hear()

    async def _hear(self) -> racp.Count | racp.Response:
        while self._answer is None:
            self._event.clear()
            if not await self._something():
                await self._abort()
                raise BluetoothError(f"the device fell silent for {self._quiet_s:g} s during a transfer")
            if self._link.gone.is_set() and self._answer is None:
                raise BluetoothError("the link was lost during a transfer")
        return self._answer

    async def _something(self) -> bool:
        """Whether anything happened before the device had been silent for too long."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._event, self._link.gone)]
        try:
            done, _ = await asyncio.wait(waits, timeout=self._quiet_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return bool(done)

    async def _abort(self) -> None:
        with suppress(BluetoothError, BleakGATTProtocolError):
            await self._link.write(RACP, racp.ABORT_NOW)
            self._event.clear()
            await self._something()
        self._answer = None

    def _arrived(self, kind: str, data: bytes) -> None:
        packet = Packet(kind, data)
        self._event.set()
        if kind == _MEASUREMENT:
            self._flush(superseded=True)
            self._pending = [packet]
        elif self._pending and data[1:3] == self._pending[0].data[1:3]:
            self._pending.append(packet)
        else:  # its measurement was not sent, or not behind it: kept, though nothing can be made of it
            self._found((packet,), True)

    def _flush(self, *, superseded: bool) -> None:
        if not self._pending:
            return
        packets, self._pending = tuple(self._pending), []
        place = place_of(packets[0].data)
        if self._looking_for_newest:
            self._newest, superseded = place, False
        else:
            self._run.append(place)
        if place not in {self._known, None if self._looking_for_newest else self._newest}:
            self._found(packets, superseded)

    def _answered(self, data: bytes) -> None:
        try:
            self._answer = racp.parse(data)
        except UndecodableError as error:
            log.warning("%s", error)
        self._event.set()


def _refuse_unless(result: Result | int, accepted: set[Result]) -> None:
    if result not in accepted:
        raise BluetoothError(f"the device did not hand out its records: {result!r}")
