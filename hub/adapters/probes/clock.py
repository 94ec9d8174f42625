"""Whether anything keeps this machine's clock right (Linux: adjtimex(2))."""

import ctypes

STA_UNSYNC = 0x0040


class _Timex(ctypes.Structure):
    """The head of ``struct timex``; the rest is room for the kernel to write into."""

    _fields_ = (
        ("modes", ctypes.c_uint),  # 0: only read
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 512),
    )


def synchronised() -> bool | None:
    """Whether the kernel was told a time that can be trusted; None: it cannot be asked here."""
    asked = _Timex()
    try:
        answer = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(asked))
    except (AttributeError, OSError):
        return None
    return None if answer == -1 else not asked.status & STA_UNSYNC
