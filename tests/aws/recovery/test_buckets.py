"""Front ends and files: buckets copied, deletions undone, edges told."""

from __future__ import annotations

from typing import Any

import pytest

from drillbook.aws.recovery import buckets, invalidation
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError
from drillbook.world import World

from .attempts import Killed, changes, healed, killed_before_it_is_recorded


@pytest.fixture
def s3(world: World) -> Any:
    return session_of(world).client("s3")


@pytest.fixture
def pair(world: World, name: str) -> tuple[str, str]:
    """A bucket with four objects, and an empty one in another region; both keep versions."""
    made = []
    for region in ("af-south-1", "eu-west-1"):
        s3, bucket = session_of(world).client("s3", region), f"{name}-{region}"
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        made.append(bucket)
    for number in range(4):
        text = f"text {number}".encode()
        session_of(world).client("s3").put_object(
            Bucket=made[0], Key=f"site/{number}", Body=text, ContentType="text/plain", Metadata={"n": str(number)}
        )
    return made[0], made[1]


def contents(s3: Any, bucket: str) -> dict[str, bytes]:
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {each["Key"]: s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listed}


def history(s3: Any, bucket: str) -> set[str]:
    found = s3.list_object_versions(Bucket=bucket)
    return {each["VersionId"] for each in (*found.get("Versions", []), *found.get("DeleteMarkers", []))}


def there(world: World) -> Any:
    return session_of(world).client("s3", "eu-west-1")


def test_only_what_is_missing_or_changed_is_copied_and_heal_removes_just_that(
    world: World, s3: Any, pair: tuple[str, str]
) -> None:
    source, target = pair
    away = there(world)
    away.put_object(Bucket=target, Key="site/0", Body=b"text 0")
    away.put_object(Bucket=target, Key="site/1", Body=b"stale")
    away.put_object(Bucket=target, Key="own", Body=b"not of the source")
    s3.put_object(Bucket=source, Key="site/1", Body=b"text 1, corrected")
    before = history(away, target)
    assert buckets.sync(world, source, target, region="eu-west-1") == 3
    assert buckets.sync(world, source, target, region="eu-west-1") == 0
    assert changes(world) == 1
    assert contents(away, target) == contents(s3, source) | {"own": b"not of the source"}
    assert away.head_object(Bucket=target, Key="site/2")["Metadata"] == {"n": "2"}
    assert healed(world).ok
    assert history(away, target) == before
    assert contents(away, target) == {"site/0": b"text 0", "site/1": b"stale", "own": b"not of the source"}


