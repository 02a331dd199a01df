"""What a data plane of the embedded cloud is given, and what the server asks of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from drillbook.clock import Clock
from drillbook.embedded.domains import Domains
from drillbook.embedded.links import Links
from drillbook.events import Json

PLANES = (
    "drillbook.embedded.forms.plane",
    "drillbook.embedded.dynamodb.plane",
    "drillbook.embedded.functions.plane",
    "drillbook.embedded.front_door.plane",
    "drillbook.embedded.alarms.plane",
    "drillbook.embedded.stacks.plane",
    "drillbook.embedded.trail.plane",
    "drillbook.embedded.topics.plane",
    "drillbook.embedded.parameters.plane",
    "drillbook.embedded.keys.plane",
    "drillbook.embedded.secrets.plane",
    "drillbook.embedded.rds.plane",
    "drillbook.embedded.backup.plane",
    "drillbook.embedded.dns.plane",
    "drillbook.embedded.cdn.plane",
    "drillbook.embedded.objects.plane",
    "drillbook.embedded.aurora.plane",
)
"""Modules with a ``plane() -> Plane``, in the order they are installed; closed in the opposite order."""


@dataclass(frozen=True)
class CloudState:
    """One running embedded cloud. The socket is bound before planes are installed, so ``endpoint`` is final."""

    account: str
    endpoint: str
    """``http://127.0.0.1:<port>``, no slash at the end."""
    speed: float
    """AWS durations are divided by this."""
    clock: Clock
    scratch: Path
    """A directory of this cloud's own, removed when it ends."""
    domains: Domains = field(default_factory=Domains, compare=False)
    """What is broken now. Planes listen to it; the server enforces it at the door."""
    links: Links = field(default_factory=Links, compare=False)
    """How long data takes between regions. Planes ask it for each thing they replicate."""

    def aws_seconds(self, seconds: float) -> float:
        """How long something that takes ``seconds`` on AWS takes here."""
        return seconds / self.speed


class Plane(Protocol):
    """Makes one service's behaviour true by hooking into moto. ``install`` runs once, before the first request."""

    name: str

    def install(self, cloud: CloudState) -> None: ...

    def status(self) -> dict[str, Json]:
        """What ``/_drillbook/status`` says about this plane. Cheap."""
        ...

    def close(self) -> None:
        """End threads and child processes. May be called when ``install`` failed."""
        ...


@runtime_checkable
class Keeper(Protocol):
    """A plane that holds state which moto's backends do not hold, and which a saved world must contain."""

    def save(self, folder: Path) -> None:
        """Write it into ``folder``, which is the plane's own and empty. No request is served meanwhile."""
        ...

    def load(self, folder: Path) -> None:
        """Take it from there, after moto's backends have been loaded. The plane is installed and empty."""
        ...


@runtime_checkable
class Door(Protocol):
    """A plane that also answers HTTP requests which are not AWS API calls."""

    def matches(self, environ: dict[str, Any]) -> bool:
        """Is this WSGI request mine? Looks at PATH_INFO and HTTP_HOST only."""
        ...

    def __call__(self, environ: dict[str, Any], start_response: Any, /) -> Iterable[bytes]: ...


@runtime_checkable
class Commanded(Protocol):
    """A plane that can be told, as ``POST /_drillbook/<command>``, what no API of AWS tells it."""

    @property
    def commands(self) -> Mapping[str, Callable[[Json], None]]:
        """By name; each is given the request's JSON body, is done on return, and raises UsageError for nonsense."""
        ...


def load() -> list[Plane]:
    """A fresh plane of every module in ``PLANES``."""
    return [import_module(module).plane() for module in PLANES]
