"""One row may not stop the rest: each in a transaction of its own, its failure an operator's alarm."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from hub.domain.severity import Severity
from hub.errors import Transient
from hub.services.alerting import technical
from hub.services.hub import Hub
from hub.services.ports.storage import UnitOfWork

log = logging.getLogger(__name__)
Row = TypeVar("Row")


def one_by_one(
    hub: Hub,
    now: datetime,
    rows: Iterable[Row],
    act: Callable[[UnitOfWork, Row], object],
    module: str,
    name: Callable[[Row], object],
) -> int:
    """Do ``act`` for every row and commit; how many succeeded. ``name`` says which row it was, without patient data.

    However many fail, it is one alarm of the module: a fault in it may fail them all. Where one could not be done just
    now, its ``Transient`` is raised after all others: it is still due, and the next tick finds it.
    """
    done, hindered = 0, None
    failed: list[tuple[object, Exception]] = []
    for row in rows:
        try:
            with hub.unit_of_work() as uow:
                act(uow, row)
                uow.commit()
                done += 1
        except Transient as error:
            hindered = error
        except Exception as error:  # the other rows must not wait for this one
            log.exception("one row failed", extra={"engine_module": module})
            failed.append((name(row), error))
    if failed:
        first, why = failed[0]
        many = f"{len(failed)} {module} rows, the first of them" if len(failed) > 1 else f"one {module} row,"
        sentence = f"The hub cannot deal with {many} {first}: {type(why).__name__}"
        alarm(hub, f"module:{module}", "row-failed", sentence, now)
    if hindered is not None:
        raise hindered
    return done


def alarm(hub: Hub, subject: str, problem: str, sentence: str, now: datetime) -> None:
    """Raise an operator's alarm in a transaction of its own. Where even that fails the next tick tries again."""
    try:
        with hub.unit_of_work() as uow:
            technical(uow, hub, subject, problem, Severity.RED, sentence, now)
            uow.commit()
    except Exception:  # what comes next must still be done
        log.exception("no alarm could be raised", extra={"problem": problem})
