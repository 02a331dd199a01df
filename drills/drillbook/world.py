"""The world a drill runs in: one target, made ready for one service."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from drillbook.clock import Clock
from drillbook.egress import Guard
from drillbook.errors import UsageError
from drillbook.events import EventStream, Json
from drillbook.objective import Basis

if TYPE_CHECKING:
    from drillbook.aws.session import Session
    from drillbook.journal import Journal
    from drillbook.service import Service
    from drillbook.targets.prepared import Prepared

_PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_.]*)\}")


@dataclass
class World:
    """What faults, probes and recovery steps are given. One per drill; never global."""

    target: str
    """embedded | localstack | aws | local"""
    basis: Basis
    service: Service
    clock: Clock
    events: EventStream
    workdir: Path
    """A directory of this drill's own, removed with it."""
    run_id: str
    """Names this drill; created resources are tagged ``drillbook-run=<run_id>``."""
    values: dict[str, str] = field(default_factory=dict)
    """What placeholders stand for: ``workdir``, ``port``, ``python``, ``service_dir``, and what stand-up returned."""
    address: dict[str, Json] = field(default_factory=dict)
    """How another process finds this world again (``targets.connect``); the journal keeps it for ``drillbook heal``."""
    aws: Session | None = None
    """Clients of this target's account; None for a service that is not on AWS."""
    journal: Journal | None = None
    """Where recovery steps write their changes before they make them."""
    speed: float = 1.0
    """AWS durations are divided by this in the embedded cloud (alarm periods, restorable lag); 1 elsewhere."""

    prepared: Prepared | None = None
    """The saved world that this one began with, or is to be saved as; None where none is kept."""
    leave: Callable[[], None] = lambda: None
    """Ends what was opened for this drill alone. For when it is over and healed: then nobody needs it any more."""

    guard: Guard = field(default_factory=Guard)
    """Up while the world is open on an emulated target: this process cannot reach AWS."""

    def close(self) -> None:
        """The drill has ended, or was not begun: let go of connections and of the guard. Twice is once."""
        if self.aws is not None:
            self.aws.close()
        if self.prepared is not None:
            self.prepared.release()
        self.guard.lower()

    def fill(self, template: str) -> str:
        """``template`` with each ``{name}`` replaced by its value. Raises UsageError naming an unknown one."""

        def value(match: re.Match[str]) -> str:
            try:
                return self.values[match.group(1)]
            except KeyError:
                known = ", ".join(sorted(self.values))
                raise UsageError(
                    f"{template!r} names {{{match.group(1)}}}, which is not known", do=f"use one of: {known}"
                ) from None

        return _PLACEHOLDER.sub(value, template)
