"""The rails, one small object each: what it knows, and a ``check`` that says what it found or refuses.

Deny by default: what a rail cannot tell, it refuses. docs/safety.md says what each protects, and what it does not.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol
from urllib.parse import urlsplit

from drillbook.clock import Clock
from drillbook.errors import Refused
from drillbook.journal import Journal
from drillbook.units import duration_text

_FORBIDDEN_ALIAS = re.compile(r"(?<!non[-_.])(?:^|(?<=[-_.]))(prod|production|live)(?=$|[-_.])", re.IGNORECASE)
_AWS_DOMAINS = ("amazonaws.com", "amazonaws.com.cn", "api.aws")


class Rail(Protocol):
    name: ClassVar[str]

    def check(self) -> str:
        """What was found to be in order. Raises Refused, under this rail's name, if it is not."""
        ...


@dataclass(frozen=True)
class Holder:
    """Whose account the target says it is. ``alias`` is None if it has none, or if it may not be read."""

    account: str
    alias: str | None = None


@dataclass(frozen=True)
class GoRail:
    """A real account is only broken by somebody who says so each time."""

    name: ClassVar[str] = "dry run"
    target: str
    go: bool

    def check(self) -> str:
        if self.target == "aws" and not self.go:
            raise Refused(self.name, "the target is a real account", do="see drillbook plan, then add --go")
        return f"the target is {self.target}{', and --go was given' if self.go else ''}"


@dataclass(frozen=True)
class AccountRail:
    """The account is one the service file lists, by the target's own word; a real one is not called production."""

    name: ClassVar[str] = "account"
    allowed: Collection[str]
    identify: Callable[[], Holder]
    """Asks the target itself (AWS: STS GetCallerIdentity, IAM ListAccountAliases)."""
    real: bool

    def check(self) -> str:
        if not self.allowed:
            raise Refused(self.name, "no account is allowed", do="list it in the service file, under rails: accounts")
        holder = self.identify()
        if holder.account not in self.allowed:
            allowed = ", ".join(sorted(self.allowed))
            raise Refused(
                self.name,
                f"the credentials are of account {holder.account}; allowed: {allowed}",
                do="use the credentials of an allowed account, or list this one in the service file",
            )
        return f"{holder.account} is allowed{self._alias(holder) if self.real else ''}"

    def _alias(self, holder: Holder) -> str:
        if not holder.alias:
            raise Refused(
                self.name,
                f"account {holder.account} has no alias that we may read, so we cannot tell it from production",
                do="give the account an alias that says what it is for, and allow iam:ListAccountAliases",
            )
        if word := _FORBIDDEN_ALIAS.search(holder.alias):
            raise Refused(
                self.name,
                f"the alias {holder.alias!r} of account {holder.account} says {word.group(1)!r}",
                do="drill in an account that is not production",
            )
        return f", and its alias {holder.alias!r} does not say production"


@dataclass(frozen=True)
class EndpointRail:
    """Emulators are only spoken to on this machine, and AWS only when it is the target."""

    name: ClassVar[str] = "endpoint"
    target: str
    endpoint: str | None
    allowed: Collection[str] = ()
    """Further hosts, from the service file; never one of AWS."""

    def check(self) -> str:
        if self.target == "aws":
            return self._aws()
        if self.endpoint is None:
            raise Refused(self.name, f"the {self.target} target has no endpoint, so calls would go to AWS", do=self._do)
        host = host_of(self.endpoint)
        if is_aws(host):
            raise Refused(self.name, f"{host} is AWS, and the target is {self.target}", do=self._do)
        if not is_loopback(host) and host not in {host_of(each) for each in self.allowed}:
            raise Refused(self.name, f"{host or self.endpoint!r} is not this machine", do=self._do)
        return f"{self.endpoint} is {'this machine' if is_loopback(host) else 'listed in the service file'}"

    def _aws(self) -> str:
        if self.endpoint is not None and not is_aws(host_of(self.endpoint)):
            raise Refused(
                self.name,
                f"the target is aws, and {self.endpoint} is not AWS",
                do="drop the endpoint, or choose the target localstack",
            )
        return self.endpoint or "AWS's own"

    @property
    def _do(self) -> str:
        return "use an endpoint on this machine, or list its host in the service file, under rails: endpoints"


