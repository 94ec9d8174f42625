"""How far the keys go that lie by name: what is beyond is not among them, and no page is read to find that out.

A process keeps it from transaction to transaction, behind a version that moves with every key added by name. The id of
a device is one address for ever.
"""

from array import array

SPOOLS = 100_000
"""That many are kept, of some 300 bytes each; then all are learnt anew."""

_UNKNOWN, _NONE, _ANYTHING = -2, -1, 2**63 - 1


class KeyBounds:
    """By gateway and spool the highest number, by device the last record in the text's order."""

    def __init__(self) -> None:
        self.version: int | None = None
        """Of the trees by name, as this was learnt from them."""
        self._sent: dict[str, tuple[str, int]] = {}
        self._recorded = array("q")  # by the device's id: of many thousands a number each, and no objects

    def refresh(self, version: int) -> None:
        """What is known stays so only at the version it is of."""
        if version != self.version:
            self.version = version
            self._sent.clear()
            del self._recorded[:]

    # Numbers of a spool ------------------------------------------------------------------------------------------

    def knows_spool(self, gateway_id: str, spool: str) -> bool:
        """Of a gateway one spool is known, the last that was asked about."""
        known = self._sent.get(gateway_id)
        return known is not None and known[0] == spool

    def learn_spool(self, gateway_id: str, spool: str, highest: int | None) -> None:
        """``highest``: None of a spool without a key by name."""
        if len(self._sent) >= SPOOLS:
            self._sent.clear()
        self._sent[gateway_id] = spool, _NONE if highest is None else highest

    def is_new(self, gateway_id: str, spool: str, seq: int) -> bool:
        """Surely no key by name. False says nothing."""
        known = self._sent.get(gateway_id)
        return known is not None and known[0] == spool and seq > known[1]

    def forget_spool(self, gateway_id: str) -> None:
        """Keys are added there by name."""
        self._sent.pop(gateway_id, None)

    # Records of a device -----------------------------------------------------------------------------------------

    def knows_device(self, device_id: int) -> bool:
        """Whether ``learn_device`` was told of it."""
        return device_id < len(self._recorded) and self._recorded[device_id] != _UNKNOWN

    def learn_device(self, device_id: int, last: str | None) -> None:
        """``last``: the record that comes last in the text's order; None of a device without a key by name."""
        if device_id >= len(self._recorded):
            self._recorded.extend([_UNKNOWN] * (device_id + 1 - len(self._recorded)))
        self._recorded[device_id] = _NONE if last is None else _clock(last, _ANYTHING)

    def is_new_record(self, device_id: int | None, record: str) -> bool:
        """Surely no key by name. False says nothing."""
        if device_id is None or not self.knows_device(device_id):
            return False
        return _clock(record, _NONE) > self._recorded[device_id]

    def forget_device(self, device_id: int) -> None:
        """Keys are added there by name."""
        if self.knows_device(device_id):
            self._recorded[device_id] = _UNKNOWN


def _clock(record: str, other: int) -> int:
    """The clock a record's name begins with, as a number; ``other`` of a name without.

    Of two names that begin with a clock the one with the greater number is the later one in the text's order.
    """
    if record[4:17:3] != "--T::":
        return other
    digits = record[:4] + record[5:7] + record[8:10] + record[11:13] + record[14:16] + record[17:19]
    return int(digits) if len(digits) == 14 and digits.isascii() and digits.isdigit() else other
