"""From an edge to an origin and back.

Sources: "Request and response behavior for custom origins"
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html) and
"Control origin timeouts and attempts"
(https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/high_availability_origin_failover.html).
"""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass

from drillbook.embedded.addresses import region_at
from drillbook.embedded.cdn.message import HOP_BY_HOP, Answer, Headers, Request
from drillbook.embedded.cdn.site import ALL_VIEWER, Behaviour, Source
from drillbook.embedded.dns.answers import Names
from drillbook.embedded.dns.places import connect, patience
from drillbook.embedded.planes import CloudState

_NOT_FORWARDED = HOP_BY_HOP | {"host", "accept-encoding", "expect", "authorization", "cookie", "user-agent", "via"}


class OriginDown(Exception):
    """No answer came. ``status`` is what a viewer gets; ``criterion`` the failover code that covers it."""

    def __init__(self, status: int, criterion: int, why: str) -> None:
        self.status, self.criterion = status, criterion
        super().__init__(why)


@dataclass(frozen=True)
class Origins:
    """Fetches. Names are resolved by the cloud's own name servers, never by the machine's."""

    cloud: CloudState
    names: Names

    def fetch(self, request: Request, source: Source, behaviour: Behaviour, distribution: str) -> Answer:
        """Raises OriginDown."""
        address = self.names.address(source.host)
        if address is None:
            raise OriginDown(502, 502, f"CloudFront wasn't able to resolve the origin domain name {source.host}")
        bucket, _, _ = source.host.partition(".s3") if source.s3 else ("", "", "")
        path = (f"/{bucket}" if bucket else "") + source.path + request.path
        by_query = behaviour.caching.by_query or behaviour.forwards_all
        target = f"{path}?{request.query}" if request.query and by_query else path
        headers = self._headers(request, source, behaviour, distribution, address)
        return self._exchange(request, source, self._connected(source, address), target, headers)

    def _headers(
        self, request: Request, source: Source, behaviour: Behaviour, distribution: str, address: str
    ) -> Headers:
        host = request.host if behaviour.request_policy == ALL_VIEWER else source.host
        dropped = HOP_BY_HOP | {"host", "via"} if behaviour.forwards_all else _NOT_FORWARDED
        kept = tuple((name, value) for name, value in request.headers if name.lower() not in dropped)
        ours = [("User-Agent", "Amazon CloudFront")] if not behaviour.forwards_all else []
        ours += [("Via", f"1.1 {distribution}.cloudfront.net (CloudFront)"), ("Connection", "close")]
        if source.s3 and source.signed:
            scope = f"cloudfront/20260101/{region_at(address) or 'us-east-1'}/s3/aws4_request"
            ours.append(("Authorization", f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"))
        return (*kept, *ours, *source.headers, ("Host", address if source.s3 else host))

    def _connected(self, source: Source, address: str) -> socket.socket:
        for attempt in range(1, source.attempts + 1):
            try:
                return connect(
                    self.cloud, address, source.port, tls=source.tls, host=source.host, seconds=source.connect
                )
            except OSError as error:
                if attempt == source.attempts:
                    status = 504 if isinstance(error, TimeoutError) else 502
                    raise OriginDown(status, 503, f"CloudFront can't connect to the origin: {error}") from error
        raise AssertionError("at least one attempt is made")

    def _exchange(self, request: Request, source: Source, sock: socket.socket, target: str, headers: Headers) -> Answer:
        connection = http.client.HTTPConnection(source.host)
        connection.sock = sock
        sock.settimeout(max(1.0, patience(self.cloud, source.read)))
        try:
            connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            if request.body or request.method in ("POST", "PUT", "PATCH"):
                connection.putheader("Content-Length", str(len(request.body)))
            connection.endheaders(request.body or None)
            answer = connection.getresponse()
            kept = tuple((name, value) for name, value in answer.getheaders() if name.lower() not in HOP_BY_HOP)
            return Answer(answer.status, kept, answer.read())
        except TimeoutError as error:
            raise OriginDown(504, 504, "the origin did not respond in time") from error
        except (OSError, http.client.HTTPException) as error:
            raise OriginDown(502, 502, f"the origin closed the connection ({type(error).__name__})") from error
        finally:
            connection.close()
