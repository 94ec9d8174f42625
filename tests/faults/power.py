"""A power cut: what is left on the disk of files that were being written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random  # noqa: TID251 - seeded by the test
from typing import Final

from tests.faults.sqlite_writes import Delete, Event, Sync, Truncate, Write

SECTOR: Final = 512
"""Bytes that a disk writes whole or not at all."""


@dataclass
class _File:
    durable: bytearray
    named: bool
    """Whether the directory on the disk knows it."""
    pending: list[Write | Truncate] = field(default_factory=list)

    def sync(self) -> None:
        for change in self.pending:
            _apply(self.durable, change)
        self.pending.clear()


def cut(before: Mapping[str, bytes], events: Sequence[Event], chance: Random) -> dict[str, bytes]:
    """The files after a power cut behind the last of ``events``.

    What was synced is there. Of everything else each sector may have reached the disk or not, in any mixture; a file
    that was made may have no name yet, and one that was removed may still have it. With the first sync of a new journal
    SQLite syncs the directory as well, which settles both.
    """
    files = {name: _File(bytearray(content), named=True) for name, content in before.items()}
    removed: dict[str, _File] = {}
    for event in events:
        match event:
            case Write() | Truncate():
                files.setdefault(event.file, _File(bytearray(), named=False)).pending.append(event)
            case Sync():
                if not files.setdefault(event.file, _File(bytearray(), named=False)).named:
                    _sync_directory(files, removed)
                files[event.file].sync()
            case Delete() if event.file in files:
                removed[event.file] = files.pop(event.file)
                if event.synced:
                    _sync_directory(files, removed)
    for name, file in removed.items():
        if name not in files and file.named and chance.random() < 0.5:
            files[name] = file
    return {name: _settled(file, chance) for name, file in files.items() if file.named or chance.random() < 0.5}


def lay_down(files: Mapping[str, bytes], directory: Path) -> None:
    """Write the files into a new directory. The index of a WAL lives in memory: it is not among what a cut leaves."""
    directory.mkdir()
    for name, content in files.items():
        if not name.endswith("-shm"):
            (directory / name).write_bytes(content)


def _sync_directory(files: Mapping[str, _File], removed: dict[str, _File]) -> None:
    for file in files.values():
        file.named = True
    removed.clear()


def _settled(file: _File, chance: Random) -> bytes:
    image = bytearray(file.durable)
    for change in file.pending:
        if isinstance(change, Truncate):
            if chance.random() < 0.5:
                _apply(image, change)
            continue
        start = 0
        while start < len(change.data):
            end = start + SECTOR - (change.at + start) % SECTOR
            if chance.random() < 0.5:
                _apply(image, Write(change.file, change.at + start, change.data[start:end]))
            start = end
    return bytes(image)


def _apply(image: bytearray, change: Write | Truncate) -> None:
    if isinstance(change, Truncate):
        del image[change.size :]
        return
    image.extend(bytes(max(0, change.at - len(image))))
    image[change.at : change.at + len(change.data)] = change.data
