"""One tick: every module in order, each with a guard, a deadline and a timing. Whatever a tick misses, the next finds.

What is due is a row, never a job: a tick that is late, doubled or lost loses nothing.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from hub.errors import Transient
from hub.services.alerting import technical_over
from hub.services.engine.guard import alarm
from hub.services.hub import Hub

log = logging.getLogger(__name__)

HEARTBEAT_EVERY = timedelta(seconds=5)
PASSES_WITHIN = timedelta(minutes=5)
"""What may pass and does not, tick for tick, is an operator's alarm: nobody reads the log's warnings."""


class Module(Protocol):
    """A part of the engine. ``run`` does what is due at ``now`` and says how much that was."""

    @property
    def name(self) -> str: ...
    @property
    def deadline(self) -> timedelta:
        """Longer than this is an operator's alarm."""
        ...

    def run(self, hub: Hub, now: datetime) -> int: ...


class Engine:
    """The modules in their order, and what is known of their last runs."""

    def __init__(self, hub: Hub, modules: Sequence[Module], instance: str, role: str = "worker") -> None:
        self._hub = hub
        self._modules = modules
        self._instance = instance
        self._role = role
        self._failing: set[str] = set()
        self._unsure = {module.name for module in modules}
        """Whose alarm may be open: at the start every module's, from the life before."""
        self._hindered_since: dict[str, float] = {}
        """On the monotonic clock; since when every run of a module ended by what may pass, or since its last alarm."""
        self._beaten_at: datetime | None = None
        self._slowest: dict[str, float] = {}

    def tick(self) -> None:
        """Run every module once. A module that fails does not stop the next.

        The wall clock is read once: if it is set meanwhile, the next tick begins with those who follow it.
        """
        now, began = self._hub.clock.now(), self._hub.clock.monotonic()
        for module in self._modules:
            self._run(module, now + timedelta(seconds=self._hub.clock.monotonic() - began))
        now = self._hub.clock.now()
        if self._beaten_at is None or not timedelta(0) <= now - self._beaten_at < HEARTBEAT_EVERY:
            try:
                self._beat(now)
            except Transient as error:
                log.warning("no heartbeat written", extra={"error": str(error)})

    def _run(self, module: Module, now: datetime) -> None:
        began = self._hub.clock.monotonic()
        try:
            module.run(self._hub, now)
            self._hindered_since.pop(module.name, None)
            took = self._hub.clock.monotonic() - began
            self._slowest[module.name] = max(took, self._slowest.get(module.name, 0.0))
            if took > module.deadline.total_seconds():
                self._failed(module, f"The hub's {module.name} module took {took:.0f} s: what is due waits behind it")
            elif module.name in self._unsure:
                self._recovered(module)
        except Transient as error:
            log.warning("a module will try again", extra={"engine_module": module.name, "error": str(error)})
            self._hindered(module)
        except Exception as error:  # the next module must run, and an operator must know
            log.exception("a module failed", extra={"engine_module": module.name})
            self._failed(module, f"The hub's {module.name} module fails ({type(error).__name__}): its duties wait")

    def _hindered(self, module: Module) -> None:
        now = self._hub.clock.monotonic()
        if now - self._hindered_since.setdefault(module.name, now) >= PASSES_WITHIN.total_seconds():
            self._hindered_since[module.name] = now
            minutes = PASSES_WITHIN // timedelta(minutes=1)
            sentence = (
                f"The hub's {module.name} module is hindered for {minutes} min: its duties wait. Its log shows why"
            )
            self._failed(module, sentence)

    def _failed(self, module: Module, sentence: str) -> None:
        self._failing.add(module.name)
        self._unsure.add(module.name)
        alarm(self._hub, "hub", f"module:{module.name}", sentence, self._hub.clock.now())

    def _recovered(self, module: Module) -> None:
        with self._hub.unit_of_work() as uow:
            technical_over(uow, self._hub, "hub", f"module:{module.name}", self._hub.clock.now())
            uow.commit()
        self._failing.discard(module.name)
        self._unsure.discard(module.name)

    def _beat(self, now: datetime) -> None:
        detail = {name: round(seconds, 3) for name, seconds in self._slowest.items()}
        self._slowest.clear()
        with self._hub.unit_of_work() as uow:
            said = {"slowest_s": detail, "failing": sorted(self._failing)}
            uow.operations.beat(self._role, self._instance, now, said)
            uow.commit()
        self._beaten_at = now
