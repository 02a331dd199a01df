"""The failover switch: an object that is there or not."""

from __future__ import annotations

from typing import Any

import pytest

from drillbook.aws.recovery import failover_switch
from drillbook.aws.session import session_of
from drillbook.world import World

from .attempts import changes, healed, killed_before_it_is_recorded

THERE, KEY = "eu-west-1", "failover-declared"


@pytest.fixture
def bucket(world: World, name: str) -> str:
    """In the standby region, with an object whose name only begins like the switch's."""
    s3(world).create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": THERE})
    s3(world).put_object(Bucket=name, Key=f"{KEY}-of-last-year", Body=b"kept")
    return name


def s3(world: World) -> Any:
    return session_of(world).client("s3", THERE)


def keys(world: World, bucket: str) -> list[str]:
    return [each["Key"] for each in s3(world).list_objects_v2(Bucket=bucket)["Contents"]]


def test_thrown_twice_is_thrown_once_and_heal_takes_it_back(world: World, bucket: str) -> None:
    assert not failover_switch.is_thrown(world, bucket, KEY, region=THERE)
    for _ in range(2):
        failover_switch.throw(world, bucket, KEY, region=THERE)
    assert failover_switch.is_thrown(world, bucket, KEY, region=THERE)
    assert changes(world) == 1
    assert healed(world).ok
    assert keys(world, bucket) == [f"{KEY}-of-last-year"]


def test_taken_back_leaves_nothing_and_heal_throws_what_was_thrown_before(world: World, bucket: str) -> None:
    s3(world).put_object(Bucket=bucket, Key=KEY)
    for _ in range(2):
        failover_switch.take_back(world, bucket, KEY, region=THERE)
    assert not failover_switch.is_thrown(world, bucket, KEY, region=THERE)
    assert changes(world) == 1
    assert healed(world).ok
    assert failover_switch.is_thrown(world, bucket, KEY, region=THERE)


def test_health_checkers_may_read_it_where_that_is_asked(world: World, bucket: str) -> None:
    def readers() -> list[str]:
        grants = s3(world).get_object_acl(Bucket=bucket, Key=KEY)["Grants"]
        return [grant["Grantee"].get("URI", "owner").rpartition("/")[2] for grant in grants]

    failover_switch.throw(world, bucket, KEY, region=THERE)
    assert readers() == ["owner"]
    failover_switch.take_back(world, bucket, KEY, region=THERE)
    failover_switch.throw(world, bucket, KEY, region=THERE, public=True)
    assert "AllUsers" in readers()


def test_a_killed_attempt_that_had_thrown_it_is_enough(
    world: World, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with killed_before_it_is_recorded(monkeypatch):
        failover_switch.throw(world, bucket, KEY, region=THERE)
    failover_switch.throw(world, bucket, KEY, region=THERE)
    assert changes(world) == 1
    assert healed(world).ok
    assert not failover_switch.is_thrown(world, bucket, KEY, region=THERE)
