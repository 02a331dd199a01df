"""What an edge does, without a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drillbook.clock import VirtualClock
from drillbook.embedded.cdn.cache import MOST, Cache, Kept, lifetime
from drillbook.embedded.cdn.edge import Edge
from drillbook.embedded.cdn.message import Answer, Request
from drillbook.embedded.cdn.origin import OriginDown
from drillbook.embedded.cdn.site import Behaviour, Caching, Site, Source, read

DAY = Caching(0, 86400, 31536000)


@dataclass
class World:
    """What an edge asks of its cloud."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    speed: float = 10.0

    def aws_seconds(self, seconds: float) -> float:
        return seconds / self.speed


@dataclass
class Scripted:
    """Origins that answer what the test says: a status, or an error."""

    said: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    headers: tuple[tuple[str, str], ...] = ()

    def fetch(self, request: Request, source: Source, behaviour: Behaviour, distribution: str) -> Answer:
        self.asked.append((source.id, request.path))
        said = self.said.get(source.id, 200)
        if isinstance(said, OriginDown):
            raise said
        return Answer(said, self.headers, f"{source.id} {request.path}".encode())


def origin(name: str) -> dict[str, Any]:
    return {
        "Id": name,
        "DomainName": f"{name}.example.com",
        "CustomOriginConfig": {"OriginProtocolPolicy": "http-only"},
    }


def site(*patterns: str, codes: tuple[int, ...] = (503,), **more: Any) -> Site:
    """A site over the group of ``one`` and ``two``; each pattern is for ``two`` alone."""
    members = {"Items": [{"OriginId": "one"}, {"OriginId": "two"}]}
    group = {"Id": "both", "FailoverCriteria": {"StatusCodes": {"Items": list(codes)}}, "Members": members}
    every = {"AllowedMethods": {"Items": ["GET", "HEAD", "OPTIONS", "POST"]}}
    config = {
        "Enabled": True,
        "Origins": {"Items": [origin("one"), origin("two")]},
        "OriginGroups": {"Items": [group]},
        "DefaultCacheBehavior": {"TargetOriginId": "both", **every},
        "CacheBehaviors": {"Items": [{"TargetOriginId": "two", "PathPattern": pattern} for pattern in patterns]},
        **more,
    }
    return read(config)


def edge(**said: Any) -> tuple[Edge, Scripted]:
    origins = Scripted(said)
    return Edge(World(), origins, Cache()), origins  # type: ignore[arg-type]


def request(path: str = "/x", method: str = "GET", query: str = "", *headers: tuple[str, str]) -> Request:
    return Request(method, "d.cloudfront.net", path, query, headers, b"")


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("/images/*.jpg", "/images/a/b.jpg", True),
        ("images/*.jpg", "/images/a.jpg", True),
        ("*.gif", "/any/where.gif", True),
        ("/a??.jpg", "/a12.jpg", True),
        ("/a??.jpg", "/a1.jpg", False),
        ("/[ab]*", "/a", False),
        ("/A*", "/a", False),
    ],
)
def test_path_patterns_know_asterisk_and_question_mark(pattern: str, path: str, fits: bool) -> None:
    assert (site(pattern).behaviour(path).pattern is not None) is fits


@pytest.mark.parametrize(
    ("headers", "caching", "seconds"),
    [
        ({}, DAY, 86400),
        ({"Cache-Control": "max-age=60"}, DAY, 60),
        ({"Cache-Control": "public, s-maxage=30, max-age=60"}, DAY, 30),
        ({"Cache-Control": "no-store"}, DAY, 0),
        ({"Cache-Control": "private"}, Caching(1, 86400, 31536000), 1),
        ({"Cache-Control": "max-age=99999999"}, DAY, 31536000),
        ({"Cache-Control": "max-age=60"}, Caching(0, 0, 0), 0),
        ({"Expires": "Thu, 01 Jan 2026 00:01:00 GMT", "Date": "Thu, 01 Jan 2026 00:00:00 GMT"}, DAY, 60),
        ({"Expires": "0"}, DAY, 86400),
    ],
)
def test_an_object_is_kept_as_long_as_origin_and_behaviour_say(
    headers: dict[str, str], caching: Caching, seconds: float
) -> None:
    assert lifetime(Answer(200, tuple(headers.items())), caching, 10) == seconds