def test_a_copy_that_was_cut_off_goes_on_where_it_ended(
    world: World, s3: Any, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = pair
    monkeypatch.setattr(buckets, "_BATCH", 3)
    with killed_before_it_is_recorded(monkeypatch):
        buckets.sync(world, source, target, region="eu-west-1")
    assert len(contents(there(world), target)) == 3
    assert buckets.sync(world, source, target, region="eu-west-1") == 1
    assert contents(there(world), target) == contents(s3, source)


def test_what_others_wrote_since_is_not_removed_by_heal(world: World, s3: Any, pair: tuple[str, str]) -> None:
    source, target = pair
    buckets.sync(world, source, target, region="eu-west-1")
    there(world).put_object(Bucket=target, Key="site/0", Body=b"a customer's")
    assert healed(world).ok
    assert contents(there(world), target) == {"site/0": b"a customer's"}


@pytest.mark.slow
def test_the_way_home_overwrites_nothing_that_is_newer(world: World, s3: Any, pair: tuple[str, str]) -> None:
    source, target = pair
    buckets.sync(world, source, target, region="eu-west-1")
    there(world).put_object(Bucket=target, Key="made-in-standby", Body=b"new")
    assert buckets.sync(world, target, source, source_region="eu-west-1") == 1
    world.clock.sleep(1.1)  # S3 tells whole seconds
    s3.put_object(Bucket=source, Key="site/0", Body=b"written at both ends")
    with pytest.raises(PermanentError, match=r"site/0 was written to .* after"):
        buckets.sync(world, target, source, source_region="eu-west-1")
    assert contents(s3, source)["site/0"] == b"written at both ends"


def test_a_bucket_that_keeps_no_versions_is_not_written_to(world: World, s3: Any, pair: tuple[str, str]) -> None:
    source, target = pair
    there(world).put_bucket_versioning(Bucket=target, VersioningConfiguration={"Status": "Suspended"})
    with pytest.raises(PermanentError, match="keeps no versions"):
        buckets.sync(world, source, target, region="eu-west-1")
    with pytest.raises(PermanentError) as error:
        buckets.sync(world, source, f"{target}-missing", region="eu-west-1")
    assert error.value.code == "NoSuchBucket"
    assert changes(world) == 0


@pytest.mark.slow
def test_an_object_that_is_too_large_is_said_before_anything_is_copied(
    world: World, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "LARGEST", 5)
    with pytest.raises(PermanentError, match="site/0 has 6 bytes"):
        buckets.sync(world, *pair, region="eu-west-1")
    assert contents(there(world), pair[1]) == {}


def test_deleted_objects_come_back_and_heal_deletes_them_again(world: World, s3: Any, pair: tuple[str, str]) -> None:
    bucket = pair[0]
    whole = contents(s3, bucket)
    s3.delete_object(Bucket=bucket, Key="site/0")
    world.clock.sleep(1.1)  # S3 tells whole seconds
    began = world.clock.now().replace(microsecond=0)
    for key in ("site/1", "site/2"):
        s3.delete_object(Bucket=bucket, Key=key)
    assert buckets.undelete(world, bucket, began) == 2
    assert buckets.undelete(world, bucket, began) == 0
    assert contents(s3, bucket) == {key: text for key, text in whole.items() if key != "site/0"}
    assert healed(world).ok
    assert contents(s3, bucket) == {"site/3": whole["site/3"]}


# -- edges ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def distribution(world: World, name: str) -> str:
    origin = {
        "Id": "o", "DomainName": f"{name}.example.com",
        "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"},
    }  # fmt: skip
    behaviour = {
        "TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all",
        "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
    }  # fmt: skip
    config = {
        "CallerReference": name, "Comment": "", "Enabled": True, "DefaultCacheBehavior": behaviour,
        "Origins": {"Quantity": 1, "Items": [origin]},
    }  # fmt: skip
    made = session_of(world).client("cloudfront").create_distribution(DistributionConfig=config)
    return str(made["Distribution"]["Id"])


def test_edges_are_told_once_for_each_reason(world: World, distribution: str) -> None:
    cloudfront = session_of(world).client("cloudfront")
    for why in ("failover", "failover", "failback"):
        invalidation.invalidate(world, distribution, ["/*"], why=why)
    made = cloudfront.list_invalidations(DistributionId=distribution)["InvalidationList"]["Items"]
    assert [each["Status"] for each in made] == ["Completed", "Completed"]
    assert changes(world) == 0


@pytest.mark.slow
def test_an_invalidation_is_known_to_cloudfront_by_the_run(
    world: World, distribution: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloudfront = session_of(world).client("cloudfront")
    create, asked = cloudfront.create_invalidation, []

    def create_and_die(**arguments: Any) -> None:
        asked.append(arguments)
        create(**arguments)
        raise Killed

    monkeypatch.setattr(cloudfront, "create_invalidation", create_and_die)
    for _ in range(2):
        with pytest.raises(Killed):
            invalidation.invalidate(world, distribution)
    assert asked[0] == asked[1]
    assert world.run_id in asked[0]["InvalidationBatch"]["CallerReference"]


def test_a_distribution_that_is_not_there_is_an_error(world: World) -> None:
    with pytest.raises(PermanentError) as error:
        invalidation.invalidate(world, "ENOSUCHTHING")
    assert error.value.code == "NoSuchDistribution"
