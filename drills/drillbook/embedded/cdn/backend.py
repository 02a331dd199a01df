"""CloudFront's control plane: moto's, with deployments and invalidations that take their time.

On AWS the control plane runs in us-east-1: while that region is dark nothing can be changed, and the edges go on
with what is deployed. https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/global-services.html
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from moto.cloudfront import urls
from moto.cloudfront.exceptions import (
    CloudFrontException,
    InvalidIfMatchVersion,
    NoSuchDistribution,
    OriginDoesNotExist,
)
from moto.cloudfront.models import CloudFrontBackend, Distribution, DistributionConfig, Invalidation, random_id

from drillbook.embedded import durations
from drillbook.embedded.cdn.site import POLICIES, Site, read
from drillbook.embedded.planes import CloudState

Settings = dict[str, Any]


class TrueConfig(DistributionConfig):
    """moto's, whose behaviours may also lead to origin groups. ``given`` is what the client gave."""

    def __init__(self, config: Settings) -> None:
        self.given = copy.deepcopy(config)
        self.site = _checked(self.given)
        target = config["DefaultCacheBehavior"]["TargetOriginId"]
        config["DefaultCacheBehavior"]["TargetOriginId"] = config["Origins"]["Items"][0]["Id"]  # moto knows no groups
        super().__init__(config)
        config["DefaultCacheBehavior"].target_origin_id = target


class TrueDistribution(Distribution):
    """``due`` is when its configuration is deployed; until then the edges go by ``before``."""

    cloud: ClassVar[CloudState]

    def __init__(self, account_id: str, region_name: str, config: Settings) -> None:
        super().__init__(account_id, region_name, config)
        self.before: Site | None = None
        self.deploy()

    def deploy(self) -> None:
        now = self.cloud.clock.now()
        self.last_modified_time = now.replace(tzinfo=None)  # type: ignore[assignment]  # moto has one text for all
        self.due = now + timedelta(seconds=self.cloud.aws_seconds(durations.DISTRIBUTION_DEPLOYED))
        self.etag = random_id()

    @property  # type: ignore[misc]  # the time alone sets it
    def status(self) -> str:
        return "Deployed" if self.cloud.clock.now() >= self.due else "InProgress"

    @property
    def site(self) -> Site | None:
        """What the edges go by now."""
        return self.configured if self.status == "Deployed" else self.before

    @property
    def configured(self) -> Site:
        """What the edges will go by when it is deployed."""
        config = self.distribution_config
        assert isinstance(config, TrueConfig), "made by moto itself"
        return config.site


class TrueInvalidation(Invalidation):
    """``Completed`` when the edges have forgotten what it names."""

    def __init__(self, distribution: TrueDistribution, paths: list[str], caller_ref: str) -> None:
        self.id, self.distribution, self.paths, self.caller_ref = random_id(), distribution, paths, caller_ref
        now = distribution.cloud.clock.now()
        self.create_time = now.replace(tzinfo=None)
        self.due = now + timedelta(seconds=distribution.cloud.aws_seconds(durations.INVALIDATED))
        self.evicted = False

    @property
    def status(self) -> str:  # type: ignore[override]
        return "Completed" if self.distribution.cloud.clock.now() >= self.due else "InProgress"


class Conflict(CloudFrontException):
    """A refusal by AWS's code."""


