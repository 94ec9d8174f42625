"""Devices and gateways: do they work?"""

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from dashboards.security.asking import actor, hub, now, zone
from dashboards.security.refusals import Refusal, refusal
from dashboards.viewmodels.working import (
    battery_words,
    device_state,
    gateway_state,
    kept_apart,
    kind,
    pairing_words,
    stranger_words,
    tail,
    urgency,
)
from hub.errors import Conflict, Refused
from hub.services.equipment import PROFILES, add_device

blueprint = Blueprint("equipment", __name__, url_prefix="/devices")

NOTICES = {"accepted": "Accepted. It stands below, and nobody has it yet."}


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """State first, numbers after."""
    return _page(NOTICES.get(request.args.get("done", ""), ""))


@blueprint.post("/accept")
def accept() -> ResponseReturnValue:
    """A device that a gateway tells of is one of ours."""
    try:
        _accept(request.form.get("device", ""), request.form.get("gateway", ""))
    except Refused as error:
        return _page("", refusal(error))
    return redirect(url_for("equipment.show", done="accepted"), 303)


def _accept(address: str, gateway_id: str) -> None:
    with hub().reads() as reads:
        strangers = reads.equipment(now()).strangers
    for one in strangers:
        if (one.said.address, one.gateway_id) == (address, gateway_id):
            add_device(hub(), actor(), address, one.said.profile or "", gateway_id)
            return
    raise Conflict("this device is accepted already, or its gateway no longer tells of it")


def _page(notice: str, refused: Refusal | None = None) -> ResponseReturnValue:
    with hub().reads() as reads:
        found = reads.equipment(now())
    devices = [(device, device_state(device, now(), zone())) for device in found.devices]
    html = render_template(
        "equipment/show.html",
        gateways=[(gateway, gateway_state(gateway, now(), zone())) for gateway in found.gateways],
        devices=sorted(devices, key=lambda pair: urgency(pair[1])),
        strangers=found.strangers,
        profiles=PROFILES,
        battery_words=battery_words,
        kept_apart=kept_apart,
        pairing_words=pairing_words,
        stranger_words=stranger_words,
        kind=kind,
        tail=tail,
        notice=notice,
        refused=refused,
    )
    return make_response(html, refused.status if refused else 200)
