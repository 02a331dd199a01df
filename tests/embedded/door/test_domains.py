"""The state of what is broken: bad input, listeners that fail, commands that are refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from drillbook.embedded import process
from drillbook.embedded.domains import Domains, Failures, ServiceFault
from drillbook.embedded.process import Cloud
from drillbook.errors import TargetError, UsageError

ALL = Failures(
    regions=frozenset({"eu-west-1"}),
    zones=frozenset({"us-east-1a"}),
    partitions=frozenset({frozenset({"us-east-1", "us-west-2"})}),
    services=frozenset({ServiceFault("us-east-1", "rds", "slow", 0.5, 0.25)}),
)


def test_what_is_broken_survives_its_way_through_json() -> None:
    assert Failures.from_json(ALL.as_json()) == ALL
    assert Failures.from_json({}) == Failures()


def test_faults_are_added_and_taken_away_without_touching_others() -> None:
    more = Failures(regions=frozenset({"eu-west-2"}))
    assert ALL.and_also(more).without(ALL) == more
    assert more.without(ALL) == more


@pytest.mark.parametrize(
    "said",
    [
        [],
        None,
        {"regions": "us-east-1"},
        {"regions": [1]},
        {"partitions": [["us-east-1"]]},
        {"partitions": [["us-east-1", "us-east-1"]]},
        {"partitions": ["us-east-1|us-west-2"]},
        {"services": ["rds"]},
        {"services": [{"region": "us-east-1"}]},
        {"services": [{"region": "us-east-1", "service": "rds", "kind": "on fire"}]},
        {"services": [{"region": "us-east-1", "service": "rds", "kind": "slow", "seconds": -1}]},
        {"services": [{"region": "us-east-1", "service": "rds", "kind": "slow", "seconds": "long"}]},
        {"services": [{"region": "us-east-1", "service": "rds", "kind": "unavailable", "share": 2}]},
    ],
)
def test_what_is_no_failure_is_refused_and_changes_nothing(cloud: Cloud, said: Any) -> None:
    with pytest.raises(UsageError, match="no failures of the embedded cloud"):
        Failures.from_json(said)
    with pytest.raises(TargetError, match="no failures of the embedded cloud"):
        process.command(cloud, "failures", said)
    assert process.failures(cloud) == Failures()


def test_every_listener_is_told_also_when_one_fails() -> None:
    domains, heard = Domains(), []

    def fail(*_: Failures) -> None:
        raise OSError("no room")

    domains.listen(fail)
    domains.listen(lambda before, now: heard.append((before, now)))
    with pytest.raises(OSError, match="no room"):
        domains.become(ALL)
    assert heard == [(Failures(), ALL)]
    assert domains.now == ALL


def test_a_change_that_changes_nothing_is_told_to_nobody() -> None:
    domains, heard = Domains(), []
    domains.listen(lambda *change: heard.append(change))
    domains.become(Failures())
    assert heard == []


def test_two_that_break_and_mend_at_once_leave_each_others_alone(cloud: Cloud) -> None:
    def break_and_mend(region: str) -> None:
        for _ in range(10):
            process.break_also(cloud, Failures(zones=frozenset({f"{region}a"})))
            process.mend(cloud, Failures(zones=frozenset({f"{region}a"})))
        process.break_also(cloud, Failures(zones=frozenset({f"{region}b"})))

    regions = [f"eu-west-{number}" for number in range(1, 5)]
    with ThreadPoolExecutor(len(regions)) as drills:
        list(drills.map(break_and_mend, regions))
    found = process.failures(cloud)
    process.become(cloud, Failures())
    assert found == Failures(zones=frozenset(f"{region}b" for region in regions))
