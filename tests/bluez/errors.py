"""What BlueZ answers when it does not do what it was asked, in its own words: clients go by the words."""


class BluezError(Exception):
    """An error reply: `name` is below org.bluez.Error unless it says otherwise."""

    def __init__(self, name: str, text: str = "") -> None:
        super().__init__(name, text)
        self.name = name if "." in name else f"org.bluez.Error.{name}"
        self.text = text


IN_PROGRESS = ("InProgress", "Operation already in progress")
ABORTED = ("Failed", "le-connection-abort-by-local")  # also what a connection that timed out gets
REFUSED = ("Failed", "le-connection-refused")
NOT_CONNECTED = ("NotConnected", "Not Connected")
AUTHENTICATION_FAILED = ("AuthenticationFailed", "Authentication Failed")
AUTHENTICATION_CANCELED = ("AuthenticationCanceled", "Authentication Canceled")
LINK_ENDED = ("Failed", "Operation failed with ATT error: 0x0e")

_BY_CODE = {
    0x02: ("NotPermitted", "Read not permitted"),
    0x03: ("NotPermitted", "Write not permitted"),
    0x05: ("NotPermitted", "Not paired"),
    0x06: ("NotSupported", "Not supported"),
    0x07: ("InvalidArguments", "Invalid offset"),
    0x08: ("NotAuthorized", "Not Authorized"),
    0x0C: ("NotPermitted", "Not paired"),
    0x0D: ("InvalidArguments", "Invalid Length"),
    0x0F: ("NotPermitted", "Not paired"),
}


def of_att(code: int) -> BluezError:
    """As create_gatt_dbus_error() in BlueZ's src/gatt-client.c puts it."""
    return BluezError(*_BY_CODE.get(code, ("Failed", f"Operation failed with ATT error: 0x{code:02x}")))
