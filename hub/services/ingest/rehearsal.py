"""An alarm that is raised and undone when ingest starts: that it can be is known before anybody's has to be."""

import logging

from hub.domain.alerts import CLINICAL
from hub.domain.findings import Finding
from hub.domain.severity import Severity
from hub.errors import Transient
from hub.services.alerting import Raised, raise_alert, technical_over
from hub.services.engine.guard import alarm
from hub.services.hub import Hub

log = logging.getLogger(__name__)

TIMES = 10
"""So often Python and the database come by before they are as fast as they can be."""

PROBLEM = "no-clinical-alarm"


def rehearsal(hub: Hub) -> None:
    """``rehearse``; a failure is an error in the log, and an operator's alarm if at least that one can be raised.

    Readings are taken all the same: most of them raise no alarm, and of each that should somebody is told (SF10).
    """
    try:
        rehearse(hub)
        _over(hub)
    except Transient as error:
        log.warning("no alarm was rehearsed", extra={"error": str(error)})
    except Exception as error:
        log.exception("an alarm cannot be raised")
        sentence = f"The hub cannot raise a clinical alarm: {type(error).__name__}. Its log shows why"
        alarm(hub, "hub", PROBLEM, sentence, hub.clock.now())


def _over(hub: Hub) -> None:
    with hub.unit_of_work() as uow:
        technical_over(uow, hub, "hub", PROBLEM, hub.clock.now())
        uow.commit()


def rehearse(hub: Hub) -> None:
    """Raises what raising a clinical red and writing its page does. Nothing of it is committed, and nobody is paged."""
    now = hub.clock.now()
    finding = Finding("rehearsal", "rehearsal", Severity.RED, now, "A rehearsal")
    raised = Raised(finding, CLINICAL, signed_off=True, protocol_version_id=None, page=True, new=True)
    with hub.unit_of_work() as uow:
        for number in range(TIMES):
            raise_alert(uow, hub, None, raised, f"rehearsal:{number}", now)
