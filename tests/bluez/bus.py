"""A D-Bus of our own, so that nothing here ever touches the system's."""

import asyncio
import contextlib
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

from bleak.backends.bluezdbus.manager import get_global_bluez_manager
from dbus_fast import BusType, Message
from dbus_fast.aio import MessageBus

_DBUS = "org.freedesktop.DBus"
_VARIABLE = "DBUS_SYSTEM_BUS_ADDRESS"
_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_type="signal"/>
<allow send_requested_reply="true" send_type="method_return"/><allow send_requested_reply="true" send_type="error"/>
<allow receive_type="method_call"/><allow receive_type="signal"/>
<allow receive_requested_reply="true" receive_type="method_return"/>
<allow receive_requested_reply="true" receive_type="error"/></policy></busconfig>
"""


@contextlib.contextmanager
def private_bus() -> Iterator[str]:
    """The address of a bus that lasts as long as the context; meanwhile this process and its children use it."""
    with tempfile.TemporaryDirectory() as folder, _daemon(Path(folder)) as address:
        before = os.environ.get(_VARIABLE)
        os.environ[_VARIABLE] = address
        try:
            yield address
        finally:
            os.environ.pop(_VARIABLE)
            if before is not None:
                os.environ[_VARIABLE] = before


async def close_bleak() -> None:
    """Ends the connection that bleak keeps for this event loop: its socket would leak when the loop ends."""
    manager = await get_global_bluez_manager()
    if manager._bus is not None:
        manager._bus.disconnect()
        await asyncio.wait({manager._bus_watcher_task})


@contextlib.asynccontextmanager
async def connected(heard: Callable[[Message], None] | None = None) -> AsyncIterator[MessageBus]:
    """A client's connection; `heard` gets every PropertiesChanged."""
    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    if heard is not None:
        bus.add_message_handler(lambda message: heard(message) if message.member == "PropertiesChanged" else None)
        rule = "type='signal',member='PropertiesChanged'"
        await bus.call(Message(_DBUS, "/org/freedesktop/DBus", _DBUS, "AddMatch", signature="s", body=[rule]))
    try:
        yield bus
    finally:
        bus.disconnect()
        await bus.wait_for_disconnect()


async def call(bus: MessageBus, path: str, interface: str, member: str, signature: str = "", *body: Any) -> Message:
    """What the Bluetooth daemon replies, be it an error."""
    return await bus.call(Message("org.bluez", path, interface, member, signature=signature, body=list(body)))


@contextlib.contextmanager
def _daemon(folder: Path) -> Iterator[str]:
    config = folder / "bus.conf"
    config.write_text(_CONFIG.format(socket=folder / "bus"))
    command = ["dbus-daemon", "--nofork", "--nopidfile", f"--config-file={config}", "--print-address=1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
