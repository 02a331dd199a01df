"""What a service's stand-up makes in the embedded cloud, kept, so that each drill begins in a fresh cloud that has it.

``<root>/.drillbook/worlds/<service>-<key>.world`` is the saved world, and the ``.json`` beside it says what stand-up
has returned and which capabilities were found true. The key stands for everything that the world was made from.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from drillbook import side_by_side
from drillbook.clock import Clock
from drillbook.embedded import world_stamp, worlds
from drillbook.embedded.process import Cloud
from drillbook.service import Service

_FOLDER = "worlds"
_PACKAGE = Path(__file__).parents[1]
AGE = 6 * 3600.0
"""Seconds after which a world is made anew: what is old in it would be told apart from what a stand-up makes now."""
_OF_A_CLOUD = ("resolver", "port")
"""What belongs to one cloud and may stand in what stand-up returned; its endpoint differs by the port alone."""


@dataclass(frozen=True)
class Told:
    """What is noted beside a saved world."""

    given: dict[str, str]
    """What stand-up returned."""
    there: dict[str, str]
    """What belonged to the cloud that was saved: its resolver and port."""
    true: tuple[str, ...] = ()
    """Capabilities that truth probes found in such a cloud."""


@dataclass
class Prepared:
    """The saved world of one service; not there yet if nothing is told of it."""

    file: Path
    told: Told | None = None
    _making: ExitStack = field(default_factory=ExitStack, repr=False)

    @property
    def ready(self) -> bool:
        return self.told is not None

    def await_turn(self, clock: Clock) -> None:
        """Wait while another process makes this world; then it is there, or it is ours to make until ``release``."""
        _folder(self.file.parent)
        self._making.enter_context(_alone(self.file.with_suffix(".lock")))
        self.told = _read(self.file, clock)
        if self.ready:
            self.release()

    def release(self) -> None:
        """Let others make it. Twice is once."""
        self._making.close()

    def keep(self, cloud: Cloud, given: Mapping[str, str], here: Mapping[str, str]) -> None:
        """Save what ``cloud`` holds, with what stand-up has returned there. Older worlds of the service are removed.

        ``here`` has the values that belong to this cloud. Raises TargetError if the cloud cannot be saved.
        """
        worlds.save(cloud, self.file)
        self._note(Told(dict(given), {name: here[name] for name in _OF_A_CLOUD}))
        _remove_others(self.file)

    def given(self, here: Mapping[str, str]) -> dict[str, str]:
        """What stand-up returned, as it would be in this cloud. Only if it is ``ready``."""
        told = self.told or Told({}, {})
        return {name: _moved(value, told.there, here) for name, value in told.given.items()}

    def unproven(self, needs: Collection[str]) -> set[str]:
        """Those of ``needs`` that were not yet found true of a cloud of this code."""
        return set(needs).difference(self.told.true if self.told else ())

    def proven(self, capabilities: Collection[str]) -> None:
        """They were found true."""
        if self.told and capabilities:
            self._note(replace(self.told, true=tuple(sorted({*self.told.true, *capabilities}))))

    def discard(self) -> None:
        """It cannot be used."""
        self.told = None
        _told_of(self.file).unlink(missing_ok=True)
        self.file.unlink(missing_ok=True)

    def _note(self, told: Told) -> None:
        """Whole or not at all, and only for this user's eyes: what stand-up returns may be anything."""
        draft = self.file.with_name(f".{self.file.stem}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(told), file)
        draft.replace(_told_of(self.file))
        self.told = told


def of(service: Service, state: Path, *, account: str, region: str, speed: float, clock: Clock) -> Prepared | None:
    """The world of ``service`` as it would be stood up now; None if it cannot be kept.

    What a stand-up does outside the cloud is not in a saved world: a service that needs a ``tear_down`` has such.
    """
    target = service.targets["embedded"]
    if not target.stand_up or target.tear_down:
        return None
    parts = [asdict(world_stamp.stamp_of(account, speed)), region, _digest(_PACKAGE), _digest(service.folder)]
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
    file = side_by_side.shared(state) / _FOLDER / f"{service.name}-{key}.world"
    return Prepared(file, _read(file, clock))


def _read(file: Path, clock: Clock) -> Told | None:
    """What is told of a world that is there and can be used."""
    try:
        if clock.now().timestamp() - file.stat().st_mtime > AGE:
            return None
        said = json.loads(_told_of(file).read_text())
        return Told(dict(said["given"]), dict(said["there"]), tuple(said["true"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _told_of(file: Path) -> Path:
    return file.with_suffix(".json")


def _remove_others(file: Path) -> None:
    """Worlds of the same service that were made from something else."""
    ours = re.compile(re.escape(file.stem[:-16]) + "[0-9a-f]{16}")
    for other in file.parent.iterdir():
        if ours.fullmatch(other.stem) and other.stem != file.stem:
            other.unlink(missing_ok=True)


def _moved(text: str, there: Mapping[str, str], here: Mapping[str, str]) -> str:
    """``text`` with what belonged to the cloud that was saved replaced by what is so in this one."""
    for old, new in ((there["resolver"], here["resolver"]), (f":{there['port']}", f":{here['port']}")):
        text = re.sub(rf"{re.escape(old)}(?!\d)", new, text)
    return text


def _folder(path: Path) -> None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One at a time, across processes; the kernel lets go when the holder dies."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _digest(folder: Path) -> str:
    """Of the names and contents of all files below ``folder``, but for what Python has compiled."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            digest.update(f"{file.relative_to(folder)}\0{file.stat().st_size}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()
