"""Builds, kept in both regions: what a standby is deployed from must not lie in the region that is lost."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .names import BUILD, SITE_BUILD, TAG_LIST, artifacts_of

if TYPE_CHECKING:
    from drillbook.aws.session import Session

APP = Path(__file__).with_name("app")
PAGES = {
    "index.html": "<!doctype html><title>Habits</title><script src=/app.js></script><main>Your habits</main>",
    "app.js": "fetch('/api/habits/').then(answer => answer.json()).then(console.log)",
}


def stand_up(session: Session, region: str) -> None:
    """The bucket with the function's package and the front end's build."""
    s3, bucket = session.client("s3", region), artifacts_of(region)
    if make_bucket(s3, bucket, region):
        s3.put_object(Bucket=bucket, Key=BUILD, Body=package())
        for page, body in PAGES.items():
            s3.put_object(Bucket=bucket, Key=SITE_BUILD + page, Body=body.encode(), ContentType=kind_of(page))


def package() -> bytes:
    """The function's package; psycopg comes with the interpreter here, and in a layer on AWS."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in sorted(APP.glob("*.py")):
            archive.writestr(zipfile.ZipInfo(file.name), file.read_text())
    return packed.getvalue()


def kind_of(page: str) -> str:
    return "text/html" if page.endswith(".html") else "text/javascript"


def make_bucket(s3: Any, bucket: str, region: str) -> bool:
    """A versioned bucket; False if it is there already."""
    if bucket in [each["Name"] for each in s3.list_buckets()["Buckets"]]:
        return False
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=bucket, **place)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": TAG_LIST})
    return True
