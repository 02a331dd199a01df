"""Call recordings, replicated to the other region; the services' code, in both; and the failover switch's bucket."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drillbook.aws.session import Session, session_of

from . import seed
from .names import DR, PRIMARY, REGIONS, SWITCH_KEY, TAG_LIST, artifacts, recordings, switch_bucket

if TYPE_CHECKING:
    from drillbook.world import World

APP = Path(__file__).parent / "app"


def stand_up(world: World) -> None:
    session = session_of(world)
    for region in REGIONS:
        _bucket(session, recordings(session.account, region), region, versioned=True)
        _bucket(session, artifacts(session.account, region), region)
        session.client("s3", region).put_object(
            Bucket=artifacts(session.account, region), Key="services.zip", Body=_package()
        )
    _bucket(session, switch_bucket(session.account), DR)
    session.client("s3", DR).put_bucket_policy(
        Bucket=switch_bucket(session.account), Policy=_seen_by_all(switch_bucket(session.account))
    )
    _replicate(session)
    _record(session.client("s3", PRIMARY), recordings(session.account, PRIMARY))


def _seen_by_all(bucket: str) -> str:
    """Health checkers come unsigned. Nothing but the switch is in this bucket, and it says nothing."""
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
    statement = {**allowed, "Resource": f"arn:aws:s3:::{bucket}/{SWITCH_KEY}"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _bucket(session: Session, name: str, region: str, *, versioned: bool = False) -> None:
    s3 = session.client("s3", region)
    place = {} if region == PRIMARY else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=name, **place)
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": TAG_LIST})
    if versioned:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def _replicate(session: Session) -> None:
    """Both ways, so that calls recorded in the other region come home by themselves.

    The metrics are what the runbook reads (AWS: "Monitoring progress with replication metrics").
    """
    for here, there in ((PRIMARY, DR), (DR, PRIMARY)):
        destination = {
            "Bucket": f"arn:aws:s3:::{recordings(session.account, there)}",
            "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}},
            "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": 15}},
        }
        rule = {
            "ID": "recordings",
            "Priority": 1,
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Disabled"},
            "Destination": destination,
        }
        session.client("s3", here).put_bucket_replication(
            Bucket=recordings(session.account, here),
            ReplicationConfiguration={
                "Role": f"arn:aws:iam::{session.account}:role/roadcall-replication",
                "Rules": [rule],
            },
        )


def _record(s3: Any, bucket: str) -> None:
    for call in seed.calls():
        s3.put_object(Bucket=bucket, Key=call["recording"]["S"], Body=b"a driver calls for help")


def _package() -> bytes:
    """The code of all services; the same bytes however often it is made."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in sorted(APP.glob("*.py")):
            archive.writestr(zipfile.ZipInfo(file.name), file.read_text())
    return packed.getvalue()
