"""A repository of one service, as a consumer has it, and the drillbook command run in it as its user runs it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil

from drillbook.journal import default_path
from drillbook.journal_file import count_open

CHECKOUT = Path(__file__).parents[2]
QUIET = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-q")


@dataclass
class Done:
    code: int
    out: str
    errors: str


HEEDING = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@dataclass
class Run:
    """A drillbook process. What it says on standard error is read line by line while it works."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    def until(self, words: str) -> None:
        """Return as soon as a line with ``words`` in it was said."""
        errors: IO[str] = self.process.stderr  # type: ignore[assignment]
        for line in errors:
            self.said.append(line)
            if words in line:
                return
        raise AssertionError(f"never said {words!r}:\n{''.join(self.said)}{self.process.communicate()[0]}")

    def interrupt(self, number: signal.Signals) -> None:
        """Ctrl-C reaches every process of the terminal's group, a SIGTERM the one it is sent to."""
        if number is signal.SIGINT:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def end(self, timeout: float = 60) -> Done:
        """What it came to. Raises TimeoutExpired, and ends it, if it takes longer than ``timeout`` seconds."""
        try:
            out, rest = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return Done(self.process.returncode, out, "".join([*self.said, rest]))


class Repository:
    """``root`` with one service in it. Temporary files of all its processes are in ``tmp``."""

    def __init__(self, root: Path, service: str) -> None:
        self.root, self.service = root, service
        self.tmp = root / "tmp"
        self.tmp.mkdir(parents=True, exist_ok=True)
        for kind in ("drills", "features"):
            shutil.copytree(
                CHECKOUT / kind / service, root / kind / service, ignore=shutil.ignore_patterns("__pycache__")
            )

    @property
    def service_file(self) -> Path:
        return self.root / "drills" / self.service / "service.yaml"

    def edit(self, replacements: Mapping[str, str], file: str = "") -> None:
        """Replace texts of the service's file (or another ``file`` of the repository); each must be there."""
        path = self.root / file if file else self.service_file
        text = path.read_text()
        for old, new in replacements.items():
            assert old in text, f"{path} does not say {old!r}"
            text = text.replace(old, new)
        path.write_text(text)

    def only(self, *features: str) -> None:
        """Leave out all features but these, and what the service file says of sabotages: they name other drills."""
        for path in (self.root / "features" / self.service).glob("*.feature"):
            if path.stem not in features:
                path.unlink()
        text = self.service_file.read_text()
        self.service_file.write_text(re.sub(r"^sabotages:\n(?:  .*\n)*", "", text, flags=re.MULTILINE))

    def feature(self, story: str) -> None:
        """The service has this feature, and no other."""
        folder = self.root / "features" / self.service
        for path in folder.glob("*.feature"):
            path.unlink()
        (folder / "story.feature").write_text(story)

    # -- processes ----------------------------------------------------------------------------------------------------

    def start(self, *words: str, module: str = "drillbook.cli", **streams: Any) -> subprocess.Popen[str]:
        """Start a command in a session of its own, as a terminal does, and as there with Ctrl-C in force.

        A shell's background job, such as CI may be, ignores SIGINT, and so does what it starts.
        """
        to = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": self.root, "env": self.environment} | streams
        command = [sys.executable, "-c", HEEDING, "-m", module, *words]
        return subprocess.Popen(command, text=True, start_new_session=True, **to)

    @property
    def environment(self) -> dict[str, str]:
        paths = os.pathsep.join(filter(None, sys.path))
        return {**os.environ, "PYTHONPATH": paths, "TMPDIR": str(self.tmp), "COLUMNS": "200"}

    def drill(self, *options: str) -> Run:
        """``drillbook run`` of the service, under way."""
        return Run(self.start("run", self.service, "--root", str(self.root), *options))

    def pytest(self, *options: str) -> Run:
        """Plain ``pytest`` of the service's features, under way."""
        return Run(self.start("features", f"--rootdir={self.root}", *QUIET, *options, module="pytest"))

    def drilled(self, *options: str, timeout: float = 120) -> tuple[Done, list[dict[str, Any]]]:
        """``drillbook run`` to its end, and its results."""
        done = self.drill("--json", "out.json", *options).end(timeout)
        return done, self.results()

    def heal(self) -> Done:
        return Run(self.start("heal", "--json", "--root", str(self.root))).end()

    # -- what is left -------------------------------------------------------------------------------------------------

    def results(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads((self.latest / "results.json").read_text())["drills"]
        return found

    def events(self) -> list[dict[str, Any]]:
        """What happened in the only drill of the latest run."""
        (path,) = self.latest.glob("*/events.jsonl")
        return [json.loads(line) for line in path.read_text().splitlines()]

    @property
    def latest(self) -> Path:
        return self.root / "reports" / "latest"

    def open_changes(self) -> int:
        path = default_path(self.root)
        return count_open(path) if path.exists() else 0

    def processes(self) -> list[str]:
        """Command lines of all processes that know this repository's temporary files."""
        return [" ".join(line) for process in psutil.process_iter() if self._knows(line := _command_line(process))]

    def _knows(self, line: list[str]) -> bool:
        return any(str(self.tmp) in word for word in line)

    def work_directories(self) -> list[str]:
        """Drills' work directories that are still there, with something in them."""
        return [path.name for path in self.tmp.glob("drillbook-*") if path.is_dir() and any(path.iterdir())]


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
