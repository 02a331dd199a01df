"""The embedded cloud's process: AWS API, front doors and ``/_drillbook/*`` on one loopback port."""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drillbook.clock import Clock, SystemClock
from drillbook.embedded import faulty, planes, sweep, world_file
from drillbook.embedded.crash import Crashes
from drillbook.embedded.domains import Domains, Failures
from drillbook.embedded.door import CONTROL, PATIENCE, RegionDoor
from drillbook.embedded.gate import Gate
from drillbook.embedded.journey import is_of_function
from drillbook.embedded.knock import DOOR
from drillbook.embedded.light_ec2 import import_ec2
from drillbook.embedded.light_regions import light_regions
from drillbook.embedded.planes import CloudState, Commanded, Door, Plane
from drillbook.embedded.serving import Application, NoAnswer, StartResponse, endpoint_of, listen
from drillbook.embedded.warm import warm_up
from drillbook.embedded.watch import Watch
from drillbook.errors import TargetError, UsageError
from drillbook.events import Json

_HEARTBEAT = 0.5
_QUIET = 3.0
"""Seconds that requests under way have to end before a world is saved."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """What the parent asks for. Durations are seconds."""

    id: str
    state_file: Path
    account: str
    speed: float
    owner: int | None
    journal: Path | None
    idle_limit: float
    world: Path | None = None
    """A saved one, to begin with."""


def run(options: Options) -> None:
    """Serve until told to stop, until the watch says so, or until SIGTERM or SIGINT; leave nothing behind."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stopping.set())
    with ExitStack() as leaving:
        scratch = sweep.claim()
        leaving.callback(sweep.remove, scratch)
        leaving.callback(_remove_own, options.state_file, options.id)
        cloud = EmbeddedCloud(options, SystemClock(), scratch, stopping)
        leaving.callback(cloud.close)
        cloud.serve()


