"""Is the service as its steady state promises? Asked twice in a drill, by one rule: before the fault, and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from drillbook.errors import UsageError
from drillbook.events import EventKind
from drillbook.probe import Probe, Reading
from drillbook.steady_promise import SteadyPromise
from drillbook.steady_state import SteadyState
from drillbook.steady_traffic import measured

if TYPE_CHECKING:
    from drillbook.events import Json
    from drillbook.instrument import Instrument
    from drillbook.measure.traffic import Traffic
    from drillbook.world import World

BEFORE, AFTER = "before", "after"


class Steadiness:
    """Waits for the promise of one world's service, and keeps what it saw."""

    def __init__(self, world: World, probe: Callable[[str], Probe], seen: dict[str, Json]) -> None:
        """``probe`` builds one by name; ``seen`` is where what was seen before and after is kept."""
        self._world, self._probe, self._seen = world, probe, seen

    def before(self, instrument: Instrument | None, timeout: float) -> None:
        """Wait, at most twice ``timeout`` monotonic seconds, for the baseline. Raises WaitTimeout with what lacks."""
        readings = self._probes_hold(instrument, timeout)
        self._keep(BEFORE, readings, instrument.await_baseline(self._promise, timeout) if instrument else None)

    def after(self, instrument: Instrument | None, timeout: float) -> None:
        """Wait, at most twice ``timeout`` monotonic seconds, for recovery. Raises WaitTimeout with what lacks."""
        readings = self._probes_hold(instrument, timeout)
        self._keep(AFTER, readings, instrument.await_recovery(self._promise, timeout) if instrument else None)

    @property
    def _promise(self) -> SteadyPromise:
        return self._world.service.steady_state

    def _probes_hold(self, instrument: Instrument | None, timeout: float) -> Mapping[str, Reading]:
        names = self._promise.probes
        if not names and (instrument is None or not self._promise.model_fields_set):
            raise UsageError(
                f"{self._world.service.name} declares no steady state that could be seen here",
                do="list probes under steady_state in service.yaml, or tolerances, and start the canary",
            )
        if not names:
            return {}
        probes = SteadyState({name: self._probe(name) for name in names}, self._world.events)
        return probes.wait(self._world.service.canary.hold, timeout=timeout, clock=self._world.clock).readings

    def _keep(self, when: str, readings: Mapping[str, Reading], seen: Traffic | None) -> None:
        """The first look after the recovery counts; a later one may be after a cut-over home."""
        words = {**(measured(seen) if seen else {}), **{name: reading.value for name, reading in readings.items()}}
        said = self._promise.sentences(self._world.service.canary.slow)
        self._seen.setdefault("says", said)
        self._seen.setdefault(when, {"words": words, "clients": seen.as_json() if seen else None})
        for name in said.keys() & (measured(seen) if seen else {}).keys():
            self._world.events.emit(EventKind.READING, said[name], ok=True, value=words[name])
