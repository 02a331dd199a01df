"""Start, stop, kill, back up and restore the notes service, as its operators do.

    notesctl.py start | stop | restore      --dir DIR --port PORT
    notesctl.py is-up | is-down             exit status 0: it is; 1: it is not
    notesctl.py seed | check                write the first notes unless they are there; see that they are there
    notesctl.py kill [--lose-store]         kill -9 the server, and take its store away
    notesctl.py put-back                    undo that: the store is back where it was, the server runs

Every command may be given twice.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

PATIENCE = 10.0
SEEDS = {f"first-{number}": f"This is note {number}." for number in range(1, 21)}
SERVER = Path(__file__).with_name("notes.py")


class Notes:
    """One instance of the service: a directory and a port."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.store, self.backup = folder / "store" / "notes.json", folder / "backup" / "notes.json"
        self.taken = folder / "taken" / "notes.json"

    def start(self) -> None:
        """Start the server unless it runs, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.pid() is None:
            self.spawn()
        if not wait(self.answers):
            sys.exit(f"the server does not answer on port {self.port}; see {self.folder / 'server.err'}")

    def spawn(self) -> None:
        (self.folder / "server.lock").write_bytes(b"")
        with (self.folder / "server.err").open("ab") as errors:
            subprocess.Popen(
                [sys.executable, str(SERVER), "--dir", str(self.folder), "--port", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                start_new_session=True,
            )

    def stop(self) -> None:
        """End the server and wait until it has ended."""
        self.signal(signal.SIGTERM)

    def kill(self, *, lose_store: bool) -> None:
        """End the server at once; with ``lose_store`` its store is gone as well, as far as the service can see."""
        self.log("killing")
        self.signal(signal.SIGKILL)
        if lose_store and self.store.exists():
            self.taken.parent.mkdir(exist_ok=True)
            self.store.replace(self.taken)
        self.log("killed", lost_store=lose_store)

    def restore(self) -> None:
        """Make the last backup the store. Refuses while the server runs, for it would write over it."""
        if self.pid() is not None:
            sys.exit("the server runs; stop it first")
        self.store.parent.mkdir(parents=True, exist_ok=True)
        draft = self.store.with_suffix(".new")
        shutil.copyfile(self.backup, draft)
        draft.replace(self.store)
        self.log("restored")

    def put_back(self) -> None:
        """Undo ``kill``. A store that is there was written since, and is never replaced."""
        if self.taken.exists() and not self.store.exists() and self.pid() is None:
            self.taken.replace(self.store)
        self.start()

    def seed(self) -> None:
        for key, text in SEEDS.items():
            if self.read(key) is None:
                self.request("POST", "", {"id": key, "text": text})

    def check(self) -> None:
        wrong = [key for key, text in SEEDS.items() if self.read(key) != text]
        if wrong:
            sys.exit(f"{len(wrong)} of {len(SEEDS)} first notes are missing or changed, such as {wrong[0]}")
        sys.stdout.write(f"all {len(SEEDS)} first notes are there\n")

    def is_up(self) -> bool:
        return self.pid() is not None and self.store.exists() and self.answers()

    def pid(self) -> int | None:
        """The server's process, known by the lock that it holds: the kernel lets go of it when the server ends."""
        try:
            lock = os.open(self.folder / "server.lock", os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(os.pread(lock, 20, 0) or 0) or None
        else:
            return None
        finally:
            os.close(lock)

    def signal(self, number: signal.Signals) -> None:
        if (pid := self.pid()) is not None:
            os.kill(pid, number)
        if not wait(lambda: self.pid() is None):
            sys.exit(f"the server, process {pid}, does not end")

    def answers(self) -> bool:
        try:
            self.request("GET")
        except OSError:
            return False
        return True

    def read(self, key: str) -> str | None:
        try:
            return str(self.request("GET", f"/{key}")["text"])
        except urllib.error.HTTPError:
            return None

    def request(self, method: str, path: str = "", note: dict[str, str] | None = None) -> dict[str, object]:
        """Raises OSError (urllib's errors are such) unless the answer is a good one."""
        body = json.dumps(note).encode() if note else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/notes{path}", data=body, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=1) as answer:
            return dict(json.load(answer))

    def log(self, event: str, **more: object) -> None:
        line = json.dumps({"event": event, "at": time.monotonic(), "pid": os.getpid(), **more})
        with (self.folder / "log.jsonl").open("a") as log:
            log.write(f"{line}\n")


COMMANDS = {
    "start": Notes.start,
    "stop": Notes.stop,
    "restore": Notes.restore,
    "put-back": Notes.put_back,
    "seed": Notes.seed,
    "check": Notes.check,
}


def wait(until: Callable[[], bool]) -> bool:
    pause, deadline = threading.Event(), time.monotonic() + PATIENCE
    while not until():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.02)
    return True


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("command", choices=[*COMMANDS, "is-up", "is-down", "kill"])
    options.add_argument("--dir", type=Path, required=True)
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--lose-store", action="store_true")
    asked = options.parse_args()
    notes = Notes(asked.dir, asked.port)
    match asked.command:
        case "kill":
            notes.kill(lose_store=asked.lose_store)
        case "is-up" | "is-down":
            up = notes.is_up()
            sys.stdout.write("the service is up\n" if up else "the service is down\n")
            sys.exit(0 if up is (asked.command == "is-up") else 1)
        case command:
            COMMANDS[command](notes)


if __name__ == "__main__":
    main()
