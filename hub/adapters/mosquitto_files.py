"""The password and access files a mosquitto broker reads, made from the hub's own rows."""

import hashlib
import os
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

_ITERATIONS = 101
"""What mosquitto_passwd 2.0 writes; the passwords are 256 random bits, so stretching adds nothing."""


def hash_password(password: str, salt: bytes) -> str:
    """``password`` in mosquitto's ``$7$`` form: PBKDF2 with SHA-512 (mosquitto 2.0, ``mosquitto_passwd``)."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS, dklen=64)
    return f"$7${_ITERATIONS}${b64encode(salt).decode()}${b64encode(digest).decode()}"


def write_files(directory: Path, acl: str, credentials: Mapping[str, str]) -> None:
    """Write ``passwords`` and ``acl`` (0640) for these users. The broker re-reads them on SIGHUP."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o750)  # past any umask: the broker reads as a member of the group
    lines = [f"{user}:{credential}\n" for user, credential in sorted(credentials.items())]
    _replace(directory / "passwords", "".join(lines))
    _replace(directory / "acl", acl)


def _replace(path: Path, text: str) -> None:
    """Whole or not at all: a broker that reads half a file locks everybody out."""
    new = path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.chmod(0o640)
    new.replace(path)
