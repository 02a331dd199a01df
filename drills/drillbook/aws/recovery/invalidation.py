"""Let CloudFront fetch anew: after a front end was synced or its origin moved, edges still hold what was before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.recovery.journalled import recall, remember
from drillbook.aws.session import acting, session_of
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.world import World

PATIENCE = 3600.0
"""Mostly a minute or two; boto's waiter gives up after ten, when CloudFront is busy."""


def invalidate(
    world: World, distribution: str, paths: Sequence[str] = ("/*",), *, why: str = "recovery", timeout: float = PATIENCE
) -> None:
    """Evict ``paths`` from every edge and wait until it is done, up to ``timeout`` seconds.

    ``why`` tells the invalidations of one run apart (failover, failback): with the same ``why`` it is made once, and
    waited for again. CloudFront knows it by its caller reference, so that one made by a process that died is found
    (AWS: CreateInvalidation). There is nothing to undo: what is evicted is fetched anew.
    """
    reference = re.sub(r"[^A-Za-z0-9_-]", "-", f"drillbook-{world.run_id}-{why}")
    key = f"invalidation of {distribution} {reference}"
    cloudfront = session_of(world).client("cloudfront")
    with acting("recovery"), calling(f"invalidate {', '.join(paths)} of the distribution {distribution}"):
        if recall(world, key) is None:
            batch = {"Paths": {"Quantity": len(paths), "Items": list(paths)}, "CallerReference": reference}
            made = cloudfront.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)
            remember(world, key, made["Invalidation"]["Id"])
    wait_for(
        f"the invalidation of {distribution}",
        lambda: is_completed(world, distribution, recall(world, key)),
        timeout=timeout,
        interval=5.0 / world.speed,
        clock=world.clock,
        do="look at the distribution's invalidations; CloudFront's status is on health.aws.amazon.com",
    )


def is_completed(world: World, distribution: str, invalidation: str) -> bool:
    with acting("recovery"), calling(f"read the invalidation {invalidation}"):
        found = session_of(world).client("cloudfront").get_invalidation(DistributionId=distribution, Id=invalidation)
    return bool(found["Invalidation"]["Status"] == "Completed")
