"""A small service that keeps notes: HTTP on the loopback interface, one JSON file as its store, copied now and then.

    POST /notes {"id", "text"}    GET /notes    GET | PUT | DELETE /notes/<id>

    <dir>/store/notes.json     every acknowledged write is in it
    <dir>/backup/notes.json    the copy it makes of its store every --backup-every seconds
    <dir>/log.jsonl            started, served, backed up, stopped; times are CLOCK_MONOTONIC seconds
    <dir>/server.lock          locked for as long as the server lives; says its process id

It stops by itself when its directory vanishes, or after an hour without a request.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import re
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer

IDLE = 3600.0
NOTE = re.compile(r"/notes/([A-Za-z0-9_.-]+)")


class Log:
    """What happened and when, one JSON object a line."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, event: str, **more: object) -> None:
        line = json.dumps({"event": event, "at": time.monotonic(), "pid": os.getpid(), **more})
        os.write(self._file, f"{line}\n".encode())


class Store:
    """The notes, and the file that holds them. A write returns when the file has it."""

    def __init__(self, folder: Path) -> None:
        self.file, self.copy = folder / "store" / "notes.json", folder / "backup" / "notes.json"
        self._lock = threading.Lock()
        for path in (self.file, self.copy):
            path.parent.mkdir(exist_ok=True)
        self._notes: dict[str, str] = json.loads(self.file.read_text()) if self.file.exists() else {}
        self._save(self._notes)

    def read(self, key: str) -> str | None:
        return self._notes.get(key)

    def all(self) -> dict[str, str]:
        return self._notes

    def put(self, key: str, text: str) -> None:
        with self._lock:
            self._save({**self._notes, key: text})

    def remove(self, key: str) -> bool:
        with self._lock:
            found = key in self._notes
            self._save({other: text for other, text in self._notes.items() if other != key})
            return found

    def back_up(self) -> int:
        """Copy the store as it is now; returns how many notes that are."""
        with self._lock:
            replace(self.copy, self._notes)
            return len(self._notes)

    def _save(self, notes: dict[str, str]) -> None:
        replace(self.file, notes)
        self._notes = notes


def replace(path: Path, notes: dict[str, str]) -> None:
    """Write a file whole or not at all."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(notes))
    draft.replace(path)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.log = Log(folder / "log.jsonl")
        self.store = Store(folder)
        self.last_request = time.monotonic()
        super().__init__(("127.0.0.1", port), Handler)

    def server_bind(self) -> None:
        """Bind without asking a name server what 127.0.0.1 is called, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def look_after_itself(self, backup_every: float) -> None:
        """Back up; stop when nobody needs the server any more."""
        pause = threading.Event()
        while self.folder.is_dir() and time.monotonic() - self.last_request < IDLE:
            try:
                self.log.write("backed up", notes=self.store.back_up())
            except OSError as error:  # the directory is going, or the disk is full: the next round will tell
                self.log.write("not backed up", why=str(error))
            pause.wait(backup_every)
        self.shutdown()


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        if self.path == "/notes":
            return self.answer(200, {"notes": len(self.server.store.all())})
        key = self.key()
        text = self.server.store.read(key) if key else None
        return self.answer(404, {}) if text is None else self.answer(200, {"id": key, "text": text})

    def do_POST(self) -> None:
        note = self.note()
        key = note.get("id")
        if self.path != "/notes" or not isinstance(key, str) or not NOTE.fullmatch(f"/notes/{key}"):
            return self.answer(400, {})
        self.server.store.put(key, str(note.get("text", "")))
        return self.answer(201, {"id": key})

    def do_PUT(self) -> None:
        note, key = self.note(), self.key()
        if key is None or self.server.store.read(key) is None:
            return self.answer(404, {})
        self.server.store.put(key, str(note.get("text", "")))
        return self.answer(200, {"id": key})

    def do_DELETE(self) -> None:
        key = self.key()
        return self.answer(204 if key and self.server.store.remove(key) else 404, {})

    def key(self) -> str | None:
        match = NOTE.fullmatch(self.path)
        return match[1] if match else None

    def note(self) -> dict[str, object]:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        try:
            note = json.loads(body)
        except ValueError:
            return {}
        return note if isinstance(note, dict) else {}

    def answer(self, status: int, value: dict[str, object]) -> None:
        body = b"" if status == 204 else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        self.server.last_request = time.monotonic()
        self.server.log.write("served", method=self.command, path=self.path, status=status)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Its own log says more."""


def own(folder: Path) -> int:
    """Hold the lock that says this process is the server. It is the kernel's to release, however we end."""
    lock, pause = os.open(folder / "server.lock", os.O_RDWR | os.O_CREAT, 0o644), threading.Event()
    for _ in range(20):  # notesctl.py holds it for an instant to see whether anybody else does
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pause.wait(0.05)
            continue
        os.write(lock, str(os.getpid()).encode())
        return lock
    sys.exit(f"a server runs in {folder} already")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--dir", type=Path, required=True)
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--backup-every", type=float, default=1.0)
    asked = options.parse_args()
    own(asked.dir)
    server = Server(asked.dir, asked.port)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    threading.Thread(target=server.look_after_itself, args=[asked.backup_every], daemon=True).start()
    server.log.write("started", port=asked.port, notes=len(server.store.all()))
    server.serve_forever(poll_interval=0.05)
    server.log.write("stopped")


if __name__ == "__main__":
    main()
