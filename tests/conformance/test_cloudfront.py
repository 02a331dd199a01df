"""CloudFront: a front door over origins that may fail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import pytest
import urllib3
from botocore.exceptions import ClientError

from drillbook.clock import SystemClock
from drillbook.waiting import wait_for

from .conftest import HERE, THERE, Breaking, Endpoint
from .dns_client import ask, make_zone

GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide"
API = "https://docs.aws.amazon.com/cloudfront/latest/APIReference"
FAILOVER = f"{GUIDE}/high_availability_origin_failover.html"
UNCACHED, OPTIMIZED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "658327ea-f89d-4fab-a63d-7e88639e58f6"
Client = Callable[..., Any]


class Origin(ThreadingHTTPServer):
    """Counts its requests; what it answers can be changed."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.status, self.asked, self.control = 200, 0, "max-age=100000"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class Answers(BaseHTTPRequestHandler):
    server: Origin

    def do_GET(self) -> None:
        self.server.asked += 1
        body = f"{self.headers['Host']} {self.path} {self.server.asked}".encode()
        self.send_response(self.server.status)
        self.send_header("Cache-Control", self.server.control)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    made = Origin()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture(autouse=True)
def _fresh(origin: Origin) -> None:
    origin.status, origin.control = 200, "max-age=100000"


@dataclass(frozen=True)
class Site:
    endpoint: Endpoint
    id: str
    host: str

    def get(self, path: str, host: str = "", method: str = "GET") -> urllib3.BaseHTTPResponse:
        headers = {"Host": host or self.host, "Connection": "close"}
        with urllib3.PoolManager(retries=False) as pool:
            return pool.request(method, self.endpoint.url + path, headers=headers, timeout=20, redirect=False)


def bucket(client: Client, region: str) -> dict[str, Any]:
    """An origin over a bucket of that region, which holds a page that names the region."""
    name, s3 = f"pages-{region}", client("s3", region)
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=name, **where)
    for page in ("index.html", "oops.html", "a page.html"):
        s3.put_object(Bucket=name, Key=page, Body=f"{page} of {region}".encode())
    if region == THERE:
        s3.put_object(Bucket=name, Key="only-there.html", Body=b"only there")
    return {
        "Id": region,
        "DomainName": f"{name}.s3.{region}.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": "origin-access-identity/cloudfront/E1"},
    }


