"""S3: replication between regions, and versions as a way back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from drillbook.clock import SystemClock
from drillbook.embedded import process
from drillbook.waiting import wait_for

from .conftest import Endpoint

HERE, THERE = "us-east-1", "us-west-2"
GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide"
API = "https://docs.aws.amazon.com/AmazonS3/latest/API"
Client = Callable[..., Any]
clock = SystemClock()


class Pair:
    """A bucket in each region, the first of which may replicate to the second."""

    def __init__(self, client: Client) -> None:
        self.here, self.there, self.metrics = client("s3"), client("s3", THERE), client("cloudwatch")
        self.source, self.target = (f"{side}-{uuid4().hex[:10]}" for side in ("source", "target"))

    def create(self) -> None:
        self.here.create_bucket(Bucket=self.source)
        self.there.create_bucket(Bucket=self.target, CreateBucketConfiguration={"LocationConstraint": THERE})
        for client, bucket in ((self.here, self.source), (self.there, self.target)):
            client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def rule(self, **more: Any) -> dict[str, Any]:
        given: dict[str, Any] = {
            "ID": "all",
            "Priority": 1,
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Disabled"},
            "Destination": {"Bucket": f"arn:aws:s3:::{self.target}"},
        }
        return given | more

    def replicate(self, *rules: dict[str, Any]) -> None:
        role = "arn:aws:iam::111122223333:role/replication"
        configuration = {"Role": role, "Rules": list(rules) or [self.rule()]}
        self.here.put_bucket_replication(Bucket=self.source, ReplicationConfiguration=configuration)

    def put(self, name: str, body: bytes = b"content", **more: Any) -> str:
        return str(self.here.put_object(Bucket=self.source, Key=name, Body=body, **more)["VersionId"])

    def status(self, name: str) -> str | None:
        told: str | None = self.here.head_object(Bucket=self.source, Key=name).get("ReplicationStatus")
        return told

    def arrived(self, name: str, version: str = "") -> bool:
        listed = self.there.list_object_versions(Bucket=self.target, Prefix=name)
        found = [one["VersionId"] for kind in ("Versions", "DeleteMarkers") for one in listed.get(kind, [])]
        return version in found if version else bool(found)

    def await_arrival(self, name: str, version: str = "") -> None:
        wait_for(f"the replica of {name}", lambda: self.arrived(name, version), timeout=30, clock=clock)


@pytest.fixture(scope="module", autouse=True)
def _short_link(endpoint: Endpoint) -> Iterator[None]:
    """The embedded cloud's buckets are half a second apart, which no rule here asks for."""
    if endpoint.cloud is None:
        yield
        return
    process.set_links(endpoint.cloud, {f"s3:{HERE}|{THERE}": 0.1})
    yield
    process.set_links(endpoint.cloud, {})


@pytest.fixture
def pair(client: Client) -> Iterator[Pair]:
    made = Pair(client)
    made.create()
    yield made
    for bucket, owner in ((made.source, made.here), (made.target, made.there)):
        listed = owner.list_object_versions(Bucket=bucket)
        for one in listed.get("Versions", []) + listed.get("DeleteMarkers", []):
            owner.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
        owner.delete_bucket(Bucket=bucket)


