"""``rpmhub`` as a process of its own without waiting for it to load: forked off one that has loaded its code.

Loading takes a second, most commands a tenth of that. A test of the start itself starts it by itself.
"""

import atexit
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile

LONGEST = 200_000
"""Bytes of a request: arguments and environment."""


def rpmhub(arguments: Sequence[str], environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run it to its end; what it printed, and its status."""
    with TemporaryFile() as out, TemporaryFile() as err:
        request = json.dumps([list(arguments), dict(environment)]).encode()
        line = _loaded()
        socket.send_fds(line, [request], [out.fileno(), err.fileno()])
        status = json.loads(line.recv(LONGEST))
        printed = []
        for file in (out, err):
            file.seek(0)
            printed.append(file.read().decode())
    return subprocess.CompletedProcess(["rpmhub", *arguments], status, *printed)


@cache
def _loaded() -> socket.socket:
    """The line to a process that has loaded the code. It ends when its line does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.commands", str(theirs.fileno())]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[1], pass_fds=[theirs.fileno()])
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _serve(line: socket.socket) -> None:
    import hub.cli.commands  # noqa: F401 - this is what takes a second

    while True:
        request, files, _, _ = socket.recv_fds(line, LONGEST, 2)
        if not request:
            return
        child = os.fork()
        if not child:
            line.close()
            _become(*json.loads(request), files)
        for file in files:
            os.close(file)
        _, status = os.waitpid(child, 0)
        line.send(json.dumps(os.waitstatus_to_exitcode(status)).encode())


def _become(arguments: list[str], environment: dict[str, str], files: list[int]) -> None:
    """Be the command: this never returns."""
    for number, file in enumerate([os.open(os.devnull, os.O_RDONLY), *files]):
        os.dup2(file, number)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["rpmhub", *arguments]
    from hub.cli import main

    main()
    sys.exit()


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