def custom(name: str, host: str, port: int) -> dict[str, Any]:
    ports = {"HTTPPort": port, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"}
    return {"Id": name, "DomainName": host, "CustomOriginConfig": ports}


def group(name: str, members: tuple[str, ...], codes: tuple[int, ...]) -> dict[str, Any]:
    criteria = {"StatusCodes": {"Quantity": len(codes), "Items": list(codes)}}
    origins = {"Quantity": len(members), "Items": [{"OriginId": member} for member in members]}
    return {"Id": name, "FailoverCriteria": criteria, "Members": origins}


def behaviour(target: str, policy: str = UNCACHED, **more: Any) -> dict[str, Any]:
    return {"TargetOriginId": target, "ViewerProtocolPolicy": "allow-all", "CachePolicyId": policy, **more}


def config(default: dict[str, Any], origins: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "CallerReference": uuid4().hex,
        "Comment": "",
        "Enabled": True,
        "DefaultCacheBehavior": default,
        "Origins": {"Quantity": len(origins), "Items": origins},
        **more,
    }


def several(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Quantity": len(items), "Items": items}


@pytest.fixture(scope="module")
def doomed(endpoint: Endpoint, client: Client, origin: Origin) -> tuple[Site, str]:
    """A distribution that a test may delete, being deployed; and its version."""
    web = custom("web", "origin.cdn.example.com", origin.port)
    made = client("cloudfront").create_distribution(DistributionConfig=config(behaviour("web"), [web]))
    one = Site(endpoint, made["Distribution"]["Id"], made["Distribution"]["DomainName"])
    assert one.get("/x").status == 403
    return one, made["ETag"]


@pytest.fixture(scope="module")
def site(endpoint: Endpoint, client: Client, origin: Origin, doomed: tuple[Site, str]) -> Site:
    """A distribution with all that these tests need, deployed, and its origin's name in DNS."""
    zone = make_zone(endpoint, client, "cdn.example.com")
    zone.put(zone.record("origin", "127.0.0.1"))
    origins = [bucket(client, HERE), bucket(client, THERE), custom("web", "origin.cdn.example.com", origin.port)]
    origins.append(custom("closed", "origin.cdn.example.com", 9))
    error_page = {"ErrorCode": 418, "ResponsePagePath": "/oops.html", "ResponseCode": "200"}
    made = client("cloudfront").create_distribution(
        DistributionConfig=config(
            behaviour("both"),
            origins,
            DefaultRootObject="index.html",
            Aliases={"Quantity": 1, "Items": ["www.example.com"]},
            OriginGroups=several(
                [group("both", (HERE, THERE), (404, 503)), group("spare", ("closed", "web"), (503,)),
                 group("strict", ("web", THERE), (502,))]
            ),
            CacheBehaviors=several(
                [
                    behaviour("web", OPTIMIZED, PathPattern="/cached/*"),
                    behaviour("web", PathPattern="/plain*"),
                    behaviour("spare", PathPattern="/spare/*"),
                    behaviour("strict", PathPattern="*.html5"),
                    behaviour("closed", PathPattern="/closed"),
                ]
            ),
            CustomErrorResponses=several([error_page]),
        )
    )  # fmt: skip
    assert made["Distribution"]["Status"] == "InProgress"
    client("cloudfront").get_waiter("distribution_deployed").wait(Id=made["Distribution"]["Id"])
    return Site(endpoint, made["Distribution"]["Id"], made["Distribution"]["DomainName"])


@pytest.mark.rule("a distribution answers under its own domain name and under its aliases", f"{GUIDE}/CNAMEs.html")
def test_a_distribution_answers_by_its_names(site: Site) -> None:
    assert site.host.endswith(".cloudfront.net")
    assert len(ask(site.endpoint, site.host).values) == 1
    for host in (site.host, "www.example.com"):
        answer = site.get("/", host)
        assert (answer.status, answer.data) == (200, f"index.html of {HERE}".encode())
        assert answer.headers["X-Cache"] == "Miss from cloudfront"
    assert site.get("/a%20page.html").data == f"a page.html of {HERE}".encode()
    assert site.get("/", "nobody.cloudfront.net").status == 403


@pytest.mark.rule(
    "requests go to the origin of the first behaviour whose path pattern fits",
    f"{GUIDE}/DownloadDistValuesCacheBehavior.html",
)
def test_the_path_picks_the_origin(site: Site) -> None:
    assert site.get("/plain/x?q=1").data.startswith(b"origin.cdn.example.com /plain/x ")
    refused = site.get("/plain/x", method="POST")
    assert (refused.status, refused.headers["X-Cache"]) == (403, "Error from cloudfront")


@pytest.mark.rule("what is cached is answered without the origin until it expires", f"{GUIDE}/Expiration.html")
def test_a_hit_does_not_reach_the_origin(site: Site, origin: Origin) -> None:
    first = site.get("/cached/one")
    asked = origin.asked
    second = site.get("/cached/one")
    assert (second.data, second.headers["X-Cache"]) == (first.data, "Hit from cloudfront")
    assert int(second.headers["Age"]) >= 0
    assert origin.asked == asked
    assert site.get("/plain/one").data != site.get("/plain/one").data
    origin.control = "no-store"
    short = [site.get("/cached/never").headers["X-Cache"] for _ in range(2)]
    assert short[0] == "Miss from cloudfront"


@pytest.mark.rule(
    "an invalidation is InProgress, then Completed, and what it names is fetched anew", f"{GUIDE}/Invalidation.html"
)
def test_an_invalidation_evicts(site: Site, client: Client) -> None:
    before = {path: site.get(path).data for path in ("/cached/old/1", "/cached/old/2", "/cached/kept")}
    batch = {"Paths": {"Quantity": 1, "Items": ["/cached/old/*"]}, "CallerReference": uuid4().hex}
    made = client("cloudfront").create_invalidation(DistributionId=site.id, InvalidationBatch=batch)["Invalidation"]
    assert made["Status"] == "InProgress"
    assert site.get("/cached/old/1").data == before["/cached/old/1"]
    client("cloudfront").get_waiter("invalidation_completed").wait(DistributionId=site.id, Id=made["Id"])
    assert {path for path, old in before.items() if site.get(path).data != old} == {"/cached/old/1", "/cached/old/2"}


@pytest.mark.rule("a failover code of the primary origin sends the request to the secondary", FAILOVER)
def test_a_failing_answer_goes_to_the_second_origin(site: Site, origin: Origin) -> None:
    assert site.get("/only-there.html").data == b"only there"
    origin.status = 503
    assert site.get("/page.html5").status == 503, "503 is no failover code of that group"


@pytest.mark.rule("an origin that cannot be connected to is failed over where 503 is a failover code", FAILOVER)
def test_a_closed_origin_is_failed_over(site: Site) -> None:
    assert site.get("/spare/x").data.startswith(b"origin.cdn.example.com /spare/x ")
    assert (closed := site.get("/closed")).status == 502
    assert closed.headers["X-Cache"] == "Error from cloudfront"


@pytest.mark.rule("edges outlive a region; with origin failover, content does, too", FAILOVER)
def test_a_dark_region_is_failed_over(site: Site, breaking: Breaking) -> None:
    assert site.get("/").data == f"index.html of {HERE}".encode()
    breaking.region(HERE)
    assert site.get("/").data == f"index.html of {THERE}".encode()
    breaking.mend()
    assert site.get("/").data == f"index.html of {HERE}".encode()


@pytest.mark.rule(
    "an error is answered with its custom page and status", f"{GUIDE}/GeneratingCustomErrorResponses.html"
)
def test_an_error_has_its_page(site: Site, origin: Origin) -> None:
    origin.status = 418
    answer = site.get("/plain/tea")
    assert (answer.status, answer.data) == (200, f"oops.html of {HERE}".encode())


@pytest.mark.rule("an expired object is served while its origin cannot be reached", f"{GUIDE}/HTTPStatusCodes.html")
def test_a_stale_object_is_better_than_none(site: Site, origin: Origin) -> None:
    origin.control = "max-age=1"
    first = site.get("/cached/stale")
    origin.status = 500

    def expired() -> bool:
        asked = origin.asked
        answer = site.get("/cached/stale")
        assert (answer.status, answer.data) == (200, first.data)
        return origin.asked > asked

    wait_for("the expiry", expired, timeout=10, clock=SystemClock())
    assert site.get("/cached/unknown").status == 500


@pytest.mark.rule(
    "a changed configuration holds when it is deployed; only a disabled distribution can be deleted",
    f"{API}/API_DeleteDistribution.html",
)
def test_a_distribution_is_changed_and_deleted_in_steps(client: Client, site: Site, doomed: tuple[Site, str]) -> None:
    cloudfront, (one, version) = client("cloudfront"), doomed
    with pytest.raises(ClientError, match="DistributionNotDisabled"):
        cloudfront.delete_distribution(Id=one.id, IfMatch=version)
    cloudfront.get_waiter("distribution_deployed").wait(Id=one.id)
    now = cloudfront.get_distribution_config(Id=one.id)
    changed = {**now["DistributionConfig"], "Enabled": False}
    with pytest.raises(ClientError, match="PreconditionFailed"):
        cloudfront.update_distribution(Id=one.id, IfMatch="E0OLD", DistributionConfig=changed)
    updated = cloudfront.update_distribution(Id=one.id, IfMatch=now["ETag"], DistributionConfig=changed)
    assert one.get("/x").status == 200, "not yet deployed"
    cloudfront.get_waiter("distribution_deployed").wait(Id=one.id)
    assert one.get("/x").status == 403
    cloudfront.delete_distribution(Id=one.id, IfMatch=updated["ETag"])
    with pytest.raises(ClientError, match="NoSuchDistribution"):
        cloudfront.get_distribution(Id=one.id)


@pytest.mark.rule(
    "a distribution must lead somewhere, and an alias belongs to one", f"{API}/API_CreateDistribution.html"
)
@pytest.mark.parametrize(
    ("default", "more", "code"),
    [
        ("nowhere", {}, "NoSuchOrigin"),
        ("web", {"Aliases": {"Quantity": 1, "Items": ["www.example.com"]}}, "CNAMEAlreadyExists"),
        (
            "web",
            {"DefaultCacheBehavior": behaviour("web", "11111111-2222-3333-4444-555555555555")},
            "NoSuchCachePolicy",
        ),
    ],
)
def test_a_wrong_distribution_is_refused(
    site: Site, client: Client, default: str, more: dict[str, Any], code: str
) -> None:
    wrong = config(behaviour(default), [custom("web", "origin.cdn.example.com", 80)]) | more
    with pytest.raises(ClientError) as refusal:
        client("cloudfront").create_distribution(DistributionConfig=wrong)
    assert refusal.value.response["Error"]["Code"] == code


@pytest.mark.rule(
    "the Quantity of a list is how many Items it has, and a path that is invalidated begins with a slash",
    f"{API}/API_CreateInvalidation.html",
)
@pytest.mark.parametrize(
    ("quantity", "path", "code"), [(2, "/a", "InconsistentQuantities"), (1, "a", "InvalidArgument")]
)
def test_a_wrong_invalidation_is_refused(client: Client, origin: Origin, quantity: int, path: str, code: str) -> None:
    cloudfront = client("cloudfront")
    config = {
        "CallerReference": f"wrong-{code}",
        "Comment": "",
        "Enabled": True,
        "Origins": {
            "Quantity": 1,
            "Items": [{"Id": "s", "DomainName": "s.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}],
        },
        "DefaultCacheBehavior": {"TargetOriginId": "s", "ViewerProtocolPolicy": "allow-all", "CachePolicyId": UNCACHED},
    }
    made = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]["Id"]
    batch = {"Paths": {"Quantity": quantity, "Items": [path]}, "CallerReference": code}
    with pytest.raises(ClientError) as refused:
        cloudfront.create_invalidation(DistributionId=made, InvalidationBatch=batch)
    assert refused.value.response["Error"]["Code"] == code
    assert cloudfront.list_invalidations(DistributionId=made)["InvalidationList"]["Quantity"] == 0
