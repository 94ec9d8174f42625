"""What is wrong with the radio, in words that a person can act on."""

from typing import Final

from device_gateway.errors import BluetoothError

_NO_BUS: Final = "There is no D-Bus to reach Bluetooth's daemon by. Is bluetoothd installed, and running?"
_NO_DAEMON: Final = "Bluetooth's daemon does not run. Start it: systemctl start bluetooth"
# What BlueZ, D-Bus or the operating system say -> what to do.
_WORDS: Final = {
    "NotReady": "The Bluetooth adapter is switched off. Switch it on: bluetoothctl power on",
    "ServiceUnknown": _NO_DAEMON,
    "NameHasNoOwner": _NO_DAEMON,
    "No such file or directory": _NO_BUS,
    "Connection refused": _NO_BUS,
    "AccessDenied": "This user may not use Bluetooth. Add it to the group bluetooth, and sign in again.",
    "UnknownObject": "There is no such Bluetooth adapter. `bluetoothctl list` shows which there are.",
    "No Bluetooth adapters": "This machine has no Bluetooth adapter, or it is not plugged in.",
}


def trouble(error: object) -> BluetoothError:
    """The error to raise for one of the stack's, or for the name of one."""
    text = str(error) or type(error).__name__
    told = next((words for said, words in _WORDS.items() if said in text), None)
    return BluetoothError(told or f"The Bluetooth adapter does not do what it is asked to: {text}")