@dataclass(frozen=True)
class RegionRail:
    """Only the service's own regions, and those its rails add, are spoken to."""

    name: ClassVar[str] = "region"
    allowed: Collection[str]
    used: Collection[str]

    def check(self) -> str:
        if strangers := sorted(set(self.used) - set(self.allowed)):
            allowed = ", ".join(sorted(self.allowed)) or "none"
            raise Refused(
                self.name, f"{', '.join(strangers)} is not allowed; allowed: {allowed}", do="correct the region"
            )
        return f"{', '.join(sorted(self.used)) or 'none'} allowed"


@dataclass(frozen=True)
class TagRail:
    """Each thing a fault touches carries the tag by which its owner allows drills."""

    name: ClassVar[str] = "tag"
    required: Mapping[str, str]
    touches: Collection[str]
    tags_of: Callable[[str], Mapping[str, str] | None]
    """The tags of a resource; None if they cannot be told."""

    def check(self) -> str:
        wanted = ", ".join(f"{key}={value}" for key, value in self.required.items())
        for resource in self.touches:
            tags = self.tags_of(resource)
            if tags is None:
                raise Refused(
                    self.name, f"the tags of {resource} cannot be told", do=f"see that it exists and carries {wanted}"
                )
            if any(tags.get(key) != value for key, value in self.required.items()):
                raise Refused(self.name, f"{resource} does not carry {wanted}", do="tag it, if drills may break it")
        return f"{len(self.touches)} resource(s) carry {wanted}" if wanted else "the service file asks for no tag"


@dataclass(frozen=True)
class BlastRadiusRail:
    """A fault names what it touches, and that is neither too many things nor too large a share of the service."""

    name: ClassVar[str] = "blast radius"
    touches: Collection[str]
    max_resources: int
    max_share: float
    """At most this fraction of the service's resources."""
    resources: int
    """How many resources the service file lists."""

    def check(self) -> str:
        count = len(set(self.touches))
        if not count:
            raise Refused(
                self.name, "the fault does not say what it touches", do="list it, under touches or in touches()"
            )
        if count > self.max_resources:
            raise Refused(
                self.name,
                f"the fault touches {count} resources; allowed: {self.max_resources}",
                do="choose fewer, or raise max_resources in the service file",
            )
        return f"{count} of at most {self.max_resources} resource(s){self._share(count)}"

    def _share(self, count: int) -> str:
        if self.max_share >= 1:
            return ""
        if not self.resources or count / self.resources > self.max_share:
            raise Refused(
                self.name,
                f"the fault touches {count} of the {self.resources} resources listed; allowed: {self.max_share:.0%}",
                do="choose fewer, list all the service's resources, or raise max_share in the service file",
            )
        return f", {count / self.resources:.0%} of the service's"


@dataclass(frozen=True)
class JournalRail:
    """A drill starts in a whole world: no change of an earlier one is still in place."""

    name: ClassVar[str] = "journal"
    journal: Journal
    run_id: str
    own_cloud: bool = False
    """The world is in a cloud of its own, which what is open in another such cloud cannot harm."""

    def check(self) -> str:
        self.journal.refuse_if_open(run_id=self.run_id, own_cloud=self.own_cloud)
        return "no change of an earlier run is open" + (" where this one drills" if self.own_cloud else "")


@dataclass(frozen=True)
class TimeBox:
    """A fault may stay in place only so long. ``began`` is a monotonic reading of ``clock``; ``limit`` is in seconds.

    The drill asks; nothing outside the process enforces it (docs/safety.md).
    """

    name: ClassVar[str] = "time box"
    limit: float
    clock: Clock
    began: float

    @property
    def left(self) -> float:
        return self.limit - (self.clock.monotonic() - self.began)

    def check(self) -> str:
        if self.left <= 0:
            raise Refused(
                self.name,
                f"the fault has been in place for longer than {duration_text(self.limit)}",
                do="heal; if the drill needs longer, raise time_box in the service file",
            )
        return f"{duration_text(max(self.left, 0.001))} of {duration_text(self.limit)} left"


def host_of(endpoint: str) -> str:
    """The host that a URL (or a bare host, with or without a port) really leads to, in lower case; '' if none."""
    try:
        host = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}").hostname
    except ValueError:
        return ""
    return (host or "").rstrip(".")


def is_loopback(host: str) -> bool:
    """localhost, its subdomains (RFC 6761, 6.3), 127.0.0.0/8 and ::1 as written: nothing that a resolver decides."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_aws(host: str) -> bool:
    """Is this one of AWS's own API hosts, in any partition?"""
    return any(host == domain or host.endswith(f".{domain}") for domain in _AWS_DOMAINS)
