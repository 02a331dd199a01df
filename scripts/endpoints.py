"""Other emulators, started on loopback for as long as a ``with`` lasts. Standard library only.

``moto``        moto's own server, in this Python
``ministack``   from ``.peers``; its Lambda functions run, CloudTrail records (both off the default path)
``localstack``  from ``.peers``, in host mode: without Docker, so without Lambda, and without DynamoDB Local's jar

``endpoints.py NAME`` serves one until Ctrl-C.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import peers

START = 120.0
"""Seconds in which an emulator must answer. LocalStack takes half a minute on a busy machine."""
ACCOUNTS = {"moto": "123456789012", "ministack": "000000000000", "localstack": "000000000000"}


@contextmanager
def running(name: str) -> Iterator[str]:
    """Its URL. Raises peers.CannotMake where it cannot be installed, TimeoutError if it does not answer."""
    scratch = Path(tempfile.mkdtemp(prefix="drillbook-peer-"))
    try:
        port = free_port()
        argv, settings = COMMANDS[name](port, scratch)
        with (scratch / "log").open("w") as log:
            server = subprocess.Popen(
                argv,
                env=clean_environment() | settings | {"TMPDIR": str(scratch)},
                cwd=scratch,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_answering(url, server, scratch / "log")
            yield url
        finally:
            end(server)
            end_workers(scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _moto(port: int, _: Path) -> tuple[list[str], dict[str, str]]:
    return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], {}


def _ministack(port: int, scratch: Path) -> tuple[list[str], dict[str, str]]:
    settings = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1"}
    settings |= {"LAMBDA_EXECUTOR": "local", "CLOUDTRAIL_RECORDING": "1", "S3_DATA_DIR": str(scratch / "s3")}
    return [str(peers.bin_of("ministack") / "ministack")], settings


def _localstack(port: int, scratch: Path) -> tuple[list[str], dict[str, str]]:
    """Host mode. OVERRIDE_IN_DOCKER matters inside any container, where it would else leave FILESYSTEM_ROOT alone."""
    settings = {"FILESYSTEM_ROOT": str(scratch), "OVERRIDE_IN_DOCKER": "0", "GATEWAY_LISTEN": f"127.0.0.1:{port}"}
    settings |= {"SKIP_SSL_CERT_DOWNLOAD": "1", "DISABLE_EVENTS": "1", "EAGER_SERVICE_LOADING": "0"}
    return [str(peers.bin_of("localstack") / "python"), "-m", "localstack.runtime.main"], settings


COMMANDS = {"moto": _moto, "ministack": _ministack, "localstack": _localstack}


def clean_environment() -> dict[str, str]:
    """The caller's, without anything by which an emulator might reach AWS or find the caller's credentials."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_answering(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise peers.CannotMake(f"it ended at once: {' '.join(log.read_text(errors='replace').split())[-300:]}")
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - http, and our own
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)  # noqa: TID251 - no package of ours is imported here
        else:
            return
    raise TimeoutError(f"nothing answers at {url} after {START:.0f} s")


def end(server: subprocess.Popen[bytes]) -> None:
    """The whole process group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, number)
            server.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def end_workers(scratch: Path) -> None:
    """Functions' workers that have left the group: they run files of our own scratch directory."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(scratch).encode() in (process / "cmdline").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)
        except (OSError, ValueError):
            continue


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        print(f"usage: endpoints.py {'|'.join(COMMANDS)}", file=sys.stderr)
        return peers.CANNOT
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with running(arguments[0]) as url:
            print(url, flush=True)
            signal.pause()
    except KeyboardInterrupt:
        return 0
    except (peers.CannotMake, TimeoutError) as error:
        print(f"endpoints: {arguments[0]}: {error}", file=sys.stderr)
        return peers.CANNOT
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
