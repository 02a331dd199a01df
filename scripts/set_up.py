"""Makes a checkout's virtual environment: ``set_up.py CHECKOUT VENV``. Called by ./drillbook; standard library only.

The stamp is written last, so that an interrupted set-up is seen and made again. One set-up runs at a time: the lock is
the kernel's, is inherited by pip or uv, and so lasts exactly as long as anything may still write to the environment.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

USAGE_ERROR = 2
STAMP = "drillbook-stamp"
LOCKED = ("constraints.txt", "pyproject.toml")
PROJECT = ("--no-deps", "--no-build-isolation", "-e", ".")
NETWORK = "check the network and the package index, then try again"
STRAY_SETTINGS = (
    "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV",
)  # fmt: skip


class CannotSetUp(Exception):
    """Says in one line what is missing and what to do."""


class CommandFailed(CannotSetUp):
    """pip or uv said no."""


def say(text: str) -> None:
    print(f"drillbook: {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Place:
    """The checkout, and the descriptor of its set-up lock."""

    checkout: Path
    lock: int

    def run(self, argv: list[str], failed: str) -> None:
        """Run quietly; on failure raise CommandFailed with the first error that was printed."""
        with tempfile.TemporaryFile("w+") as output:
            code = subprocess.call(
                argv,
                cwd=self.checkout,
                env=environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[self.lock],
            )
            if code:
                output.seek(0)
                raise CommandFailed(f"{failed} ({first_error(output.read())})")


def environment() -> dict[str, str]:
    """The caller's environment, less what would make pip or uv install elsewhere, download a Python, or ask."""
    kept = {name: value for name, value in os.environ.items() if name not in STRAY_SETTINGS}
    ours = {"PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_PYTHON_DOWNLOADS": "never"}
    # The machine's own certificates: pip trusts them anyway, uv only when told (the second name is that of older ones).
    return {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"} | kept | ours


def first_error(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines[-1:] or ["it printed nothing"])[0]


def base_python() -> str:
    """The interpreter's real file, so that the environment is seen to be broken when that Python is upgraded away."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def stamp_of(checkout: Path, venv: Path) -> str:
    """What ./drillbook compares in milliseconds: the checksums of the locked files, and where the venv stands."""
    sums = subprocess.run(["cksum", *LOCKED], cwd=checkout, check=True, capture_output=True, text=True).stdout
    return sums.replace("\n", " ") + str(venv)


def fits(venv: Path, checkout: Path) -> bool:
    written = venv / STAMP
    return (
        written.is_file() and written.read_text().strip() == stamp_of(checkout, venv) and (venv / "bin/python").exists()
    )


@contextlib.contextmanager
def only_one(checkout: Path) -> Iterator[Place]:
    """Hold the set-up lock of this checkout, saying so when another set-up has to be waited for."""
    with (checkout / LOCKED[0]).open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up is running; waiting for it …")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield Place(checkout, lock.fileno())


@contextlib.contextmanager
def ticking(what: str) -> Iterator[None]:
    """Say what is being done; on a terminal add a dot each second, to show that it still is."""
    say(what)
    done = threading.Event()

    def tick() -> None:
        while not done.wait(1.0):
            print(".", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)

    ticker = threading.Thread(target=tick, daemon=True)
    if sys.stderr.isatty():
        ticker.start()
    try:
        yield
    finally:
        done.set()
        if ticker.is_alive():
            ticker.join()


def start_afresh(venv: Path) -> None:
    """An empty folder with our mark in it. Only what bears the mark is ever deleted: the rest is somebody else's."""
    if venv.is_symlink() or (venv.exists() and not (venv / STAMP).is_file() and any(venv.iterdir())):
        raise CannotSetUp(f"{venv} was not made by ./drillbook — move it, or name another folder in DRILLBOOK_VENV")
    if venv.exists():
        shutil.rmtree(venv)
    venv.mkdir(parents=True)
    (venv / STAMP).write_text("unfinished\n")


def check_parts() -> None:
    """Debian leaves out parts of the standard library: name the package which brings them."""
    try:
        import ensurepip
        import venv
    except ImportError as error:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise CannotSetUp(
            f"this Python has no {error.name} module — install it, for example: apt install python{version}-venv"
        ) from error
    del ensurepip, venv


def install_with_uv(uv: str, venv: Path, at: Place) -> None:
    cache = [] if os.access(os.environ.get("HOME") or "/nowhere", os.W_OK) else ["--no-cache"]
    at.run(
        [uv, "venv", *cache, "-q", "--allow-existing", "--python", base_python(), str(venv)],
        "uv could not make a virtual environment",
    )
    install = [uv, "pip", "install", *cache, "-q", "--python", str(venv / "bin/python")]
    at.run([*install, "--require-hashes", "-r", "constraints.txt"], f"uv could not install constraints.txt: {NETWORK}")
    at.run([*install, *PROJECT], "uv could not install the project itself")


def install_with_pip(venv: Path, at: Place) -> None:
    at.run([base_python(), "-m", "venv", str(venv)], "python3 -m venv failed: apt install python3-venv may help")
    install = [str(venv / "bin/python"), "-m", "pip", "install", "-q", "--no-warn-script-location"]
    at.run([*install, "--require-hashes", "-r", "constraints.txt"], f"pip could not install constraints.txt: {NETWORK}")
    at.run([*install, *PROJECT], "pip could not install the project itself")


def make(venv: Path, at: Place) -> None:
    """With uv, if it is there and works here; else with what Python brings."""
    started = time.monotonic()
    with ticking(f"setting up {venv.name} (first time, or the lock has changed; up to a minute) …"):
        uv = shutil.which("uv")
        if not uv or not made_with_uv(uv, venv, at):
            check_parts()
            start_afresh(venv)
            install_with_pip(venv, at)
    (venv / STAMP).write_text(stamp_of(at.checkout, venv) + "\n")
    say(f"{venv.name} is ready ({time.monotonic() - started:.0f} s)")


def made_with_uv(uv: str, venv: Path, at: Place) -> bool:
    try:
        start_afresh(venv)
        install_with_uv(uv, venv, at)
    except CommandFailed as failure:
        say(f"{failure}; trying pip instead …")
        return False
    return True


def main(checkout: Path, venv: Path) -> int:
    try:
        with only_one(checkout) as place:
            if not fits(venv, checkout):
                make(venv, place)
    except CannotSetUp as error:
        say(str(error))
        return USAGE_ERROR
    except OSError as error:
        say(f"cannot set up {venv}: {error} — make it writable, or name another directory in DRILLBOOK_VENV")
        return USAGE_ERROR
    except KeyboardInterrupt:
        say("set-up interrupted; the next call starts it again")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
