"""A process that has imported what most functions import, and forks a sandbox whenever the cloud orders one.

Importing botocore and psycopg takes a sandbox most of its start, and a recovery that reconfigures functions starts
dozens of them. They are what AWS's own runtime holds ready (botocore) or what a layer would bring (psycopg). This
process has one thread, opens nothing and looks at nobody's environment, so that its children differ in nothing from a
process of their own but in what is imported. Orders come over a socket that only the cloud holds: when it closes, this
ends.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import struct
import sys
import tempfile
import time
import traceback
from typing import Any

HEAD = struct.Struct("!I")
"""The length of an order, which comes with two file descriptors: the sandbox's lifeline and its output."""
_FIRST_OF_OURS, _BEYOND = 3, 4096


def preload() -> None:
    import botocore.session

    # Making a client imports the rest; nothing is connected to, and no credentials are looked for.
    session = botocore.session.get_session()
    session.set_credentials("none", "none")
    session.create_client("dynamodb", region_name="us-east-1")
    with contextlib.suppress(ImportError):
        import psycopg  # noqa: F401
    gc.collect()
    gc.freeze()  # What is never collected is never written to, and so stays shared.


def serve(cloud: socket.socket) -> None:
    died, bell = os.pipe()
    os.set_blocking(bell, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(bell, warn_on_full_buffer=False)
    children: set[int] = set()
    _tell(cloud, preloaded=sorted({name.partition(".")[0] for name in sys.modules}))
    while True:
        ready, _, _ = select.select([cloud.fileno(), died], [], [])
        if died in ready:
            os.read(died, 4096)
            _bury(cloud, children)
        if cloud.fileno() in ready:
            order, descriptors = _receive(cloud)
            if "kill" in order:
                _kill(order["kill"], children)
            else:
                _fork(cloud, order, descriptors, children)


def _fork(cloud: socket.socket, order: dict[str, Any], descriptors: list[int], children: set[int]) -> None:
    try:
        pid = os.fork()
    except OSError as error:
        _tell(cloud, order=order["order"], error=str(error))
    else:
        if pid == 0:
            _become(cloud, order, descriptors)
        children.add(pid)
        _tell(cloud, order=order["order"], pid=pid)
    for descriptor in descriptors:
        os.close(descriptor)


def _become(cloud: socket.socket, order: dict[str, Any], descriptors: list[int]) -> None:
    """Be the sandbox. Never returns."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        lifeline, output = descriptors
        for source, target in ((lifeline, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        cloud.detach()
        os.closerange(_FIRST_OF_OURS, _BEYOND)
        os.environ.clear()
        os.environ.update(order["environment"])
        time.tzset()
        tempfile.tempdir = None
        os.chdir(order["code"])
        code = _run(order["handler"], order["code"])
    finally:
        os._exit(code)


def _run(handler: str, code: str) -> int:
    """The exit status of a Python that ran the sandbox's boot."""
    try:
        _boot().run(handler, code)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)  # noqa: T201 - as Python itself does
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - the last frame of a process tells what ended it
        traceback.print_exc()
        return 1
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
    return 0


def _boot() -> Any:
    """By its file: the packages of drillbook are not on the path of a function."""
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path

    spec = spec_from_file_location("sandbox_boot", Path(__file__).with_name("sandbox_boot.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _kill(pid: int, children: set[int]) -> None:
    """Only whom nobody has waited for yet: another process may have had the number since."""
    if pid in children:
        os.kill(pid, signal.SIGKILL)


def _bury(cloud: socket.socket, children: set[int]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        children.discard(pid)
        _tell(cloud, exited=pid, status=os.waitstatus_to_exitcode(status))


def _receive(cloud: socket.socket) -> tuple[dict[str, Any], list[int]]:
    head, descriptors, _, _ = socket.recv_fds(cloud, HEAD.size, 2)
    if not head:
        os._exit(0)
    length = HEAD.unpack(head + _exactly(cloud, HEAD.size - len(head)))[0]
    order: dict[str, Any] = json.loads(_exactly(cloud, length))
    return order, list(descriptors)


def _exactly(cloud: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        piece = cloud.recv(length - len(received))
        if not piece:
            os._exit(0)
        received += piece
    return received


def _tell(cloud: socket.socket, **said: Any) -> None:
    try:
        cloud.sendall(json.dumps(said).encode() + b"\n")
    except OSError:
        os._exit(0)


if __name__ == "__main__":
    orders = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    preload()
    serve(orders)