class TrueCloudFront(CloudFrontBackend):
    @property
    def _url_module(self) -> Any:
        """Moto looks for the routes beside the backend's module, which is ours."""
        return urls

    def create_distribution_with_tags(self, distribution_config: Settings, tags: list[dict[str, str]]) -> Any:
        """Raises CNAMEAlreadyExists for an alias that another distribution has."""
        self._aliases_free(distribution_config, None)
        return super().create_distribution_with_tags(distribution_config, tags)

    def update_distribution(self, dist_config: Settings, _id: str, if_match: Any) -> Any:
        """Raises PreconditionFailed if the distribution has changed since ``if_match`` was read."""
        distribution = self._current(_id, if_match)
        self._aliases_free(dist_config, distribution)
        before = distribution.site
        answer = super().update_distribution(dist_config, _id, if_match)
        distribution.before = before
        distribution.deploy()
        return answer[0], answer[1], distribution.etag

    def delete_distribution(self, distribution_id: str, if_match: Any) -> None:
        """Raises DistributionNotDisabled while the edges still serve it."""
        distribution = self._current(distribution_id, if_match)
        served = distribution.site
        if distribution.status != "Deployed" or (served is not None and served.enabled):
            raise Conflict(
                "DistributionNotDisabled", "The distribution you are trying to delete has not been disabled."
            )
        super().delete_distribution(distribution_id, if_match)

    def create_invalidation(self, dist_id: str, paths: list[str], caller_ref: str) -> Invalidation:
        """The same caller reference with the same paths gives the same invalidation."""
        if not all(path.startswith("/") for path in paths):
            raise Conflict("InvalidArgument", "Your request contains one or more invalid invalidation paths.")
        for known in self.invalidations.get(dist_id) or []:
            if known.caller_ref == caller_ref:
                if known.paths != paths:
                    raise Conflict("InvalidArgument", "Your request contains a caller reference that was used already.")
                return known
        return super().create_invalidation(dist_id, paths, caller_ref)

    def _current(self, distribution_id: str, if_match: Any) -> TrueDistribution:
        distribution = self.distributions.get(distribution_id)
        if not isinstance(distribution, TrueDistribution):
            raise NoSuchDistribution
        if not if_match:
            raise InvalidIfMatchVersion
        if if_match != distribution.etag:
            raise Conflict(
                "PreconditionFailed", "The request failed because it didn't meet the preconditions in If-Match."
            )
        return distribution

    def _aliases_free(self, config: Settings, mine: Distribution | None) -> None:
        wanted = {str(alias).lower() for alias in (config.get("Aliases") or {}).get("Items") or []}
        for distribution in self.distributions.values():
            assert isinstance(distribution, TrueDistribution), "made by moto itself"
            if distribution is not mine and wanted & distribution.configured.aliases:
                raise Conflict("CNAMEAlreadyExists", "One or more of the CNAMEs you provided are already in use.")


def consistent(original: Callable[[Any], Any]) -> Any:
    """``original``, which refuses a list whose Quantity is not how many Items it has.
    https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html"""

    def call(api: Any) -> Any:
        if not _counted(api.params):
            raise Conflict("InconsistentQuantities", "The value of Quantity and the size of Items don't match.")
        return original(api)

    return call


def _counted(given: Any) -> bool:
    if isinstance(given, list):
        return all(map(_counted, given))
    if not isinstance(given, dict):
        return True
    if "Quantity" in given and int(given["Quantity"]) != len(given.get("Items") or ()):
        return False
    return all(map(_counted, given.values()))


def holding(original: Callable[[Any], Any], find: Callable[[Any], tuple[CloudState, datetime] | None]) -> Any:
    """``original``, which holds its answer while a deployment or an invalidation is about to end: the SDKs' waiters
    ask again only after 60 and 20 s."""
    limit = 4.0

    def get(api: Any) -> Any:
        if found := find(api):
            cloud, due = found
            left = (due - cloud.clock.now()).total_seconds()
            if 0 < left <= limit:
                cloud.clock.sleep(left)
        return original(api)

    return get


def _checked(config: Settings) -> Site:
    behaviours = [config["DefaultCacheBehavior"], *((config.get("CacheBehaviors") or {}).get("Items") or [])]
    for behaviour in behaviours:
        policy = behaviour.get("CachePolicyId")
        if policy and policy not in POLICIES:
            raise Conflict("NoSuchCachePolicy", f"The cache policy {policy} does not exist.")
    try:
        return read(config)
    except KeyError:
        raise OriginDoesNotExist from None
