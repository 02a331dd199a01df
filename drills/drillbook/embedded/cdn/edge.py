"""What an edge does with a viewer's request: behaviour, cache, origin or its stand-in, error page.

Sources: "Optimize high availability with CloudFront origin failover"
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/high_availability_origin_failover.html) and "How
CloudFront processes HTTP 4xx and 5xx status codes from your origin"
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from uuid import uuid4

from drillbook.embedded.cdn.cache import Cache, Kept, Key, lifetime
from drillbook.embedded.cdn.message import Answer, Request
from drillbook.embedded.cdn.origin import OriginDown, Origins
from drillbook.embedded.cdn.site import Behaviour, Site
from drillbook.embedded.planes import CloudState


@dataclass(frozen=True)
class Edge:
    cloud: CloudState
    origins: Origins
    cache: Cache

    def answer(self, request: Request, site: Site | None, distribution: str) -> Answer:
        """To a request for the distribution whose deployed configuration is ``site``; None: it has none."""
        if site is None or not site.enabled:
            return _told(_refusal(403, "The distribution supplied in the request is not enabled or not deployed."))
        if f"{distribution}.cloudfront.net" in " ".join(v for name, v in request.headers if name.lower() == "via"):
            return _told(_refusal(508, "CloudFront has detected a loop."))
        request = _at_root(request, site)
        behaviour = site.behaviour(request.path)
        if request.method not in behaviour.methods:
            why = "This distribution is not configured to allow the HTTP request method that was used for this request."
            return _told(_refusal(403, why))
        key = (distribution, request.path, request.query if behaviour.caching.by_query else "")
        kept = self.cache.get(key) if request.idempotent else None
        now = self.cloud.clock.monotonic()
        if kept and now < kept.until:
            age = ("Age", str(int((now - kept.stored) * self.cloud.speed)))
            return _told(replace(kept.answer, headers=(*kept.answer.headers, age)), "Hit")
        return self._fresh(request, site, behaviour, key, kept)

    def _fresh(self, request: Request, site: Site, behaviour: Behaviour, key: Key, stale: Kept | None) -> Answer:
        found = self._from_origin(request, behaviour, key[0])
        if found.status >= 500 and stale is not None and stale.answer.status < 400:
            return _told(stale.answer, "Hit")
        if found.status >= 400:
            found = self._with_page(found, request, site, key[0])
        page = site.error(found.status)
        seconds = lifetime(found, behaviour.caching, page.keep)
        if seconds > 0 and request.method == "GET":
            now = self.cloud.clock.monotonic()
            self.cache.put(key, Kept(found, now, now + self.cloud.aws_seconds(seconds)))
        return _told(found)

    def _from_origin(self, request: Request, behaviour: Behaviour, distribution: str) -> Answer:
        """From the first origin, or from the next where the failover criteria send a request that may be repeated."""
        last = len(behaviour.sources) if request.idempotent else 1
        for number, source in enumerate(behaviour.sources[:last], start=1):
            try:
                found = self.origins.fetch(request, source, behaviour, distribution)
                criterion = found.status
            except OriginDown as down:
                found, criterion = _refusal(down.status, str(down)), down.criterion
            if number == last or criterion not in behaviour.failover:
                break
        return found

    def _with_page(self, found: Answer, request: Request, site: Site, distribution: str) -> Answer:
        """The custom error page in place of an error, if there is one and it can be had."""
        page = site.error(found.status)
        if not page.path:
            return found
        wanted = replace(request, method="GET", path=page.path, query="", body=b"")
        told = self._from_origin(wanted, site.behaviour(page.path), distribution)
        return replace(told, status=page.status or found.status) if told.status == 200 else found


def _at_root(request: Request, site: Site) -> Request:
    return replace(request, path=f"/{site.root}") if request.path == "/" and site.root else request


def _refusal(status: int, why: str) -> Answer:
    body = f"<HTML><BODY><H1>{status} ERROR</H1><H2>The request could not be satisfied.</H2>{escape(why)}</BODY></HTML>"
    return Answer(status, (("Content-Type", "text/html"), ("Server", "CloudFront")), body.encode())


def _told(answer: Answer, how: str = "Miss") -> Answer:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-headers.html"""
    how = "Error" if answer.status >= 400 else how
    ours = (
        ("X-Cache", f"{how} from cloudfront"),
        ("Via", "1.1 cloudfront.net (CloudFront)"),
        ("X-Amz-Cf-Id", uuid4().hex),
    )
    return replace(answer, headers=(*answer.headers, *ours))
