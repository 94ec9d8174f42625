"""Radio that does not leave the process. Each virtual device has a controller, a link layer and a security manager of
its own, so what travels between them is what would travel between real ones."""

import asyncio
from typing import Any, Final

from bumble import hci, ll
from bumble.controller import Controller
from bumble.device import Device, DeviceConfiguration
from bumble.hci import Address
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink

from device_gateway.simulator.radio.central import Central

CENTRAL: Final = "F0:F0:F0:00:00:01"


class Air:
    """Everything that can hear each other."""

    def __init__(self) -> None:
        self._link: LocalLink = _Link()  # type: ignore[no-untyped-call]

    async def central(self, name: str = "gateway", address: str = CENTRAL) -> Central:
        """A powered central without bonds."""
        device = self.join(DeviceConfiguration(name=name, address=Address(address)))
        await device.power_on()
        return Central(device)

    def join(self, config: DeviceConfiguration) -> Device:
        """A device on the air, still without power."""
        controller = _Controller(config.name, link=self._link)
        return Device(
            config=config, host=_Host(controller_source=controller, controller_sink=AsyncPipeSink(controller))
        )

    def leave(self, device: Device) -> None:
        """After this nobody hears the device, and it hears nobody."""
        for controller in [each for each in self._link.controllers if each.host is device.host]:
            self._link.remove_controller(controller)


class _Link(LocalLink):
    """Delivers advertisements to listeners only: a dozen devices at rest would else be busy hearing each other."""

    def send_advertising_pdu(self, sender_controller: Controller, packet: ll.AdvertisingPdu) -> None:
        loop = asyncio.get_running_loop()
        connecting = isinstance(packet, ll.ConnectInd)
        for each in self.controllers:
            listening = connecting or each.le_scan_enable or each.pending_le_connection is not None
            if listening and each is not sender_controller:
                loop.call_soon(each.on_ll_advertising_pdu, packet)
        if isinstance(packet, ll.ConnectInd):
            loop.call_soon(self._check, sender_controller, packet)

    def _check(self, sender: Controller, packet: ll.ConnectInd) -> None:
        """Ends the link of a central whose device stopped listening in the same moment."""
        halves = [half for each in self.controllers for half in each.le_connections.values()]
        taken = any(half.self_address == packet.advertiser_address for half in halves)
        mine = sender.le_connections.get(packet.advertiser_address)
        if mine is not None and not taken:
            sender.on_le_disconnected(mine, hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR)


class _Controller(Controller):
    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Leaves out the library's log lines, which spell out every packet at any level, and its empty scan responses:
        they cost more than all the rest."""
        if self.host is not None and not _repeats(packet):
            asyncio.get_running_loop().call_soon(self.host.on_packet, bytes(packet))

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """The library's own answers and goes on waiting: an attempt given up would come true later, by itself."""
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is not None:
            asyncio.get_running_loop().call_soon(self.send_hci_packet, _cancelled(pending.peer_address))
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)


class _Host(Host):
    def on_hci_packet(self, packet: hci.HCI_Packet) -> None:
        if isinstance(packet, hci.HCI_Event):  # these without the log line, too
            self.on_hci_event_packet(packet)
        else:
            super().on_hci_packet(packet)

    async def _send_command(
        self, command: hci.HCI_SyncCommand[Any] | hci.HCI_AsyncCommand, response_timeout: float | None = None
    ) -> hci.HCI_Command_Complete_Event[Any] | hci.HCI_Command_Status_Event:
        """Sees each command through: of one given up, the answer would be taken for the next one's."""
        return await asyncio.shield(super()._send_command(command, response_timeout))


def _repeats(packet: hci.HCI_Packet) -> bool:
    """Whether it is the answer to a scan: on this air the advertisement said it all."""
    if not isinstance(packet, hci.HCI_LE_Extended_Advertising_Report_Event):
        return False
    answer = hci.HCI_LE_Extended_Advertising_Report_Event.EventType.SCAN_RESPONSE
    return all(report.event_type & answer for report in packet.reports)


def _cancelled(peer: Address) -> hci.HCI_LE_Connection_Complete_Event:
    return hci.HCI_LE_Connection_Complete_Event(
        status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
        connection_handle=0,
        role=hci.Role.CENTRAL,
        peer_address_type=peer.address_type,
        peer_address=peer,
        connection_interval=0,
        peripheral_latency=0,
        supervision_timeout=0,
        central_clock_accuracy=0,
    )