class EmbeddedCloud:
    """One cloud: the WSGI application and the planes behind it."""

    def __init__(self, options: Options, clock: Clock, scratch: Path, stopping: threading.Event) -> None:
        self.options, self.stopping = options, stopping
        self._ready = threading.Event()
        self._joining = threading.Lock()
        self._crashes = Crashes()
        self._gate = Gate(clock)
        self._born = clock.monotonic()
        self._watch = Watch(clock, options.idle_limit, used=clock.monotonic())
        self._watch.add(options.owner, options.journal)
        domains = Domains()
        self._door = RegionDoor(domains, clock, PATIENCE / options.speed)
        self._server = listen(self, self._door)
        self.state = CloudState(options.account, endpoint_of(self._server), options.speed, clock, scratch, domains)
        self._planes: list[Plane] = []
        self._closing = ExitStack()
        self._doors: list[Door] = []
        self._aws: Application = _aws_api()

    def serve(self) -> None:
        threading.Thread(target=self._server.serve_forever, name="http", daemon=True).start()
        _write_private(self.options.state_file, self._identity() | {"scratch": str(self.state.scratch)})
        self._closing.enter_context(light_regions())
        import_ec2()  # Before a plane does it.
        for plane in planes.load():
            self._planes.append(plane)
            self._closing.callback(plane.close)
            plane.install(self.state)
        self._doors = [plane for plane in self._planes if isinstance(plane, Door)]
        self._door.doors = self._doors
        self.state.domains.listen(self._door.changed)  # Last: what the planes end is gone when it is waited for.
        if self.options.world is not None:
            self._load_world(self.options.world)
        gc.freeze()  # What imports made stays.
        gc.enable()
        self._ready.set()
        warming = (self._aws, self._gate, self.stopping)
        threading.Thread(target=warm_up, args=warming, name="warm-up", daemon=True).start()
        while not self.stopping.wait(_HEARTBEAT):
            self._stop_if_due()

    def _stop_if_due(self) -> None:
        with self._joining:
            if reason := self._watch.reason_to_stop():
                _log.info("stopping: %s", reason)
                self.stopping.set()

    def _join(self, asked: Json) -> bool:
        """Live for one more owner; False if it is too late for that."""
        with self._joining:
            if not self.stopping.is_set():
                self._watch.add(asked["owner"], asked["journal"] and Path(asked["journal"]))
            return not self.stopping.is_set()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._closing.close()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(CONTROL):
            return self._control(environ, start_response)
        self._watch.touch()
        self._ready.wait()
        try:
            return self._serve_if_whole(environ, start_response)
        except NoAnswer:
            raise
        except Exception as error:  # noqa: BLE001 - a request's last frame: whatever broke, the cloud lives on
            return self._crashes.answer(error, environ, start_response)

    def _serve_if_whole(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        fault = self._door.fault(environ)
        if fault and fault.kind != "slow":
            return faulty.answer(fault, environ, start_response)
        if fault:
            self.stopping.wait(fault.seconds)
            self._door.check(environ)  # A region may have gone dark meanwhile: nothing may happen there now.
        if environ["PATH_INFO"] == DOOR:
            return _json(start_response, "200 OK", {"door": "open"})
        with self._gate.request(of_function=is_of_function(environ)):
            return self._route(environ)(environ, start_response)

    def _route(self, environ: dict[str, Any]) -> Application:
        return next((door for door in self._doors if door.matches(environ)), self._aws)

    def _control(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Status for anyone on this machine; commands only for who has read the state file (it names the id)."""
        known = environ.get("HTTP_X_DRILLBOOK_ID") == self.options.id
        command = environ["REQUEST_METHOD"], environ["PATH_INFO"].removeprefix(CONTROL)
        match command:
            case "GET", "status":
                return _json(start_response, "200 OK", self.status())
            case "POST", "stop" if known:
                self.stopping.set()
            case "POST", "owner" if known and self._join(json.loads(environ["wsgi.input"].read())):
                pass
            case "POST", verb if known and verb in (commands := self._commands()):
                said = json.loads(environ["wsgi.input"].read())
                return self._become(verb, lambda: commands[verb](said), start_response)
            case _:
                return _json(
                    start_response, "404 Not Found", {"error": "no such command, not this cloud's id, or too late"}
                )
        return _json(start_response, "200 OK", {"id": self.options.id})

    def _commands(self) -> dict[str, Callable[[Json], None]]:
        """Break or mend, change the delays between regions, save or load the world, and what the planes can be told."""
        ours: dict[str, Callable[[Json], None]] = {
            "failures": lambda said: self.state.domains.become(Failures.from_json(said)),
            "break": lambda said: self.state.domains.add(Failures.from_json(said)),
            "mend": lambda said: self.state.domains.remove(Failures.from_json(said)),
            "links": self.state.links.become,
            "save": self._save,
            "load": self._load,
        }
        commanded = (plane.commands for plane in self._planes if isinstance(plane, Commanded))
        return {verb: work for commands in commanded for verb, work in commands.items()} | ours

    def _become(self, verb: str, work: Callable[[], None], start_response: StartResponse) -> Iterable[bytes]:
        """Carry out a command."""
        try:
            work()
        except (UsageError, TargetError) as error:
            return _json(start_response, "409 Conflict", {"what": error.what, "do": error.do})
        except OSError as error:
            what = f"{Path(error.filename or verb).name}: {error.strerror or error}"
            return _json(start_response, "409 Conflict", {"what": what, "do": "see that there is room, and access"})
        except Exception as error:  # noqa: BLE001 - whatever a plane failed at, who asked must hear of it
            told = self._crashes.note(error, verb)
            return _json(start_response, "409 Conflict", {"what": told, "do": "read cloud.log in the state directory"})
        return _json(start_response, "200 OK", {"id": self.options.id})

    def _save(self, said: Json) -> None:
        with self._gate.shut(_QUIET):
            world_file.save(Path(said["file"]), self.state, self._planes)

    def _load(self, said: Json) -> None:
        with self._gate.shut(_QUIET):
            if self._gate.passed:
                raise UsageError("the embedded cloud has been used already", do="load into a fresh one")
            self._load_world(Path(said["file"]))

    def _load_world(self, path: Path) -> None:
        world_file.load(path, self.state, self._planes)
        self._gate.passed += 1

    def status(self) -> dict[str, Json]:
        return self._identity() | {
            "ready": self._ready.is_set(),
            "seconds": round(self.state.clock.monotonic() - self._born, 3),
            "owners": sorted(owner.pid for owner in self._watch.owners),
            "idle_limit": self.options.idle_limit,
            "crashes": self._crashes.status(),
            "failures": self.state.domains.now.as_json(),
            "links": self.state.links.now,
            "planes": {plane.name: plane.status() for plane in self._planes} if self._ready.is_set() else {},
        }

    def _identity(self) -> dict[str, Json]:
        return {
            "id": self.options.id,
            "pid": os.getpid(),
            "endpoint": self.state.endpoint,
            "speed": self.options.speed,
            "account": self.options.account,
        }


def _aws_api() -> Application:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    api: Application = DomainDispatcherApplication(create_backend_app)
    return api


def _json(start_response: StartResponse, status: str, body: Json) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]


def _write_private(path: Path, content: Json) -> None:
    """Whole or not at all, for this user's eyes: who reads the id may stop the cloud."""
    draft = path.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content))
    draft.replace(path)


def _remove_own(state_file: Path, cloud_id: str) -> None:
    """Remove the state file, unless another cloud has taken its place meanwhile."""
    if state_file.exists() and json.loads(state_file.read_text()).get("id") == cloud_id:
        state_file.unlink(missing_ok=True)
