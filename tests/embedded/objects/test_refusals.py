"""What S3 refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.mark.parametrize(
    ("operation", "asked", "code"),
    [
        ("put_object", {"Key": "ä" * 513, "Body": b""}, "KeyTooLongError"),
        ("upload_part", {"Key": "k", "UploadId": "none", "PartNumber": 1, "Body": b"x"}, "NoSuchUpload"),
        ("list_parts", {"Key": "k", "UploadId": "none"}, "NoSuchUpload"),
        (
            "complete_multipart_upload",
            {"Key": "k", "UploadId": "none", "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": "x"}]}},
            "NoSuchUpload",
        ),
        ("put_bucket_versioning", {"VersioningConfiguration": {"Status": "Disabled"}}, "MalformedXML"),
    ],
)
def test_what_s3_refuses_has_no_effect(
    client: Callable[..., Any], operation: str, asked: dict[str, Any], code: str
) -> None:
    s3 = client("s3", "us-east-1")
    s3.create_bucket(Bucket="refusing-objects")
    with pytest.raises(ClientError) as refused:
        getattr(s3, operation)(Bucket="refusing-objects", **asked)
    assert refused.value.response["Error"]["Code"] == code
    assert "Contents" not in s3.list_objects_v2(Bucket="refusing-objects")
    assert "Status" not in s3.get_bucket_versioning(Bucket="refusing-objects")
