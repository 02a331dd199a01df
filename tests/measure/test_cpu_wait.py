from __future__ import annotations

import threading

from drillbook.measure.cpu_wait import cpu_wait


def test_the_wait_only_grows_and_is_each_threads_own() -> None:
    first = cpu_wait()
    sum(range(200_000))
    assert cpu_wait() >= first >= 0
    seen: list[float] = []
    thread = threading.Thread(target=lambda: seen.append(cpu_wait()))
    thread.start()
    thread.join()
    assert 0 <= seen[0] < 5
