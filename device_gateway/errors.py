"""What can go wrong in the gateway, and whether trying again can help.

GatewayError
├── PermanentError             the same attempt will fail the same way
│   ├── SettingsError          a setting is wrong; the text is one sentence that names it
│   ├── UndecodableError       these bytes are no record of that kind; `code` says why
│   ├── SpoolCorruptError      the spool file is damaged; the next start moves it aside
│   ├── SpoolLockedError       another gateway process has this DATA_DIR
│   ├── RecordingError         a recording, or a row of it, cannot be replayed; the text says why
│   └── PairingError           a device could not be paired; the text says what a person can do
└── TransientError             worth another attempt later
    ├── SpoolUnavailableError  disk full, disk error: nothing was stored, so nothing may be acknowledged
    ├── RegistryError          the list of paired devices cannot be read or written
    └── BluetoothError         the radio, or a device, did not do what was asked of it

A record that is no measurement is not an error but a value: `frames.Rejected`.
"""


class GatewayError(Exception):
    """Base of all errors the gateway raises on purpose."""


class PermanentError(GatewayError):
    """Another attempt cannot help."""


class TransientError(GatewayError):
    """Another attempt may help."""


class RecordingError(PermanentError):
    """A recording that cannot be replayed as it is."""


class SettingsError(PermanentError):
    """A setting is wrong."""


class UndecodableError(PermanentError):
    """Bytes that are no record of the kind they claim to be."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class SpoolCorruptError(PermanentError):
    """The spool file cannot be read."""


class SpoolLockedError(PermanentError):
    """Another process owns the spool."""


class SpoolUnavailableError(TransientError):
    """The spool could not store."""


class PairingError(PermanentError):
    """A device could not be paired."""


class RegistryError(TransientError):
    """The list of paired devices cannot be used."""


class BluetoothError(TransientError):
    """The radio or a device failed."""
