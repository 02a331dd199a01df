"""Makes the environment of a tool that tests compare with or drive: ``peers.py awscli|ministack|localstack``.

``.peers/NAME`` gets exactly what ``constraints-NAME.txt`` locks, by version and hash; the last line printed is its bin
directory. Standard library only. Made again when the lock or the interpreter has changed; the stamp is written last,
so that an interrupted set-up is seen. ``lock NAME`` (needs uv) locks the newest versions that fit again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
STAMP = "drillbook-peer"
CANNOT = 2


@dataclass(frozen=True)
class Peer:
    """A tool of the package index. ``python`` is the oldest it runs on; ``below`` the first it does not, if any.

    ``universal``: locked for every platform and newer Python; where that cannot be solved, for Linux and ``python``.
    """

    requirements: tuple[str, ...]
    python: tuple[int, int] = (3, 11)
    below: tuple[int, int] = (4, 0)
    universal: bool = True


PEERS = {
    "awscli": Peer(("awscli==1.46.3",)),
    # Its Lambda functions run in its own environment, and AWS's has boto3.
    "ministack": Peer(("ministack==1.5.33", "boto3")),
    # Newer ones of both have taken away what it calls; of cbor2 it does not even say so.
    "localstack": Peer(
        ("localstack-core[runtime]==4.14.0", "cbor2<6", "pyopenssl<26", "service-identity"),
        (3, 12),
        (3, 14),
        universal=False,
    ),
}


class CannotMake(Exception):
    """Says in one line what is missing and what to do."""


def bin_of(name: str) -> Path:
    """The bin directory of the peer, made if need be. Raises CannotMake."""
    place, peer = CHECKOUT / ".peers" / name, PEERS[name]
    python = interpreter(peer)
    place.parent.mkdir(exist_ok=True)
    with (place.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = stamp_of(name, python)
        if not (place / STAMP).is_file() or (place / STAMP).read_text() != stamp:
            make(place, python, constraints(name))
            (place / STAMP).write_text(stamp)
    return place / "bin"


def interpreter(peer: Peer) -> str:
    """This Python, or one of the machine that the peer runs on (PATH, then pyenv). Raises CannotMake."""
    if peer.python <= sys.version_info[:2] < peer.below:
        return os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    minors = range(peer.python[1], peer.below[1] if peer.below[0] == 3 else 20)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [str(path) for minor in minors for path in sorted(pyenv.glob(f"3.{minor}.*/bin/python3.{minor}"))]
    on_path = [path for minor in minors if (path := shutil.which(f"python3.{minor}"))]
    for python in [*on_path, *found]:
        if runs(python):
            return os.path.realpath(python)
    raise CannotMake(f"it needs Python {peer.python[0]}.{peer.python[1]} or newer, and this machine has none")


def runs(python: str) -> bool:
    """Some are mere shims of pyenv that name a version which is not chosen."""
    return subprocess.run([python, "-c", "import venv, ensurepip"], capture_output=True, check=False).returncode == 0


def stamp_of(name: str, python: str) -> str:
    return f"{hashlib.sha256(constraints(name).read_bytes()).hexdigest()} {python} {CHECKOUT}\n"


def constraints(name: str) -> Path:
    return CHECKOUT / f"constraints-{name}.txt"


def make(place: Path, python: str, locked: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    print(f"peers: making {place.name} (first time, or its lock has changed) …", file=sys.stderr, flush=True)
    call([python, "-m", "venv", str(place)])
    install = [str(place / "bin/python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-input"]
    call([*install, "--require-hashes", "-r", str(locked)])


def call(argv: list[str]) -> None:
    """Raises CannotMake with the first error printed."""
    stray = ("PYTHONPATH", "PYTHONHOME", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "VIRTUAL_ENV")
    environment = {key: value for key, value in os.environ.items() if key not in stray}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        errors = [line for line in lines if line.lower().startswith("error")]
        raise CannotMake((errors or lines[-1:] or ["it printed nothing"])[0])


def lock(name: str) -> None:
    """Write ``constraints-NAME.txt`` afresh, naming no index."""
    peer = PEERS[name]
    command = ["uv", "pip", "compile", "-", "-q", "--upgrade", "--generate-hashes", "--no-emit-index-url"]
    command += ["--no-annotate", "--no-header", "-o", str(constraints(name))]
    command += ["--python-version", "{}.{}".format(*peer.python), *(["--universal"] if peer.universal else [])]
    subprocess.run(command, input="\n".join(peer.requirements), text=True, check=True)


def main(arguments: list[str]) -> int:
    name = arguments[-1] if arguments else ""
    if name not in PEERS or arguments[:-1] not in ([], ["lock"]):
        print(f"usage: peers.py [lock] {'|'.join(PEERS)}", file=sys.stderr)
        return CANNOT
    if arguments[:-1]:
        lock(name)
        return 0
    try:
        print(bin_of(name))
    except (CannotMake, OSError) as error:
        print(f"peers: cannot make {name}: {error}", file=sys.stderr)
        return CANNOT
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
