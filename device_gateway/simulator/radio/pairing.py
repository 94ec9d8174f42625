"""How a virtual device pairs: without a question, or by a passkey on its display."""

from typing import Final

from bumble.pairing import PairingConfig, PairingDelegate
from bumble.smp import ErrorCode, IoCapability, SMP_Pairing_Request_Command
from bumble.smp import Session as AnySession

_CANNOT_TYPE: Final = (IoCapability.NO_INPUT_NO_OUTPUT, IoCapability.DISPLAY_ONLY, IoCapability.DISPLAY_YES_NO)


class Session(AnySession):
    """Refuses a central that cannot enter the passkey; the library would go on without one."""

    def on_smp_pairing_request_command(self, command: SMP_Pairing_Request_Command) -> None:
        if self.mitm and command.io_capability in _CANNOT_TYPE:
            self.send_pairing_failed(ErrorCode.AUTHENTICATION_REQUIREMENTS)
        else:
            super().on_smp_pairing_request_command(command)


class _Display(PairingDelegate):
    def __init__(self, passkey: int) -> None:
        super().__init__(io_capability=PairingDelegate.DISPLAY_OUTPUT_ONLY)
        self._passkey = passkey

    async def generate_passkey(self) -> int:
        return self._passkey


def config(passkey: int | None) -> PairingConfig:
    delegate = PairingDelegate() if passkey is None else _Display(passkey)
    return PairingConfig(
        sc=True,
        mitm=passkey is not None,
        bonding=True,
        delegate=delegate,
        identity_address_type=PairingConfig.AddressType.RANDOM,
    )
