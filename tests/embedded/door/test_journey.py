"""Whose regions a request needs, told by its head."""

from __future__ import annotations

from typing import Any

import pytest

from drillbook.embedded.addresses import REGIONS, address_of, region_at, region_of_key, sandbox_key
from drillbook.embedded.domains import Failures
from drillbook.embedded.journey import Journey, journey
from drillbook.embedded.serving import REGION


def head(path: str = "/", query: str = "", **headers: str) -> dict[str, Any]:
    named = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    return {"PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": "GET", REGION: None} | named


def signed(region: str, service: str, key: str = "AKIA") -> str:
    scope = f"Credential={key}/20260101/{region}/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host;x-amz-date, Signature=ab12"


def made(*regions: str, origins: tuple[str, ...] = (), service: str = "") -> Journey:
    return Journey(frozenset(origins), frozenset(regions), service)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (head(authorization=signed("eu-west-1", "dynamodb")), made("eu-west-1", service="dynamodb")),
        (head(authorization=signed("eu-west-1", "iam")), made("us-east-1", service="iam")),
        (head(authorization=signed("eu-west-1", "sts")), made("eu-west-1", service="sts")),
        (head(authorization=signed("us-west-2", "route53")), made("us-east-1", service="route53")),
        (
            head(query="X-Amz-Credential=AKIA%2F20260101%2Feu-west-1%2Frds%2Faws4_request&X-Amz-Date=x"),
            made("eu-west-1", service="rds"),
        ),
        (
            head(query="X-Amz-Algorithm=a&X-Amz-Credential=AKIA%2F20260101%2Feu-west-1%2Frds%2Faws4_request"),
            made("eu-west-1", service="rds"),
        ),
        (head(), made()),
        (head(authorization="Basic dXNlcjpwYXNz"), made()),
        (head(authorization="AWS4-HMAC-SHA256 Credential=a/b, Signature="), made()),
        (head(authorization="AWS AKIA:signature-of-version-two"), made()),
        (
            head(authorization=signed("eu-west-1", "dynamodb", sandbox_key("us-east-1"))),
            made("eu-west-1", origins=("us-east-1",), service="dynamodb"),
        ),
        (
            head(authorization=signed("eu-west-1", "dynamodb", sandbox_key("nowhere-1"))),
            made("eu-west-1", service="dynamodb"),
        ),
        (
            head(authorization=signed("eu-west-1", "dynamodb")) | {REGION: "us-west-2"},
            made("eu-west-1", origins=("us-west-2",), service="dynamodb"),
        ),
    ],
)
def test_a_request_tells_where_it_goes(request_: dict[str, Any], expected: Journey) -> None:
    assert journey(request_, ()) == expected


class Shop:
    service = "execute-api"

    def matches(self, environ: dict[str, Any]) -> bool:
        return str(environ["PATH_INFO"]).startswith("/shop")

    def region(self, environ: dict[str, Any]) -> str | None:
        return "eu-west-1" if environ["PATH_INFO"] == "/shop" else None


def test_a_door_knows_its_own_region() -> None:
    assert journey(head("/shop"), [object(), Shop()]) == made("eu-west-1", service="execute-api")
    assert journey(head("/shop/none"), [Shop()]) == made(service="execute-api")
    assert journey(head("/"), [Shop()]) == made()


@pytest.mark.parametrize(
    ("failures", "possible"),
    [
        (Failures(), True),
        (Failures(regions=frozenset({"us-east-1"})), False),
        (Failures(regions=frozenset({"eu-west-1"})), False),
        (Failures(regions=frozenset({"us-west-2"})), True),
        (Failures(partitions=frozenset({frozenset({"us-east-1", "eu-west-1"})})), False),
        (Failures(partitions=frozenset({frozenset({"us-east-1", "us-west-2"})})), True),
        (Failures(zones=frozenset({"eu-west-1a"})), True),
    ],
)
def test_a_journey_needs_its_regions_and_their_link(failures: Failures, possible: bool) -> None:
    assert made("eu-west-1", origins=("us-east-1",)).possible(failures) is possible


def test_who_belongs_nowhere_is_stopped_by_nothing() -> None:
    assert made().possible(Failures(regions=frozenset(REGIONS)))


def test_every_region_has_an_address_and_a_key_of_its_own() -> None:
    assert len({address_of(region) for region in REGIONS}) == len(REGIONS)
    assert [region_at(address_of(region)) for region in REGIONS] == list(REGIONS)
    assert [region_of_key(sandbox_key(region)) for region in REGIONS] == list(REGIONS)
    assert address_of("nowhere-1") == "127.0.0.1"
    assert [region_at(text) for text in ("127.0.0.1", "127.0.1.0", "127.0.1.31", "127.0.1.x", "::1", "")] == [None] * 6
    assert [region_of_key(key) for key in ("AKIA", "eu-west-1", "embedded.nowhere-1", "")] == [None] * 4
