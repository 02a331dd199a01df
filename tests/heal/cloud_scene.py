"""A scene in a cloud that answers late: tables, items and objects changed over HTTP, by no SDK that would retry.

As a script it serves that cloud: moto, with some requests held back before they are carried out, client or no client.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import urllib3

from drillbook.clock import SystemClock
from drillbook.events import Json

SETTLE = float(os.environ.get("SCENE_SETTLE", "0.5"))
LATE = os.environ.get("SCENE_LATE", "0.2")
"""Seconds for which the cloud holds a request back that says so in ``X-Late``."""
TABLE, BUCKET = "products", "example-artifacts"

POOL = urllib3.PoolManager(retries=False, timeout=10)


def _headers(service: str) -> dict[str, str]:
    scope = f"AKIDEXAMPLE/20260101/eu-west-1/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}


def dynamodb(place: str, operation: str, *, late: bool = False, **request: Json) -> Json:
    headers = _headers("dynamodb") | {
        "X-Amz-Target": f"DynamoDB_20120810.{operation}",
        "Content-Type": "application/x-amz-json-1.0",
        **({"X-Late": LATE} if late else {}),
    }
    answer = POOL.request("POST", place, headers=headers, body=json.dumps(request))
    if answer.status >= 400 and b"ResourceNotFound" not in answer.data:
        raise RuntimeError(f"{operation}: {answer.status} {answer.data!r}")
    return answer.json()


def s3(place: str, method: str, path: str, *, late: bool = False, body: bytes = b"") -> str:
    headers = _headers("s3") | ({"X-Late": LATE} if late else {})
    answer = POOL.request(method, f"{place}/{BUCKET}{path}", headers=headers, body=body)
    if answer.status >= 400 and answer.status != 404 and b"BucketAlreadyOwnedByYou" not in answer.data:
        raise RuntimeError(f"{method} {path}: {answer.status} {answer.data!r}")
    return answer.data.decode() if answer.status != 404 else ""


# -- what may be changed: how to read it, how to set it ---------------------------------------------------------------


def read_item(place: str, key: str) -> Json:
    return dynamodb(place, "GetItem", TableName=TABLE, Key={"id": {"S": key}}, ConsistentRead=True).get("Item")


def write_item(place: str, key: str, item: Json, late: bool) -> None:
    if item is None:
        dynamodb(place, "DeleteItem", TableName=TABLE, Key={"id": {"S": key}}, late=late)
    else:
        dynamodb(place, "PutItem", TableName=TABLE, Item=item, late=late)


def read_table(place: str, key: str) -> Json:
    return "Table" in dynamodb(place, "DescribeTable", TableName=key)


def write_table(place: str, key: str, there: Json, late: bool) -> None:
    if there == read_table(place, key):
        return
    if not there:
        dynamodb(place, "DeleteTable", TableName=key, late=late)
        return
    keys = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}
    attributes = [{"AttributeName": "id", "AttributeType": "S"}]
    dynamodb(place, "CreateTable", TableName=key, AttributeDefinitions=attributes, late=late, **keys)


def read_object(place: str, key: str) -> Json:
    """The versions of an object, delete markers too: only the answer to a DELETE names the marker it made."""
    return sorted(re.findall(r"<VersionId>([^<]+)</VersionId>", s3(place, "GET", f"?versions&prefix={key}")))


def write_object(place: str, key: str, versions: Json, late: bool) -> None:
    """Towards nothing: hide it behind a delete marker. Towards what was: remove every version that was not there."""
    if not versions:
        s3(place, "DELETE", f"/{key}", late=late)
        return
    for version in set(read_object(place, key)) - set(versions):
        s3(place, "DELETE", f"/{key}?versionId={version}", late=late)


KINDS: dict[str, tuple[Callable[[str, str], Json], Callable[[str, str, Json, bool], None]]] = {
    "item": (read_item, write_item),
    "table": (read_table, write_table),
    "object": (read_object, write_object),
}


class Changed:
    """One thing set to something else."""

    settle = SETTLE

    def __init__(self, place: str, kind: str, key: str, to: Json, late: bool) -> None:
        self.place, self.kind, self.key, self.to, self.late = place, kind, key, to, late
        self._read, self._write = KINDS[kind]

    def describe(self) -> str:
        return f"set {self.kind} {self.key} to {self.to}"

    def touches(self) -> list[str]:
        return [f"{self.kind}/{self.key}"]

    def capture(self) -> Json:
        return self._read(self.place, self.key)

    def apply(self, before: Json) -> None:
        self._write(self.place, self.key, self.to, self.late)

    def restore(self, before: Json) -> None:
        self._write(self.place, self.key, before, False)

    def restored(self, before: Json) -> bool:
        return bool(self.capture() == before)


def changes(seed: int) -> list[tuple[str, dict[str, Json]]]:
    """Overlapping ones among them: an item is changed, changed again and deleted."""
    kinds: list[tuple[str, str, Json]] = [
        ("item", "1", {"id": {"S": "1"}, "price": {"S": "nonsense"}}),
        ("item", "1", {"id": {"S": "1"}, "price": {"S": "more nonsense"}}),
        ("item", "1", None),
        ("item", "2", None),
        ("item", "new", {"id": {"S": "new"}}),
        ("table", "scratch", True),
        ("object", "app.zip", None),
    ]
    return [
        ("changed", {"kind": kind, "key": key, "to": to, "late": (seed >> index) % 2 == 0})
        for index, (kind, key, to) in enumerate(kinds)
    ]


def rebuild(place: str, factory: str, settings: Mapping[str, Json]) -> Changed:
    return Changed(place, **settings)


def lay_out(place: str) -> None:
    for name in (TABLE, "scratch"):
        write_table(place, name, False, False)
    write_table(place, TABLE, True, False)
    for key in ("1", "2"):
        write_item(place, key, {"id": {"S": key}, "price": {"S": f"{key}.00"}}, False)
    s3(
        place,
        "PUT",
        "",
        body=b"<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>",
    )
    s3(place, "PUT", "?versioning", body=b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
    for version in read_object(place, "app.zip"):
        s3(place, "DELETE", f"/app.zip?versionId={version}")
    s3(place, "PUT", "/app.zip", body=b"code")


def fingerprint(place: str) -> str:
    items = dynamodb(place, "Scan", TableName=TABLE, ConsistentRead=True).get("Items", [])
    tables = dynamodb(place, "ListTables")["TableNames"]
    ordered = sorted(items, key=lambda item: str(item["id"]["S"]))
    return json.dumps([tables, ordered, read_object(place, "app.zip")], sort_keys=True)


def serve() -> None:
    """Serve until standard input ends, which it does when the tests do."""
    import logging
    import threading

    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    cloud, clock = DomainDispatcherApplication(create_backend_app), SystemClock()

    def late(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        clock.sleep(float(environ.get("HTTP_X_LATE", "0")))
        answer: Iterable[bytes] = cloud(environ, start)
        return answer

    server = make_server("127.0.0.1", 0, late, threaded=True)
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    serve()
