"""Devices and gateways: do they work?"""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from dashboards.security.asking import hub, now, zone
from dashboards.viewmodels.working import device_state, gateway_state

blueprint = Blueprint("equipment", __name__, url_prefix="/devices")


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """State first, numbers after."""
    with hub().reads() as reads:
        found = reads.equipment(now())
    return render_template(
        "equipment/show.html",
        gateways=[(gateway, gateway_state(gateway, now(), zone())) for gateway in found.gateways],
        devices=[(device, device_state(device, now(), zone())) for device in found.devices],
    )
