"""A scene of files, changed by shell commands which outlive the process that started them."""

from __future__ import annotations

import hashlib
import shutil
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path

from drillbook.events import Json

SETTLE = 0.3
SLOW = 0.1
"""Seconds that some commands sleep before they strike: the call in flight."""

FILES = {"prices.csv": "apple,1\npear,2\n", "config.ini": "[shop]\nopen = yes\n", "hours.txt": "9-17\n"}


def lay_out(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for name, text in FILES.items():
        (place / name).write_text(text)
        (place / name).chmod(0o640)


def fingerprint(place: Path) -> str:
    """Names, modes and contents of all that is there."""
    told = []
    for path in sorted(place.rglob("*")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8] if path.is_file() else "-"
        told.append(f"{path.relative_to(place)} {stat.filemode(path.stat().st_mode)} {digest}")
    return "; ".join(told)


class Command:
    """A file struck by a shell command; restored from its captured text and mode."""

    settle = SETTLE

    def __init__(self, place: Path, name: str, command: str, slow: bool) -> None:
        self.file, self.command, self.slow = place / name, command, slow

    def describe(self) -> str:
        return f"{self.command} {self.file.name}"

    def touches(self) -> list[str]:
        return [str(self.file)]

    def capture(self) -> Json:
        if not self.file.exists():
            return None
        return {"text": self.file.read_text(), "mode": stat.S_IMODE(self.file.stat().st_mode)}

    def apply(self, before: Json) -> None:
        pause = f"sleep {SLOW}; " if self.slow else ""
        subprocess.run(
            ["/bin/sh", "-c", f'{pause}{self.command} "$0"', str(self.file)], check=True, start_new_session=True
        )

    def restore(self, before: Json) -> None:
        if before is None:
            self.file.unlink(missing_ok=True)
            return
        self.file.touch()
        self.file.chmod(0o600)
        self.file.write_text(before["text"])
        self.file.chmod(before["mode"])

    def restored(self, before: Json) -> bool:
        return self.capture() == before


def changes(seed: int) -> list[tuple[str, dict[str, Json]]]:
    """Overlapping ones among them: the same file is struck twice."""
    kinds = [
        ("prices.csv", "printf nonsense >"),
        ("prices.csv", "rm -f"),
        ("config.ini", "chmod 400"),
        ("config.ini", "printf more >>"),
        ("hours.txt", "printf 0-24 >"),
        ("left-over.lock", "touch"),
    ]
    return [
        ("command", {"name": name, "command": command, "slow": (seed >> index) % 2 == 0})
        for index, (name, command) in enumerate(kinds)
    ]


def rebuild(place: str, factory: str, settings: Mapping[str, Json]) -> Command:
    return Command(Path(place), **settings)
