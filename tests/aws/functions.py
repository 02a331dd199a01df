"""Functions and packages for tests."""

from __future__ import annotations

import io
import zipfile

from drillbook.aws.session import session_of
from drillbook.world import World


def package(answer: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("answering.py"), f"def handler(event, context):\n    return {answer!r}\n")
    return packed.getvalue()


def make_artifact(world: World, bucket: str, *answers: str) -> str:
    """A versioned package with one version for each answer; its place."""
    s3 = session_of(world).client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "af-south-1"})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for answer in answers:
        s3.put_object(Bucket=bucket, Key="current/answering.zip", Body=package(answer))
    return f"{bucket}/current/answering.zip"


def make_function(world: World, name: str, code: bytes, **environment: str) -> None:
    session_of(world).client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    session_of(world).client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=f"arn:aws:iam::111122223333:role/{name}",
        Handler="answering.handler",
        Code={"ZipFile": code},
        Environment={"Variables": environment},
    )


def answer_of(world: World, name: str) -> tuple[str, str]:
    """What invoking it gives: the payload, and the kind of error if it failed."""
    given = session_of(world).client("lambda").invoke(FunctionName=name, Payload=b"{}")
    with given["Payload"] as payload:
        return payload.read().decode(), given.get("FunctionError", "")
