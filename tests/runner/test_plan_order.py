"""Random plans: whatever the graph, each step runs once, after what it waits for, and as early as it can."""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.clock import VirtualClock
from drillbook.errors import PermanentError
from drillbook.events import EventStream
from drillbook.plan_order import Order
from drillbook.recovery import Outcome, Plan, Step
from drillbook.runner import Runner


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, tuple[str, ...] | None]:
    """Step names with what each comes after: any earlier ones, None for the one before, listed in any order."""
    names = [f"s{number}" for number in range(draw(st.integers(1, 9)))]
    after = {
        name: draw(st.none() | st.lists(st.sampled_from(names[:index]), unique=True).map(tuple)) if index else ()
        for index, name in enumerate(names)
    }
    if None in after.values():
        return after
    return {name: after[name] for name in draw(st.permutations(names))}


def waits(graph: Mapping[str, tuple[str, ...] | None]) -> dict[str, tuple[str, ...]]:
    names = list(graph)
    return {
        name: (() if not index else (names[index - 1],)) if after is None else after
        for index, (name, after) in enumerate(graph.items())
    }


@settings(max_examples=100, deadline=None)
@given(graph=graphs(), data=st.data())
def test_the_whole_takes_as_long_as_the_longest_path(
    graph: dict[str, tuple[str, ...] | None], data: st.DataObject
) -> None:
    seconds = {name: data.draw(st.integers(0, 20)) for name in graph}
    order = Order(Plan("plan", tuple(Step(name, lambda: None, after=after) for name, after in graph.items())))
    now, running, ended = 0, [], {}
    while True:
        for step in order.take_ready():
            heapq.heappush(running, (now + seconds[step.name], step.name, step))
        if not running:
            break
        now, name, step = heapq.heappop(running)
        assert name not in ended
        ended[name] = now
        order.succeeded(step)
    depends = waits(graph)
    for name in graph:
        assert ended[name] == seconds[name] + max((ended[before] for before in depends[name]), default=0)
    assert order.never_started == []


@settings(max_examples=60, deadline=None)
@given(graph=graphs(), data=st.data())
def test_each_step_runs_once_after_its_own_and_never_after_a_failure(
    graph: dict[str, tuple[str, ...] | None], data: st.DataObject
) -> None:
    broken = data.draw(st.sets(st.sampled_from(list(graph)), max_size=2))
    clock = VirtualClock()
    log: list[str] = []

    def act(name: str) -> None:
        log.append(name)
        clock.sleep(1)
        if name in broken:
            raise PermanentError("broken")

    steps = tuple(
        Step(name, lambda name=name: act(name), after=after)  # type: ignore[misc]
        for name, after in graph.items()
    )
    result = Runner(clock, EventStream(clock)).run(Plan("plan", steps))
    outcome = {step.step: step.outcome for step in result.steps}
    depends = waits(graph)
    assert len(log) == len(set(log))
    assert [step.step for step in result.steps] == list(graph)
    for name, before in depends.items():
        may_run = all(outcome[each] is Outcome.DONE for each in before)
        expected = Outcome.NOT_RUN if not may_run else Outcome.FAILED if name in broken else Outcome.DONE
        assert outcome[name] is expected
        assert (name in log) is may_run
        assert all(log.index(each) < log.index(name) for each in before if may_run)
