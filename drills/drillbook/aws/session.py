"""Clients of one account, keyed by account, region and service, which cannot reach anywhere else."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from drillbook.aws import calls
from drillbook.aws.calls import acting
from drillbook.aws.failures import calling
from drillbook.clock import Clock
from drillbook.errors import Refused, TargetError
from drillbook.events import EventStream

if TYPE_CHECKING:
    import botocore.session
    from botocore.awsrequest import AWSPreparedRequest
    from botocore.config import Config

    from drillbook.world import World

__all__ = ["Credentials", "Identity", "Session", "acting", "session_of"]

CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 10.0
ATTEMPTS = 3
_DEAF = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
"""botocore variables that no environment variable sets: (name in the file, in the environment, default, type)."""


@dataclass(frozen=True)
class Credentials:
    """An access key. Its secret parts never show in a ``repr``."""

    key: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Identity:
    """Who the target says we are (AWS: STS GetCallerIdentity, which needs no permission)."""

    account: str
    principal: str


class Session:
    """Clients for one account on AWS or, with an ``endpoint``, on something that speaks its API.

    With an ``endpoint`` nothing of the caller's own AWS set-up is read: no profile, no credentials, no proxy, and a
    request to any other host is refused. ``regions``, when given, are the only ones a client is made for. ``speed``
    says by how much the target divides AWS durations. Thread-safe.
    """

    def __init__(
        self,
        account: str,
        region: str,
        endpoint: str | None = None,
        *,
        clock: Clock,
        events: EventStream | None = None,
        regions: Collection[str] = (),
        credentials: Credentials | None = None,
        speed: float = 1.0,
    ) -> None:
        self.account, self.region, self.endpoint = account, region, endpoint
        self.clock, self.regions, self.speed = clock, frozenset(regions), speed
        self._events, self._credentials = events, credentials
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._lock = threading.Lock()
        self._made: botocore.session.Session | None = None

    @property
    def settle(self) -> float:
        """Seconds after which a call of a process that died has landed or never will.

        On AWS as long as we would have waited for its answer; an emulator carries a request out at once or loses it.
        """
        return 1.0 if self.endpoint else CONNECT_TIMEOUT + READ_TIMEOUT

    def client(self, name: str, region: str | None = None) -> Any:
        """The client of service ``name``, made once per region.

        Raises Refused("region") for a region this session may not use.
        """
        chosen = region or self.region
        self._check_region(chosen)
        with self._lock:
            key = (self.account, chosen, name)
            if key not in self._clients:
                self._clients[key] = self._make(name, chosen)
            return self._clients[key]

    def identity(self) -> Identity:
        """Ask the target who we are.

        Raises TargetError if it cannot be reached, PermanentError if it does not know the credentials.
        """
        with calling(f"ask {self.place} who we are"):
            answer = self.client("sts").get_caller_identity()
        return Identity(account=answer["Account"], principal=answer["Arn"])

    @property
    def place(self) -> str:
        """Where calls go, for messages."""
        return self.endpoint or f"AWS account {self.account}"

    def close(self) -> None:
        """Close every connection; clients are made anew when asked for again."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _check_region(self, region: str) -> None:
        if self.regions and region not in self.regions:
            allowed = ", ".join(sorted(self.regions))
            raise Refused(
                "region",
                f"{region} is not a region of this service ({allowed})",
                do="add it under regions in service.yaml if the drill may touch it",
            )

    def _make(self, name: str, region: str) -> Any:
        source = self._botocore()
        keys: dict[str, Any] = {}
        credentials = self._credentials or self._dummy_credentials()
        if credentials:
            keys = {
                "aws_access_key_id": credentials.key,
                "aws_secret_access_key": credentials.secret,
                "aws_session_token": credentials.token,
            }
        with calling(f"make a {name} client for {self.place}"):
            return source.create_client(
                name, region_name=region, endpoint_url=self.endpoint, config=self._config(), **keys
            )

    def _botocore(self) -> botocore.session.Session:
        if self._made is None:
            import botocore.session

            self._made = botocore.session.Session(session_vars=_DEAF if self.endpoint else None)
            self._made.set_config_variable("ignore_configured_endpoint_urls", True)
            hooks = self._made.get_component("event_emitter")
            hooks.register_first("before-send", self._check_host)
            if self._events is not None:
                calls.record(hooks, self._events)
        return self._made

    def _dummy_credentials(self) -> Credentials | None:
        # LocalStack takes a key of twelve digits for the account (LocalStack docs: "Multi-account setups").
        return Credentials(self.account, "drillbook") if self.endpoint else None

    def _config(self) -> Config:
        from botocore.config import Config

        local: dict[str, Any] = {"proxies": {}, "s3": {"addressing_style": "path"}} if self.endpoint else {}
        return Config(
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            max_pool_connections=32,
            **local,
        )

    def _check_host(self, request: AWSPreparedRequest, **_: Any) -> None:
        if self.endpoint and urlsplit(request.url).netloc != urlsplit(self.endpoint).netloc:
            raise Refused(
                "endpoint",
                f"a request to {urlsplit(request.url).netloc}, while this drill runs against {self.endpoint}",
                do="find the code that chose another endpoint; only that one may be reached",
            )


def session_of(world: World) -> Session:
    """The world's session. Raises TargetError in a world that is not on AWS."""
    if world.aws is None:
        raise TargetError(
            f"target {world.target} of service {world.service.name} has no AWS account",
            do="give the target an account in service.yaml, or use no AWS fault, probe or step on it",
        )
    return world.aws