def code(refused: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response = refused.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.rule(
    "a new object is replicated with version ID, metadata and tags; its source is PENDING, then COMPLETED",
    f"{GUIDE}/replication-status.html",
)
def test_a_new_object_is_replicated_with_all_that_belongs_to_it(pair: Pair) -> None:
    pair.replicate()
    version = pair.put("a", b"content", Metadata={"owner": "shop"}, Tagging="kind=order", ContentType="text/plain")
    assert pair.status("a") in ("PENDING", "COMPLETED")
    pair.await_arrival("a", version)
    copy = pair.there.get_object(Bucket=pair.target, Key="a")
    tags = pair.there.get_object_tagging(Bucket=pair.target, Key="a")["TagSet"]
    assert copy["Body"].read() == b"content"
    assert (copy["VersionId"], copy["Metadata"], copy["ContentType"]) == (version, {"owner": "shop"}, "text/plain")
    assert (copy["ReplicationStatus"], tags) == ("REPLICA", [{"Key": "kind", "Value": "order"}])
    wait_for("COMPLETED", lambda: pair.status("a") == "COMPLETED", timeout=30, clock=clock)


@pytest.mark.rule(
    "objects that were there before the rule are not replicated",
    f"{GUIDE}/replication-what-is-isnot-replicated.html",
)
def test_existing_objects_are_not_replicated(pair: Pair) -> None:
    pair.put("before")
    pair.replicate()
    pair.put("after")
    pair.await_arrival("after")
    assert not pair.arrived("before")
    assert pair.status("before") is None


@pytest.mark.rule("a rule covers the objects with its prefix and its tags", f"{GUIDE}/replication-add-config.html")
def test_a_rule_covers_what_its_filter_says(pair: Pair) -> None:
    tagged = {"And": {"Prefix": "logs/", "Tags": [{"Key": "keep", "Value": "yes"}]}}
    pair.replicate(
        pair.rule(ID="orders", Filter={"Prefix": "orders/"}), pair.rule(ID="logs", Priority=2, Filter=tagged)
    )
    pair.put("other/1")
    pair.put("logs/1", Tagging="keep=no")
    pair.put("logs/2", Tagging="keep=yes")
    pair.put("orders/1")
    pair.await_arrival("orders/1")
    pair.await_arrival("logs/2")
    assert not pair.arrived("other/1")
    assert not pair.arrived("logs/1")


@pytest.mark.rule(
    "delete markers are replicated if the rule says so; the deletion of a version never is",
    f"{GUIDE}/delete-marker-replication.html",
)
@pytest.mark.parametrize("follow", ["Enabled", "Disabled"])
def test_delete_markers_are_replicated_if_asked_for(pair: Pair, follow: str) -> None:
    pair.replicate(pair.rule(DeleteMarkerReplication={"Status": follow}))
    first = pair.put("a")
    pair.await_arrival("a", first)
    marker = pair.here.delete_object(Bucket=pair.source, Key="a")["VersionId"]
    pair.here.delete_object(Bucket=pair.source, Key="a", VersionId=first)
    pair.put("b")
    pair.await_arrival("b")
    assert pair.arrived("a", marker) == (follow == "Enabled")
    assert pair.arrived("a", first)


@pytest.mark.rule("changed tags of a replicated object follow it", f"{GUIDE}/replication-what-is-isnot-replicated.html")
def test_changed_tags_follow(pair: Pair) -> None:
    pair.replicate()
    pair.await_arrival("a", pair.put("a", Tagging="state=new"))
    wait_for("COMPLETED", lambda: pair.status("a") == "COMPLETED", timeout=30, clock=clock)
    tags = [{"Key": "state", "Value": "paid"}]
    pair.here.put_object_tagging(Bucket=pair.source, Key="a", Tagging={"TagSet": tags})
    wait_for(
        "the tags of the replica",
        lambda: pair.there.get_object_tagging(Bucket=pair.target, Key="a")["TagSet"] == tags,
        timeout=30,
        clock=clock,
    )


@pytest.mark.rule(
    "replicas are not replicated again, so buckets may replicate to each other",
    f"{GUIDE}/replication-what-is-isnot-replicated.html",
)
def test_two_buckets_may_replicate_to_each_other(pair: Pair) -> None:
    pair.replicate()
    back = {
        "Role": "arn:aws:iam::111122223333:role/replication",
        "Rules": [pair.rule(Destination={"Bucket": f"arn:aws:s3:::{pair.source}"})],
    }
    pair.there.put_bucket_replication(Bucket=pair.target, ReplicationConfiguration=back)
    pair.await_arrival("a", pair.put("a"))
    pair.there.put_object(Bucket=pair.target, Key="b", Body=b"back")

    def back_again() -> bool:
        return "Contents" in pair.here.list_objects_v2(Bucket=pair.source, Prefix="b")

    wait_for("the way back", back_again, timeout=30, clock=clock)
    assert len(pair.here.list_object_versions(Bucket=pair.source, Prefix="a")["Versions"]) == 1


@pytest.mark.rule("a multipart upload is replicated with its ETag", f"{GUIDE}/replication.html")
def test_a_multipart_upload_is_replicated(pair: Pair) -> None:
    pair.replicate()
    upload = pair.here.create_multipart_upload(Bucket=pair.source, Key="big", Metadata={"of": "parts"})["UploadId"]
    where = {"Bucket": pair.source, "Key": "big", "UploadId": upload}
    part = pair.here.upload_part(**where, PartNumber=1, Body=b"part")["ETag"]
    done = pair.here.complete_multipart_upload(**where, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part}]})
    pair.await_arrival("big")
    copy = pair.there.head_object(Bucket=pair.target, Key="big")
    assert (copy["ETag"], copy["Metadata"]) == (done["ETag"], {"of": "parts"})