def test_errors_are_kept_for_a_while_of_their_own() -> None:
    assert lifetime(Answer(404), Caching(0, 0, 0), 10) == 10
    assert lifetime(Answer(503, (("Cache-Control", "max-age=60"),)), DAY, 10) == 60
    assert lifetime(Answer(403), DAY, 10) == 0
    assert lifetime(Answer(403, (("Cache-Control", "max-age=5"),)), DAY, 10) == 10


def test_hits_end_with_their_time_in_aws_seconds() -> None:
    one, origins = edge()
    origins.headers = (("Cache-Control", "max-age=60"),)
    how = []
    for pause in (0.0, 5.9, 0.2):
        one.cloud.clock.sleep(pause)
        how.append(one.answer(request(), site(), "d").header("X-Cache"))
    assert how == ["Miss from cloudfront", "Hit from cloudfront", "Miss from cloudfront"]


def test_a_request_that_may_not_be_repeated_is_not_failed_over() -> None:
    one, origins = edge(one=503)
    assert one.answer(request(method="POST"), site(), "d").status == 503
    assert one.answer(request(), site(), "d").body == b"two /x"
    assert [name for name, _ in origins.asked] == ["one", "one", "two"]


def test_an_origin_that_is_down_is_failed_over_by_the_code_that_covers_it() -> None:
    slow, closed = OriginDown(504, 504, "slow"), OriginDown(502, 503, "closed")
    assert edge(one=closed)[0].answer(request(), site(codes=(503,)), "d").status == 200
    assert edge(one=slow)[0].answer(request(), site(codes=(503,)), "d").status == 504
    assert edge(one=slow)[0].answer(request(), site(codes=(504,)), "d").status == 200
    assert edge(one=closed, two=closed)[0].answer(request(), site(codes=(503,)), "d").status == 502


def test_query_strings_tell_objects_apart_only_where_they_are_forwarded() -> None:
    one, origins = edge()
    for query in ("a=1", "a=2"):
        one.answer(request(query=query), site(), "d")
    assert len(origins.asked) == 1
    by_query = {"TargetOriginId": "one", "ForwardedValues": {"QueryString": True}}
    for query in ("a=1", "a=2"):
        one.answer(request("/y", query=query), site(DefaultCacheBehavior=by_query), "d")
    assert len(origins.asked) == 3


def test_a_distribution_that_asks_itself_is_stopped() -> None:
    one, origins = edge()
    again = request("/x", "GET", "", ("Via", "1.1 d.cloudfront.net (CloudFront)"))
    assert one.answer(again, site(), "d").status == 508
    assert origins.asked == []


def test_an_error_page_that_cannot_be_had_leaves_the_error() -> None:
    page = {"Items": [{"ErrorCode": 404, "ResponsePagePath": "/sorry.html", "ResponseCode": "200"}]}
    one, origins = edge(one=404, two=404)
    assert one.answer(request(), site("/sorry.html", CustomErrorResponses=page), "d").status == 404
    origins.said["two"] = 200
    told = one.answer(request("/other"), site("/sorry.html", CustomErrorResponses=page), "d")
    assert (told.status, told.body) == (200, b"two /sorry.html")


def test_a_disabled_site_answers_nobody() -> None:
    assert edge()[0].answer(request(), None, "d").status == 403
    assert edge()[0].answer(request(), site(Enabled=False), "d").header("X-Cache") == "Error from cloudfront"


def test_an_invalidation_names_one_path_or_what_begins_alike() -> None:
    cache = Cache()
    for path in ("/a", "/a/b", "/ab", "/c"):
        cache.put(("d", path, "q=1"), Kept(Answer(200), 0, 9))
        cache.put(("other", path, ""), Kept(Answer(200), 0, 9))
    cache.evict("d", ["/a/*", "c"])
    assert {path for path in ("/a", "/a/b", "/ab", "/c") if cache.get(("d", path, "q=1"))} == {"/a", "/ab"}
    assert cache.get(("other", "/c", ""))


def test_a_full_cache_forgets_what_was_used_longest_ago() -> None:
    cache = Cache()
    for number in range(MOST + 1):
        cache.put(("d", str(number), ""), Kept(Answer(200), 0, 9))
        cache.get(("d", "0", ""))
    assert len(cache) == MOST
    assert cache.get(("d", "0", ""))
    assert cache.get(("d", "1", "")) is None


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_no_header_of_an_origin_breaks_the_edge(control: str, expires: str, date: str) -> None:
    headers = (("Cache-Control", control), ("Expires", expires), ("Date", date))
    assert 0 <= lifetime(Answer(200, headers), DAY, 10) <= DAY.most
