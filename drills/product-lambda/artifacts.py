"""The deployment packages, in a versioned bucket of each region: Lambda takes code from its own region only."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from .names import APP, PACKAGES, TAG_LIST, bucket_of

if TYPE_CHECKING:
    from drillbook.aws.session import Session

PREVIOUS, CURRENT = "1.0.0", "1.1.0"


def store(session: Session, region: str) -> None:
    """Two builds of each package; ``current/`` holds both, the newer one on top."""
    s3, bucket = session.client("s3", region), bucket_of(session, region)
    if bucket in [each["Name"] for each in s3.list_buckets()["Buckets"]]:
        return
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for module in PACKAGES.values():
        s3.put_object(Bucket=bucket, Key=f"previous-version/{module}.zip", Body=package(module, PREVIOUS))
        for build in (PREVIOUS, CURRENT):
            s3.put_object(Bucket=bucket, Key=f"current/{module}.zip", Body=package(module, build))
    # Last: it says that the bucket is whole.
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": TAG_LIST})


def package(module: str, build: str) -> bytes:
    """The deployment package of one function; the same bytes for the same build."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in (f"{module}.py", "catalogue.py"):
            archive.writestr(zipfile.ZipInfo(file), (APP / file).read_text())
        archive.writestr(zipfile.ZipInfo("BUILD"), build)
    return packed.getvalue()


def current_artifact(session: Session, function: str) -> str:
    return f"{bucket_of(session)}/current/{PACKAGES[function]}.zip"


def previous_artifact(session: Session, function: str) -> str:
    return f"{bucket_of(session)}/previous-version/{PACKAGES[function]}.zip"