@pytest.mark.rule(
    "objects of a region that cannot be reached arrive, in order, when it can be reached again",
    f"{GUIDE}/replication.html",
)
def test_a_cut_link_delays_replication_and_loses_nothing(pair: Pair, breaking: Any) -> None:
    pair.replicate()
    breaking.link(HERE, THERE)
    versions = [pair.put("a", str(number).encode()) for number in range(3)]
    clock.sleep(1.0)
    assert not pair.arrived("a")
    assert pair.status("a") == "PENDING"
    breaking.mend()
    pair.await_arrival("a", versions[-1])
    copy = pair.there.get_object(Bucket=pair.target, Key="a")
    assert (copy["Body"].read(), copy["VersionId"]) == (b"2", versions[-1])


@pytest.mark.rule(
    "ReplicationLatency, BytesPendingReplication and OperationsPendingReplication tell how far a rule is behind",
    f"{GUIDE}/metrics-dimensions.html",
)
def test_how_much_waits_is_a_metric(pair: Pair, breaking: Any) -> None:
    metrics = {"Status": "Enabled"}
    pair.replicate(pair.rule(Destination={"Bucket": f"arn:aws:s3:::{pair.target}", "Metrics": metrics}))
    breaking.link(HERE, THERE)
    pair.put("a", b"12345")

    def peak(metric: str) -> float:
        now = datetime.now(UTC)
        named = {"SourceBucket": pair.source, "DestinationBucket": pair.target, "RuleId": "all"}
        told = pair.metrics.get_metric_statistics(
            Namespace="AWS/S3",
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in named.items()],
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=5),
            Period=60,
            Statistics=["Maximum"],
        )["Datapoints"]
        return max((float(point["Maximum"]) for point in told), default=0.0)

    wait_for("a metric", lambda: peak("ReplicationLatency") > 0, timeout=30, clock=clock)
    assert (peak("BytesPendingReplication"), peak("OperationsPendingReplication")) == (5.0, 1.0)


@pytest.mark.rule(
    "the configuration is told as it was put; without one, the error says so", f"{API}/API_GetBucketReplication.html"
)
def test_the_configuration_is_told_and_deleted(pair: Pair) -> None:
    tagged = {"And": {"Prefix": "x", "Tags": [{"Key": "k", "Value": "v"}]}}
    rules = [pair.rule(), pair.rule(ID="two", Priority=2, Filter=tagged)]
    pair.replicate(*rules)
    told = pair.here.get_bucket_replication(Bucket=pair.source)["ReplicationConfiguration"]
    assert sorted(told["Rules"], key=lambda rule: rule["Priority"]) == rules
    pair.here.delete_bucket_replication(Bucket=pair.source)
    with pytest.raises(ClientError) as refused:
        pair.here.get_bucket_replication(Bucket=pair.source)
    assert code(refused) == ("ReplicationConfigurationNotFoundError", 404)


