"""What one end of a connection may wait for, and what ends the wait."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from bleak.exc import BleakError

Result = TypeVar("Result")


class LinkLost(BleakError):
    """The connection ended before the answer came."""


async def unless(gone: asyncio.Event, work: Coroutine[Any, Any, Result]) -> Result:
    """What `work` gives, or LinkLost: the stack below leaves requests unanswered, or cancels them, when a link ends."""
    doing, ending = asyncio.ensure_future(work), asyncio.ensure_future(gone.wait())
    try:
        await asyncio.wait({doing, ending}, return_when=asyncio.FIRST_COMPLETED)
        if doing.done() and not doing.cancelled():
            return doing.result()
        raise LinkLost("disconnected")
    finally:
        doing.cancel()
        ending.cancel()
        await asyncio.gather(doing, ending, return_exceptions=True)
