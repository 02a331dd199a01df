"""The code of a function: where it comes from, whether it can be unpacked, where it can be downloaded.

Sources: "UpdateFunctionCode" (https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html), "GetFunction"
(https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html: ``Code.Location`` is a link to download the zip).
"""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import threading
import zipfile
from pathlib import Path
from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException
from moto.awslambda.models import LambdaFunction
from moto.s3.exceptions import MissingBucket
from moto.s3.models import FakeKey, s3_backends

_unpacking = threading.Lock()


def set_code(function: LambdaFunction, spec: dict[str, Any]) -> bool:
    """Take the code from ``spec`` (ZipFile, or S3Bucket, S3Key and S3ObjectVersion); False if it names neither.

    S3 is read now, once: what happens to the object later does not touch the function. Raises
    InvalidParameterValueException for a missing bucket, key or version and for what is no zip.
    """
    if spec.get("ZipFile"):
        zipped = spec["ZipFile"]
        content = base64.b64decode(zipped.encode() if isinstance(zipped, str) else zipped)
    elif spec.get("S3Bucket") and spec.get("S3Key"):
        content = _s3_object(function, spec)
    else:
        return False
    _check_zip(content)
    function.code_bytes, function.code_size = content, len(content)
    function.code_digest = hashlib.sha256(content).hexdigest()
    function.code_sha_256 = base64.b64encode(hashlib.sha256(content).digest()).decode()
    kept = ("S3Bucket", "S3Key", "S3ObjectVersion")
    # A published version must not see what its successor was made from: hence a new dict.
    function.code = {name: spec[name] for name in kept if name in spec}
    function.code.setdefault("S3Key", f"{function.function_name}-{function.code_digest[:12]}")
    return True


def unpacked(function: LambdaFunction, directory: Path) -> Path:
    """The directory with the function's code; unpacked at its first use, shared by all sandboxes of the same code."""
    place = directory / function.code_digest[:24]
    with _unpacking:
        if not place.exists():
            half_done = place.with_suffix(".unpacking")
            shutil.rmtree(half_done, ignore_errors=True)
            with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as archive:
                archive.extractall(half_done)
            half_done.rename(place)
    return place


def _check_zip(content: bytes) -> None:
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise InvalidParameterValueException(
            "Could not unzip uploaded file. Please check your file, then try to upload again."
        )


def _s3_object(function: LambdaFunction, spec: dict[str, Any]) -> bytes:
    version = spec.get("S3ObjectVersion")
    try:
        key = s3_backends[function.account_id][function.partition].get_object(spec["S3Bucket"], spec["S3Key"], version)
    except MissingBucket:
        raise _unreadable("NoSuchBucket", "The specified bucket does not exist") from None
    if not isinstance(key, FakeKey):
        code = "NoSuchVersion" if version else "NoSuchKey"
        what = "The specified version does not exist." if version else "The specified key does not exist."
        raise _unreadable(code, what)
    content: bytes = key.value
    return content


def _unreadable(code: str, message: str) -> InvalidParameterValueException:
    return InvalidParameterValueException(
        f"Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}"
    )
