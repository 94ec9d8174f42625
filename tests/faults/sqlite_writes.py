"""What SQLite does to its files, in order, so that it can be told what a power cut leaves of them.

SQLite reaches a disk through two tables of functions, which are a part of its public interface (sqlite3_vfs and
sqlite3_io_methods). Copies of them stand in for the originals here: they note what is done, and have it done. The
driver, its SQLite and the program above are the real ones.
"""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Final

OK: Final = 0
_POINTER, _INT, _INT64 = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
_OPEN = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _POINTER, _INT, _POINTER)
_DELETE = ctypes.CFUNCTYPE(_INT, _POINTER, ctypes.c_char_p, _INT)
_WRITE = ctypes.CFUNCTYPE(_INT, _POINTER, _POINTER, _INT, _INT64)
_TRUNCATE = ctypes.CFUNCTYPE(_INT, _POINTER, _INT64)
_SYNC = ctypes.CFUNCTYPE(_INT, _POINTER, _INT)


class _Vfs(ctypes.Structure):
    """sqlite3_vfs."""

    _fields_: ClassVar = [
        *((name, _INT) for name in ("version", "file_size", "max_pathname")),
        *((name, _POINTER) for name in ("next", "name", "data", "open", "delete", "access", "full_pathname")),
        *((name, _POINTER) for name in ("dl_open", "dl_error", "dl_sym", "dl_close", "randomness", "sleep", "time")),
        *((name, _POINTER) for name in ("last_error", "time64", "set_call", "get_call", "next_call")),
    ]


class _Methods(ctypes.Structure):
    """sqlite3_io_methods."""

    _fields_: ClassVar = [
        ("version", _INT),
        *((name, _POINTER) for name in ("close", "read", "write", "truncate", "sync", "size", "lock", "unlock")),
        *((name, _POINTER) for name in ("reserved", "control", "sector", "traits", "shm_map", "shm_lock")),
        *((name, _POINTER) for name in ("shm_barrier", "shm_unmap", "fetch", "unfetch")),
    ]


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes that were written and, until the file is synced, are in memory only."""

    file: str
    at: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    """A file that was cut to ``size``."""

    file: str
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    """From here on all of the file, and its name, is on the disk."""

    file: str


@dataclass(frozen=True, slots=True)
class Delete:
    """A file that was removed; ``synced``: the directory was synced after it."""

    file: str
    synced: bool


@dataclass(frozen=True, slots=True)
class Told:
    """The program told somebody: what it says here it must be able to keep."""

    what: Any


Event = Write | Truncate | Sync | Delete | Told


@dataclass
class Notes:
    """Everything in order. Files go by their names alone: one database at a time is watched."""

    events: list[Event] = field(default_factory=list)

    def tell(self, what: Any) -> None:
        """Note that the program told somebody."""
        self.events.append(Told(what))


@contextmanager
def noted(driver: ModuleType) -> Iterator[Notes]:
    """Note what every connection does that this driver opens meanwhile."""
    recorder = _Recorder(ctypes.CDLL(driver.connect.__self__.__file__))
    recorder.begin()
    try:
        yield recorder.notes
    finally:
        recorder.end()


class _Recorder:
    def __init__(self, library: ctypes.CDLL) -> None:
        self.notes = Notes()
        self._library = library
        self._library.sqlite3_vfs_find.restype = _POINTER
        self._address: int = self._library.sqlite3_vfs_find(None)
        self._real = _Vfs.from_address(self._address)
        self._names: dict[int, str] = {}
        self._methods: dict[int, _Methods] = {}
        self._kept: list[object] = []  # C holds no reference to what it calls
        self._ours = _Vfs.from_buffer_copy(self._real)
        self._label = ctypes.create_string_buffer(b"noted")
        self._ours.name = ctypes.addressof(self._label)
        self._ours.open = self._pointer(_OPEN, self._open)
        self._ours.delete = self._pointer(_DELETE, self._delete)

    def begin(self) -> None:
        assert self._library.sqlite3_vfs_register(ctypes.byref(self._ours), 1) == OK

    def end(self) -> None:
        assert self._library.sqlite3_vfs_unregister(ctypes.byref(self._ours)) == OK
        assert self._library.sqlite3_vfs_register(ctypes.c_void_p(self._address), 1) == OK

    def _pointer(self, kind: Any, function: Callable[..., int]) -> int | None:
        made = kind(function)
        self._kept.append(made)
        return ctypes.cast(made, _POINTER).value

    def _open(self, _vfs: int, name: int | None, file: int, flags: int, out: int | None) -> int:
        status = int(_OPEN(self._real.open)(self._address, name, file, flags, out))
        if status == OK and name is not None:
            methods = ctypes.cast(file, ctypes.POINTER(_POINTER))
            self._names[file] = Path(ctypes.string_at(name).decode()).name
            methods[0] = ctypes.addressof(self._noting(methods[0]))
        return status

    def _noting(self, real: int) -> _Methods:
        """The methods of this kind of file, with ours among them."""
        if real not in self._methods:
            before = _Methods.from_address(real)
            ours = _Methods.from_buffer_copy(before)
            write, truncate, sync = _WRITE(before.write), _TRUNCATE(before.truncate), _SYNC(before.sync)

            def noting_write(file: int, data: int, size: int, at: int) -> int:
                self.notes.events.append(Write(self._names[file], at, ctypes.string_at(data, size)))
                return int(write(file, data, size, at))

            def noting_truncate(file: int, size: int) -> int:
                self.notes.events.append(Truncate(self._names[file], size))
                return int(truncate(file, size))

            def noting_sync(file: int, flags: int) -> int:
                status = int(sync(file, flags))
                self.notes.events.append(Sync(self._names[file]))
                return status

            ours.write = self._pointer(_WRITE, noting_write)
            ours.truncate = self._pointer(_TRUNCATE, noting_truncate)
            ours.sync = self._pointer(_SYNC, noting_sync)
            self._methods[real] = ours
        return self._methods[real]

    def _delete(self, _vfs: int, name: bytes, sync: int) -> int:
        status = int(_DELETE(self._real.delete)(self._address, name, sync))
        self.notes.events.append(Delete(Path(name.decode()).name, synced=bool(sync)))
        return status
