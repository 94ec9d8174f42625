"""The broker's side of ingest: what came on its sessions, and the way back.

The broker hands a session its messages in the order in which they came. In one for all, a reading of now would wait
behind all that thousands of gateways kept while they could not send. So stored readings have a session of their own.
"""

from collections.abc import Callable, Mapping, Sequence

from hub.adapters.broker_address import BrokerAddress
from hub.adapters.handoff import HELD_BYTES, STORED, Handoff, Receipt
from hub.adapters.mqtt_session import EPOCHS, MqttSession
from hub.services.ingest import hearing
from hub.services.ingest.messages import LANES, Message
from hub.services.ingest.shard import WHOLE, Shard
from hub.services.ports.base import Clock

FRESH = tuple(lane for lane in LANES if lane != STORED)


class MqttInbox:
    """Two persistent sessions, of fresh and of stored readings, and the queue into which both put what comes."""

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        clock: Clock,
        ca_file: str = "",
        *,
        epoch: int = 0,
        read: Callable[[Message], Message] = lambda message: message,
        max_bytes: int = HELD_BYTES,
        shard: Shard = WHOLE,
    ) -> None:
        """See ``MqttSession``; ``max_bytes`` are those of each session's room."""
        self.handoff = Handoff(max_bytes=max_bytes)

        def session(name: str, lanes: Sequence[str], epoch: int) -> MqttSession:
            of = address, name, clock, ca_file, self.handoff
            return MqttSession(*of, lanes=lanes, epoch=epoch, read=read, shard=shard)

        self.fresh = session(client_id, FRESH, epoch)
        self.stored = session(f"{client_id}-{STORED}", (STORED,), epoch + EPOCHS)
        self._sessions = self.fresh, self.stored

    @property
    def connected(self) -> bool:
        """What paho believes; only ``alive`` knows."""
        return all(session.connected for session in self._sessions)

    @property
    def ailing(self) -> Mapping[str, str]:
        """What is wrong with which session, in the words of ``hearing``; empty if both are well."""
        each = {hearing.FRESH: self.fresh.ails, hearing.STORED: self.stored.ails}
        return {name: ails for name, ails in each.items() if ails}

    @property
    def waiting(self) -> int:
        """Messages that came and were not taken."""
        return len(self.handoff)

    def start(self) -> None:
        """Connect in the background, and keep trying."""
        for session in self._sessions:
            session.start()

    def stop(self) -> None:
        """Leave the sessions on the broker: what comes meanwhile waits there."""
        for session in self._sessions:
            session.stop()

    def restart(self) -> None:
        """New connections on both sessions. What the old ones took and nobody acknowledged comes again."""
        for session in self._sessions:
            session.restart()

    def read_with(self, read: Callable[[Message], Message], max_bytes: int) -> None:
        """Do this to each message that comes from now on, and hold so much in each room. What came already stays."""
        for session in self._sessions:
            session.read_with(read)
        self.handoff.hold(max_bytes)

    def take(self, limit: int, max_bytes: int, timeout: float) -> list[tuple[Message, Receipt]]:
        """See ``Handoff.take``."""
        return self.handoff.take(limit, max_bytes, timeout)

    def urgent(self, limit: int, max_bytes: int) -> list[tuple[Message, Receipt]]:
        """See ``Handoff.urgent``."""
        return self.handoff.urgent(limit, max_bytes)

    def acknowledge(self, receipts: Sequence[Receipt]) -> None:
        """Tell the broker that these are dealt with. Receipts of an earlier connection are skipped."""
        for session in self._sessions:
            session.acknowledge(receipts)

    def answer(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Send, on either session that is connected. Losing it is harmless: a gateway without an answer sends again."""
        session = self.fresh if self.fresh.connected or not self.stored.connected else self.stored
        session.answer(messages)

    def alive(self) -> bool:
        """Whether any session is: see ``MqttSession.alive``. One that alone seems dead gets a new connection here.

        The other one's receipts stay good; of its own the messages come again.
        """
        dead = [session for session in self._sessions if not session.alive()]  # all are asked: they ping then
        if len(dead) == len(self._sessions):
            return False
        for session in dead:
            session.restart()
        return True
