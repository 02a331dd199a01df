"""When an alarm is looked at, by a clock that only the test moves."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from moto.cloudwatch.models import Alarm, CloudWatchBackend

from drillbook.clock import VirtualClock
from drillbook.embedded.alarms.plane import GRACE, Alarms
from drillbook.embedded.metrics.store import MetricStore, Series
from drillbook.embedded.planes import CloudState

SERIES = Series("111122223333", "eu-west-1", "tests", "errors", ())
START = datetime(2026, 1, 1, tzinfo=UTC)


def _alarm(period: int) -> Alarm:
    return CloudWatchBackend("eu-west-1", "111122223333").put_metric_alarm(
        name="errors",
        namespace="tests",
        metric_name="errors",
        comparison_operator="GreaterThanOrEqualToThreshold",
        evaluation_periods=1,
        period=period,
        threshold=1.0,
        statistic="Sum",
        description="",
        dimensions=[],
        alarm_actions=[],
        treat_missing_data="notBreaching",
    )


@given(
    st.sampled_from([10, 60, 300]),
    st.sampled_from([1.0, 100.0]),
    st.floats(0, 0.999),
    st.floats(0, 3, allow_subnormal=False),
)
@settings(deadline=None, max_examples=60)
def test_a_breach_shows_within_one_period_and_the_grace(
    period: int, speed: float, start: float, breach_after: float
) -> None:
    clock = VirtualClock(START)
    plane, alarm, scaled = Alarms(), _alarm(period), period / speed
    plane.cloud = CloudState("111122223333", "http://127.0.0.1:1", speed, clock, Path())
    plane._metrics = MetricStore(speed)
    clock.sleep(start * scaled)
    breach = clock.now().timestamp() + breach_after * scaled

    due = plane._look(alarm, clock.now().timestamp())
    recorded = False
    for _ in range(8):
        if not recorded and due + GRACE * 1.5 > breach:
            plane._metrics.record(SERIES, breach, [1.0])
            recorded = True
        clock.sleep(due + GRACE * 1.5 - clock.now().timestamp())
        due = plane._look(alarm, clock.now().timestamp())
        if alarm.state_value == "ALARM":
            break

    assert alarm.state_value == "ALARM"
    assert clock.now().timestamp() - breach <= scaled + GRACE * 1.5 + 1 / speed


@given(st.floats(1.7e9, 1.9e9), st.sampled_from([1.0, 3.0, 7.0, 100.0, 1000.0]), st.integers(1, 3600))
@settings(deadline=None, max_examples=200)
def test_no_value_slips_into_a_neighbouring_period(at: float, speed: float, period: int) -> None:
    store = MetricStore(speed)
    number = store.tick(at) // period
    store.record(SERIES, at, [1.0])

    periods = [(near * period, (near + 1) * period) for near in (number - 1, number, number + 1)]
    assert [store.between(SERIES, *ticks) for ticks in periods] == [[], [1.0], []]


def test_a_period_that_was_missed_on_a_busy_machine_is_made_up_for() -> None:
    clock = VirtualClock(START)
    plane, alarm = Alarms(), _alarm(60)
    plane.cloud = CloudState("111122223333", "http://127.0.0.1:1", 100.0, clock, Path())
    plane._metrics = MetricStore(100.0)
    plane._look(alarm, clock.now().timestamp())
    plane._metrics.record(SERIES, clock.now().timestamp() + 0.1, [1.0])
    for number in range(1, 10):
        plane._metrics.record(SERIES, clock.now().timestamp() + 0.6 * number + 0.1, [0.0])
    states: list[str] = []
    alarm.update_state = lambda reason, data, state: states.append(state)  # type: ignore[method-assign]
    clock.sleep(3.0)
    plane._look(alarm, clock.now().timestamp())

    assert states[0] == "ALARM"


def test_an_alarm_is_evaluated_once_a_period() -> None:
    clock = VirtualClock(START)
    plane, alarm = Alarms(), _alarm(60)
    plane.cloud = CloudState("111122223333", "http://127.0.0.1:1", 100.0, clock, Path())
    plane._metrics = MetricStore(100.0)
    for _ in range(601):
        plane._look(alarm, clock.now().timestamp())
        clock.sleep(0.01)

    assert plane.status()["evaluations"] == 10
