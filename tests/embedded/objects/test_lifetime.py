"""Objects that are replaced or deleted while somebody reads them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

BODIES = [bytes([65 + number]) * 3_000_000 for number in range(2)]


def test_a_reader_gets_what_was_there_before_or_after(client: Callable[..., Any]) -> None:
    s3 = client("s3", "us-east-1")
    s3.create_bucket(Bucket="replaced-while-read")
    here = {"Bucket": "replaced-while-read", "Key": "status"}
    s3.put_object(**here, Body=BODIES[0])

    def read(_: int) -> bytes:
        return bytes(s3.get_object(**here)["Body"].read())

    def write(number: int) -> None:
        s3.put_object(**here, Body=BODIES[number % 2])

    with ThreadPoolExecutor(8) as pool:
        written = [pool.submit(write, number) for number in range(40)]
        seen = [pool.submit(read, number) for number in range(80)]
        assert all(each.result() in BODIES for each in seen)
        assert all(each.result() is None for each in written)