@pytest.mark.rule("both buckets must exist and be versioned", f"{GUIDE}/replication-requirements.html")
def test_replication_between_other_buckets_is_refused(pair: Pair, client: Client) -> None:
    plain = f"plain-{uuid4().hex[:10]}"
    client("s3").create_bucket(Bucket=plain)
    for source, target in ((pair.source, plain), (pair.source, "no-such-bucket-here"), (plain, pair.target)):
        rule = pair.rule(Destination={"Bucket": f"arn:aws:s3:::{target}"})
        with pytest.raises(ClientError) as refused:
            pair.here.put_bucket_replication(
                Bucket=source,
                ReplicationConfiguration={"Role": "arn:aws:iam::111122223333:role/r", "Rules": [rule]},
            )
        assert code(refused) == ("InvalidRequest", 400)
    client("s3").delete_bucket(Bucket=plain)


@pytest.mark.rule(
    "a rule with a filter needs DeleteMarkerReplication and Priority", f"{GUIDE}/replication-add-config.html"
)
@pytest.mark.parametrize("missing", ["DeleteMarkerReplication", "Priority"])
def test_an_incomplete_rule_is_refused(pair: Pair, missing: str) -> None:
    rule = pair.rule()
    del rule[missing]
    with pytest.raises(ClientError) as refused:
        pair.replicate(rule)
    assert code(refused) == ("InvalidRequest", 400)


@pytest.mark.rule(
    "the versioning of a bucket that replicates cannot be suspended", f"{GUIDE}/replication-requirements.html"
)
def test_versioning_stays_on_while_a_bucket_replicates(pair: Pair) -> None:
    pair.replicate()
    with pytest.raises(ClientError) as refused:
        pair.here.put_bucket_versioning(Bucket=pair.source, VersioningConfiguration={"Status": "Suspended"})
    assert code(refused) == ("InvalidBucketState", 409)


@pytest.mark.rule("a deleted object is back when its delete marker is deleted", f"{GUIDE}/ManagingDelMarkers.html")
def test_deleting_the_delete_marker_brings_the_object_back(pair: Pair) -> None:
    version = pair.put("a", b"precious")
    marker = pair.here.delete_object(Bucket=pair.source, Key="a")
    assert marker["DeleteMarker"]
    with pytest.raises(ClientError) as gone:
        pair.here.get_object(Bucket=pair.source, Key="a")
    assert code(gone) == ("NoSuchKey", 404)
    pair.here.delete_object(Bucket=pair.source, Key="a", VersionId=marker["VersionId"])
    back = pair.here.get_object(Bucket=pair.source, Key="a")
    assert (back["Body"].read(), back["VersionId"]) == (b"precious", version)


@pytest.mark.rule(
    "while versioning is suspended, only the null version is overwritten or deleted",
    f"{GUIDE}/VersionSuspendedBehavior.html",
)
def test_a_suspended_bucket_keeps_its_versions(pair: Pair) -> None:
    old = pair.put("a", b"old")
    pair.here.put_bucket_versioning(Bucket=pair.source, VersioningConfiguration={"Status": "Suspended"})
    for body in (b"new", b"newer"):
        pair.here.put_object(Bucket=pair.source, Key="a", Body=body)
    assert pair.here.get_object(Bucket=pair.source, Key="a")["Body"].read() == b"newer"
    pair.here.delete_object(Bucket=pair.source, Key="a")
    listed = pair.here.list_object_versions(Bucket=pair.source, Prefix="a")
    assert [one["VersionId"] for one in listed["Versions"]] == [old]
    assert [one["VersionId"] for one in listed["DeleteMarkers"]] == ["null"]
    assert pair.here.get_object(Bucket=pair.source, Key="a", VersionId=old)["Body"].read() == b"old"
