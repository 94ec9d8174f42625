"""The audit's hash chain: what one row's hash is made of."""

import json
from datetime import datetime
from hashlib import sha256

GENESIS = bytes(32)
"""What the first row is chained to."""


def seal(
    before: bytes, position: int, row_id: int, at: datetime, actor: str, act: str, subject: str, detail: str
) -> bytes:
    """SHA-256 over the hash before and every field of the row: an edit, a deletion or a swap breaks the chain."""
    fields = json.dumps([position, row_id, at.isoformat(), actor, act, subject, detail], ensure_ascii=False)
    return sha256(before + fields.encode()).digest()
