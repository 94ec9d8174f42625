"""One of the two ways to the hub, `live` or `backfill`: its batch in flight and how large the next may be."""

from datetime import datetime

from device_gateway import wire
from device_gateway.clock import Clock, Ids
from device_gateway.spool import Spool
from device_gateway.uplink.flight import Flight, Resend


class Lane:
    """Calls to the spool wait for the disk: run them off the event loop."""

    def __init__(self, name: str, spool: Spool, clock: Clock, ids: Ids, resend: Resend) -> None:
        self.name = name
        self.flight: Flight | None = None
        self._spool, self._clock, self._ids, self._resend = spool, clock, ids, resend
        self._limit = wire.MAX_READINGS

    def load(self) -> Flight | None:
        """The batch in flight, or a new one of what waits."""
        if self.flight is None:
            rows = self._spool.lease(live=self.name == "live", now=self._clock.now(), limit=self._limit)
            if rows:
                self.flight = Flight(self._ids.new(), rows)
        return self.flight

    def payload(self, flight: Flight) -> bytes:
        """The batch as it goes out now. The times of sending are new each time: the hub reckons ages from them."""
        head = wire.BatchHead(
            batch=flight.batch,
            spool=self._spool.id,
            boot=self._clock.boot,
            sent_at=self._clock.now(),
            sent_mono_ms=self._clock.mono_ms(),
        )
        return wire.encode_batch(head, ((row.seq, row.body) for row in flight.rows))

    def sent(self, flight: Flight, payload: bytes, epoch: int) -> None:
        """Sets when the batch is due again."""
        wait = self._resend.wait_ms(flight.sends + 1, self._ids.between(0, 1))
        flight.sent(payload, epoch=epoch, due_ms=self._clock.mono_ms() + wait)

    def landed(self) -> None:
        """The hub answered for readings of this batch; any it did not name are queued again."""
        if self.flight is not None:
            self._spool.release(self.flight.seqs)
        self.flight, self._limit = None, wire.MAX_READINGS

    def refused(self, code: str, now: datetime) -> int:
        """The hub could not read the batch: halves are tried until the one reading at fault is found and set aside.

        Returns how many readings were set aside.
        """
        flight, self.flight = self.flight, None
        if flight is None:
            return 0
        if len(flight.rows) > 1:
            self._limit = len(flight.rows) // 2
            self._spool.release(flight.seqs)
            return 0
        self._spool.refuse(flight.seqs, code, now)
        return 1
