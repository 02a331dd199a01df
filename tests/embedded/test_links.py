"""The delays between regions, and the courier that keeps to them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from drillbook.clock import SystemClock, VirtualClock
from drillbook.embedded import process
from drillbook.embedded.courier import Courier, Transit
from drillbook.embedded.domains import Failures
from drillbook.embedded.links import DEFAULTS, Links
from drillbook.embedded.planes import CloudState
from drillbook.embedded.process import Cloud
from drillbook.errors import TargetError, UsageError
from drillbook.waiting import wait_for

A, B = "us-east-1", "us-west-2"


def state(clock: VirtualClock | SystemClock) -> CloudState:
    return CloudState("111122223333", "http://127.0.0.1:1", 100, clock, Path("unused"))


def test_a_delay_is_that_of_the_service_then_of_the_pair_then_the_default() -> None:
    links = Links()
    assert links.delay("dynamodb", A, B) == DEFAULTS["dynamodb"]
    links.become({f"{B}|{A}": 3})
    assert (links.delay("dynamodb", A, B), links.delay("s3", B, A)) == (3, 3)
    links.become({f"{B}|{A}": 3, f"s3:{A}|{B}": 7})
    assert (links.delay("dynamodb", A, B), links.delay("s3", B, A)) == (3, 7)
    assert links.delay("rds", A, A) == 0


@pytest.mark.parametrize("link", ["", A, f"{A}|", f"nosuch:{A}|{B}"])
def test_what_is_no_link_is_refused(link: str) -> None:
    with pytest.raises(UsageError, match="is no link"):
        Links().become({link: 1})


@pytest.mark.parametrize("seconds", [-1, "1", True, float("nan"), float("inf"), None])
def test_what_is_no_delay_is_refused_and_changes_nothing(seconds: float) -> None:
    links = Links({f"{A}|{B}": 2})
    with pytest.raises(UsageError, match="must be seconds"):
        links.become({f"{A}|{B}": seconds})
    assert links.delay("rds", A, B) == 2


def test_a_running_cloud_has_the_delays_that_it_is_given(cloud: Cloud) -> None:
    process.set_links(cloud, {f"{B}|{A}": 0.5})
    assert process.status(cloud)["links"] == {f"{A}|{B}": 0.5}
    with pytest.raises(TargetError, match="is no link"):
        process.set_links(cloud, {"here": 1})
    process.set_links(cloud, {})
    assert process.status(cloud)["links"] == {}


def test_what_waits_at_a_cut_link_sets_out_again_when_it_is_mended() -> None:
    clock = VirtualClock()
    cloud = state(clock)
    transit = Transit("dynamodb", cloud)
    cloud.links.become({f"{A}|{B}": 2})
    sent = clock.now().timestamp()
    assert transit.arrival(sent, A, B) == sent + 2
    cloud.domains.become(Failures(partitions=frozenset({frozenset({A, B})})))
    clock.sleep(60)
    assert transit.arrival(sent, A, B) is None
    cloud.domains.heal()
    assert transit.arrival(sent, A, B) == sent + 62
    cloud.domains.become(Failures(regions=frozenset({B})))
    clock.sleep(60)
    cloud.domains.heal()
    assert transit.arrival(sent, A, B) == sent + 122


def test_a_fault_is_in_effect_only_after_a_delivery_that_had_begun() -> None:
    cloud, inside, let_go, seen = state(SystemClock()), threading.Event(), threading.Event(), []
    lock = threading.RLock()

    def deliver() -> None:
        inside.set()
        let_go.wait(10)
        seen.append(cloud.domains.now.regions)

    courier = Courier("test-courier", cloud, lock, deliver)
    courier.start()
    assert inside.wait(10)
    breaking = threading.Thread(target=cloud.domains.become, args=(Failures(regions=frozenset({A})),))
    breaking.start()
    breaking.join(0.1)
    assert breaking.is_alive()
    let_go.set()
    breaking.join(10)
    assert not breaking.is_alive()
    courier.close()


def test_a_courier_tells_its_failure_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drillbook.embedded.courier._REST", 0.02)
    cloud, rounds = state(SystemClock()), []

    def deliver() -> float | None:
        rounds.append(1)
        if len(rounds) == 1:
            raise ValueError("once")
        return None

    courier = Courier("test-courier", cloud, threading.RLock(), deliver)
    courier.start()
    wait_for("the second round", lambda: len(rounds) > 1, timeout=10, clock=SystemClock())
    assert courier.failure == "ValueError: once"
    courier.close()
