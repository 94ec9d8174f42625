"""An MQTT broker in a process of its own, for the demo only.

It keeps nothing across a restart and redelivers nothing: the gateway's resend carries the demo over both. Production
runs mosquitto with ``config/deploy/mosquitto.conf``.
"""

import asyncio
import logging
import signal
import sys

from amqtt.broker import Broker


def config(port: int) -> dict[str, object]:
    """Loopback only, and nobody is asked who they are."""
    return {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    }


async def serve(port: int) -> None:
    """Until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    broker = Broker(config(port))
    await broker.start()
    await stop.wait()
    await broker.shutdown()


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(serve(int(sys.argv[1])))
