"""How long a drill's set-up takes, from ``prepare`` to a service that is ready: ``python bench/set_up.py [service …]``.

Standing the service up in a fresh cloud, with its truth probes; loading the saved world instead; and the same when the
cloud was started ahead, as it is between the drills of a run. All three in the same run, each several times.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from drillbook import service as services
from drillbook import targets
from drillbook.clock import SystemClock
from drillbook.events import EventStream
from drillbook.journal import Journal
from drillbook.service import Service
from drillbook.targets import embedded
from drillbook.targets.clouds import Clouds

ROOT = Path(__file__).parents[1]
TIMES = 3
clock = SystemClock()


def main(names: list[str]) -> None:
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            measure(services.load(ROOT / "drills" / name / "service.yaml"), Path(folder))


def measure(service: Service, state: Path) -> None:
    clouds = Clouds(state)
    with Journal(state / "journal.sqlite3") as journal:
        place = targets.Place(state, "bench", clock, EventStream(clock), journal, clouds)
        stood_up = report(service, "stood up", lambda: set_up(service, place), before=lambda: forget(state))
        report(service, "loaded", lambda: set_up(service, place), than=stood_up)
        ahead = lambda: wait_ahead(clouds, service, state)  # noqa: E731 - named for what it is handed to
        report(service, "loaded, started ahead   goal 1 s", lambda: set_up(service, place), before=ahead, than=stood_up)
    clouds.close()


def set_up(service: Service, place: targets.Place) -> Callable[[], None]:
    """What has to be done afterwards."""
    world = targets.open_world(service, "embedded", place)
    targets.stand_up(world)
    targets.missing_capabilities(world, service.needs)

    def over() -> None:
        world.close()
        targets.remove_workdir(world.address)
        world.leave()

    return over


def wait_ahead(clouds: Clouds, service: Service, state: Path) -> None:
    clouds.expect(embedded.wanted_by(service, state, clock))
    time.sleep(5)


def forget(state: Path) -> None:
    for file in state.glob("worlds/*"):
        file.unlink()


def report(
    service: Service,
    what: str,
    act: Callable[[], Callable[[], None]],
    *,
    before: Callable[[], None] = lambda: None,
    than: float = 0.0,
) -> float:
    took = []
    for _ in range(TIMES):
        before()
        began = time.perf_counter()
        over = act()
        took.append(time.perf_counter() - began)
        over()
        time.sleep(1)  # The old cloud ends in the background.
    median = statistics.median(took)
    ratio = f"{median / than:6.2f} ×" if than else ""
    print(f"{service.name:16} {what:36} {median:6.2f} s (of {min(took):.2f} to {max(took):.2f}) {ratio}")
    return median


if __name__ == "__main__":
    main(sys.argv[1:] or ["product-lambda"])
