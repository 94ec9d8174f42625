"""Transport keys are forgotten long after any gateway could send their readings again.

A gateway keeps what was acknowledged for 72 hours and sends it again when it is told to after a restore. What was never
acknowledged it sends for as long as it lives: one that was off for longer than the keys were kept makes a duplicate of
its last readings, unless the device numbers or dates its records, whose keys stay for ever.
"""

from collections.abc import Callable
from datetime import timedelta

from hub.errors import Refused
from hub.services.hub import OPERATORS, Actor, Hub, require

SHORTEST = timedelta(days=30)
"""Ten times the replay window of a gateway, and a month in a drawer."""

AT_ONCE = 500
Tell = Callable[[str, int, int], object]


def forget_keys(
    hub: Hub, actor: Actor, older_than: timedelta, tell: Tell, pause: Callable[[], object], at_once: int = AT_ONCE
) -> int:
    """Forget the keys of readings received longer ago; how many. Audited; interrupted, run it again.

    ``at_once`` rows are one transaction, with a ``pause`` after each.
    """
    require(actor, OPERATORS)
    if older_than < SHORTEST:
        raise Refused(f"Keys are kept for {SHORTEST.days} days at least: gateways may still send their readings again.")
    now = hub.clock.now()
    with hub.unit_of_work() as uow:
        done, last = uow.transport_keys.forgotten_to(), uow.transport_keys.received_before(now - older_than)
        detail = {"older_than_days": older_than.days, "after": done, "upto": last}
        uow.audit.write(now, actor.name, "keys.forget", "journal", detail)
        uow.commit()
    forgotten, first = 0, done
    while done < last:
        upto = min(done + at_once, last)
        with hub.unit_of_work() as uow:
            forgotten += uow.transport_keys.forget(done, upto, now)
            uow.commit()
        done = upto
        tell("Forgetting keys", done - first, last - first)
        pause()
    return forgotten
