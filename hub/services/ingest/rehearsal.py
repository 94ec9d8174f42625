"""An alarm that is raised and undone when ingest starts: that it can be is known before anybody's has to be."""

from hub.domain.alerts import CLINICAL
from hub.domain.findings import Finding
from hub.domain.severity import Severity
from hub.services.alerting import Raised, raise_alert
from hub.services.hub import Hub

TIMES = 10
"""So often Python and the database come by before they are as fast as they can be."""


def rehearse(hub: Hub) -> None:
    """Raises what raising a clinical red and writing its page does. Nothing of it is committed, and nobody is paged."""
    now = hub.clock.now()
    finding = Finding("rehearsal", "rehearsal", Severity.RED, now, "A rehearsal")
    raised = Raised(finding, CLINICAL, signed_off=True, protocol_version_id=None, page=True, new=True)
    with hub.unit_of_work() as uow:
        for number in range(TIMES):
            raise_alert(uow, hub, None, raised, f"rehearsal:{number}", now)
