"""The front end: a bucket in each region, and CloudFront before both. The origin group is there beforehand, since
CloudFront is changed through us-east-1 alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.session import session_of
from drillbook.waiting import wait_for

from .artifacts import PAGES, kind_of, make_bucket
from .domains import change, zone_id
from .names import AWAY, HOME, SITE_BUILD, SITE_NAME, site_of

if TYPE_CHECKING:
    from drillbook.world import World

CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CLOUDFRONT_ZONE = "Z2FDTNDATAQYW2"
"""Of every distribution. https://docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html"""
IDENTITY = "origin-access-identity/cloudfront/E0EXAMPLE"
"""Whom the buckets let read."""
FAILING = (403, 404, 500, 502, 503, 504)
_PATIENCE = 120.0


def stand_up(world: World) -> None:
    """The front end at home, an empty bucket in the standby region, and the distribution with its name."""
    session = session_of(world)
    make_bucket(session.client("s3", AWAY), site_of(AWAY), AWAY)
    s3 = session.client("s3", HOME)
    if make_bucket(s3, site_of(HOME), HOME):
        for page, body in PAGES.items():
            s3.put_object(Bucket=site_of(HOME), Key=SITE_BUILD + page, Body=body.encode(), ContentType=kind_of(page))
    cloudfront = session.client("cloudfront", HOME)
    if distribution(cloudfront) is not None:
        return
    made = cloudfront.create_distribution(DistributionConfig=_config())["Distribution"]
    target = {"HostedZoneId": CLOUDFRONT_ZONE, "DNSName": made["DomainName"], "EvaluateTargetHealth": False}
    change(session, zone_id(session), [{"Name": SITE_NAME, "Type": "A", "AliasTarget": target}])
    wait_for(
        "the distribution being deployed",
        lambda: str(cloudfront.get_distribution(Id=made["Id"])["Distribution"]["Status"]),
        until=lambda status: status == "Deployed",
        timeout=_PATIENCE,
        interval=0.05,
        clock=world.clock,
    )


def distribution(cloudfront: Any) -> str | None:
    """The id of the front end's distribution."""
    listed = cloudfront.list_distributions()["DistributionList"].get("Items", [])
    return next((each["Id"] for each in listed if SITE_NAME in each["Aliases"].get("Items", [])), None)


def _config() -> dict[str, Any]:
    return {
        "CallerReference": SITE_NAME,
        "Comment": "The habit tracker's front end",
        "Enabled": True,
        "DefaultRootObject": "index.html",
        "Aliases": {"Quantity": 1, "Items": [SITE_NAME]},
        "Origins": {"Quantity": 2, "Items": [_origin(HOME), _origin(AWAY)]},
        "OriginGroups": {"Quantity": 1, "Items": [_group()]},
        "DefaultCacheBehavior": {
            "TargetOriginId": "either",
            "ViewerProtocolPolicy": "redirect-to-https",
            "CachePolicyId": CACHING_OPTIMIZED,
        },
    }


def _origin(region: str) -> dict[str, Any]:
    place = f"{site_of(region)}.s3.{region}.amazonaws.com"
    path = f"/{SITE_BUILD.rstrip('/')}"
    return {"Id": region, "DomainName": place, "OriginPath": path, "S3OriginConfig": {"OriginAccessIdentity": IDENTITY}}


def _group() -> dict[str, Any]:
    members = {"Quantity": 2, "Items": [{"OriginId": HOME}, {"OriginId": AWAY}]}
    codes = {"Quantity": len(FAILING), "Items": list(FAILING)}
    return {"Id": "either", "FailoverCriteria": {"StatusCodes": codes}, "Members": members}
