"""Truth probes: does this target really do what a drill relies on? Asked of the target itself, just before the drill.

Emulators accept calls whose effect they do not have: a restore "as of" an instant that copies the present, an alarm
that never evaluates. A probe makes resources of its own, makes the claim fail if it is false, and removes them again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from drillbook.clock import Clock, SystemClock
from drillbook.errors import DrillbookError, TargetError, UsageError

TAG = "drillbook-truth"
"""Names of probes' resources begin with this, and their tag has this key; the tag's value is the capability."""


class Clients(Protocol):
    """What a probe needs of a session."""

    @property
    def endpoint(self) -> str | None: ...

    @property
    def region(self) -> str: ...

    @property
    def speed(self) -> float:
        """AWS durations are divided by this; 1 but in the embedded cloud."""
        ...

    def client(self, name: str, region: str | None = None) -> Any: ...


class Untrue(TargetError):
    """The target does not do what the probe claims. Says what was seen instead."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, do="choose a target that can do it; a drill that needs it is not simulated here")


@dataclass(frozen=True)
class TruthProbe:
    """``check`` returns if the claim is true of the target, and raises Untrue if it is not."""

    capability: str
    claim: str
    """The rule of AWS that must hold, and the page that says so."""
    check: Callable[[Clients], None]


@dataclass(frozen=True)
class Truth:
    """What a probe found. ``seconds`` is how long it took (monotonic)."""

    capability: str
    ok: bool
    detail: str
    seconds: float


def run(session: Clients, capabilities: Sequence[str], clock: Clock | None = None) -> list[Truth]:
    """Probe the target for each capability, all at the same time; the answers in the order asked.

    Raises UsageError for a capability that has no probe.
    """
    known = probes()
    if unknown := [name for name in capabilities if name not in known]:
        raise UsageError(
            f"there is no truth probe for {', '.join(unknown)}", do=f"use one of: {', '.join(sorted(known))}"
        )
    if not capabilities:
        return []
    with ThreadPoolExecutor(len(capabilities), thread_name_prefix="truth") as pool:
        return list(pool.map(lambda name: _probe(known[name], session, clock or SystemClock()), capabilities))


def probes() -> Mapping[str, TruthProbe]:
    """Every probe, by capability."""
    from drillbook.targets import truth_data, truth_databases, truth_operations, truth_replicas, truth_serverless

    modules = (truth_data, truth_databases, truth_operations, truth_replicas, truth_serverless)
    return {capability: probe for module in modules for capability, probe in module.PROBES.items()}


def _probe(probe: TruthProbe, session: Clients, clock: Clock) -> Truth:
    from botocore.exceptions import BotoCoreError, ClientError

    began = clock.monotonic()
    try:
        probe.check(session)
    except DrillbookError as error:
        return Truth(probe.capability, False, error.what, clock.monotonic() - began)
    except (ClientError, BotoCoreError) as error:
        return Truth(probe.capability, False, " ".join(str(error).split()), clock.monotonic() - began)
    return Truth(probe.capability, True, probe.claim, clock.monotonic() - began)
