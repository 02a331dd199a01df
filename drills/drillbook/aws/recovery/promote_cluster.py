"""Make the cluster of another region the one that writes: by promotion, failover, switchover, or detaching.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-disaster-recovery.html

====================  ====================  =============================================  ==========================
what                  for                   loses                                          undoing
====================  ====================  =============================================  ==========================
``promote``           a replica cluster     what had not arrived                           none: AWS cannot
``fail_over``         a global database,    what had not arrived                           switches back, losing
                      primary lost                                                         nothing more
``switch_over``       a global database,    nothing                                        switches back
                      both sides well
``detach``            a global database     what had not arrived                           none: AWS cannot
====================  ====================  =============================================  ==========================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from drillbook.aws.failures import calling, code_of
from drillbook.aws.recovery.database_kinds import (
    CLUSTER,
    GLOBAL,
    POLL,
    arn_of,
    described,
    is_not_yet,
    look,
    rds_of,
    wait_until_available,
    wait_until_unused,
)
from drillbook.aws.recovery.journalled import make, recall, remember
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError
from drillbook.events import EventKind, Json
from drillbook.fault import Settings
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.world import World

PROMOTION_PATIENCE = 3600.0
"""Seconds. AWS: "several minutes or longer"; every instance is restarted."""
RETURN_PATIENCE = 4 * 3600.0
"""A cluster that was lost is filled anew before it can be switched back to."""


class IndependentClusterSettings(Settings):
    cluster: str
    global_cluster: str | None = None
    """None: it is a replica of another cluster by ``ReplicationSourceIdentifier``."""
    region: str | None = None


class IndependentCluster:
    """Promote a replica cluster, or detach a secondary. AWS cannot take it back: undoing leaves it, and says so."""

    Settings = IndependentClusterSettings

    def __init__(self, world: World, settings: IndependentClusterSettings) -> None:
        self._world, self._settings = world, settings
        self._rds = rds_of(world, settings.region)
        self._arn = arn_of(world, settings.region, CLUSTER, settings.cluster)
        self.settle = session_of(world).settle

    def describe(self) -> str:
        return f"make the cluster {self._settings.cluster} independent (cannot be undone)"

    def touches(self) -> list[str]:
        return [self._arn]

    def capture(self) -> Json:
        found = described(self._rds, CLUSTER, self._settings.cluster)
        return {"source": self._settings.global_cluster or found.get("ReplicationSourceIdentifier")}

    def apply(self, before: Json) -> None:  # noqa: ARG002 - the settings say it all
        with calling(self.describe()):
            if self._settings.global_cluster is None:
                self._rds.promote_read_replica_db_cluster(DBClusterIdentifier=self._settings.cluster)
            else:
                self._rds.remove_from_global_cluster(
                    GlobalClusterIdentifier=self._settings.global_cluster, DbClusterIdentifier=self._arn
                )

    def restore(self, before: Json) -> None:
        cluster, region = self._settings.cluster, self._settings.region
        wait_until_unused(self._world, CLUSTER, cluster, region, timeout=PROMOTION_PATIENCE)
        if before["source"]:
            said = f"{cluster} stays independent of {before['source']}: build a new replica, or stand up again"
            self._world.events.emit(EventKind.NOTE, said)

    def restored(self, before: Json) -> bool:  # noqa: ARG002 - whatever it is now, nothing more can be done
        return True


class WritingClusterSettings(Settings):
    global_cluster: str
    cluster: str
    """The one that is to write."""
    region: str | None = None
    lossy: bool
    """Failover, which loses what has not arrived; False: switchover, which loses nothing."""


class WritingCluster:
    """Make a secondary the primary of its global database. Undoing switches back, which loses no data."""

    Settings = WritingClusterSettings

    def __init__(self, world: World, settings: WritingClusterSettings) -> None:
        self._world, self._settings = world, settings
        self._rds = rds_of(world, settings.region)
        self._arn = arn_of(world, settings.region, CLUSTER, settings.cluster)
        self.settle = session_of(world).settle

    def describe(self) -> str:
        verb = "fail over" if self._settings.lossy else "switch over"
        return f"{verb} the global cluster {self._settings.global_cluster} to {self._settings.cluster}"

    def touches(self) -> list[str]:
        return [self._settings.global_cluster, self._arn]

    def capture(self) -> Json:
        return {"writer": writer_of(_whole(self._rds, self._settings.global_cluster))}

    def apply(self, before: Json) -> None:  # noqa: ARG002 - the settings say it all
        what: dict[str, Any] = {
            "GlobalClusterIdentifier": self._settings.global_cluster,
            "TargetDbClusterIdentifier": self._arn,
        }
        with calling(self.describe()):
            if self._settings.lossy:
                self._rds.failover_global_cluster(**what, AllowDataLoss=True)
            else:
                self._rds.switchover_global_cluster(**what)

    def restore(self, before: Json) -> None:
        """Switch back to the former writer, as soon as it has all that was written since."""
        wait_for(
            f"switching {self._settings.global_cluster} back to {before['writer']}",
            lambda: self._give_back(before["writer"]),
            timeout=RETURN_PATIENCE,
            interval=POLL / self._world.speed,
            clock=self._world.clock,
            do="see whether the former primary's region is back, and its cluster synchronised",
        )

    def restored(self, before: Json) -> bool:
        whole = look(self._rds, GLOBAL, self._settings.global_cluster)
        return whole is None or _is_at_rest_with(whole, before["writer"]) or before["writer"] not in _members(whole)

    def _give_back(self, writer: str) -> bool:
        """Ask for the switchover as long as it is refused; what the global database lost since is not ours to make."""
        from botocore.exceptions import ClientError

        if self.restored({"writer": writer}):
            return True
        if _whole(self._rds, self._settings.global_cluster)["Status"] != "available":
            return False
        with calling(f"switch {self._settings.global_cluster} back"):
            try:
                self._rds.switchover_global_cluster(
                    GlobalClusterIdentifier=self._settings.global_cluster, TargetDbClusterIdentifier=writer
                )
            except ClientError as error:
                if not is_not_yet(code_of(error)):
                    raise
        return False


def promote(
    world: World, cluster: str, region: str | None = None, *, timeout: float = PROMOTION_PATIENCE
) -> dict[str, Any]:
    """Make a replica cluster independent, and wait until it can be written to. Returns what RDS says of it.

    Raises PermanentError if it replicates from nothing and this run has not promoted it.
    """
    return _make_independent(world, IndependentClusterSettings(cluster=cluster, region=region), timeout)


def detach(
    world: World,
    global_cluster: str,
    cluster: str,
    region: str | None = None,
    *,
    timeout: float = PROMOTION_PATIENCE,
) -> dict[str, Any]:
    """Take a secondary out of its global database, so that it takes writes; wait. Returns what RDS says of it."""
    settings = IndependentClusterSettings(cluster=cluster, global_cluster=global_cluster, region=region)
    return _make_independent(world, settings, timeout)


def fail_over(
    world: World,
    global_cluster: str,
    cluster: str,
    region: str | None = None,
    *,
    timeout: float = PROMOTION_PATIENCE,
) -> dict[str, Any]:
    """Make ``cluster`` in ``region`` the writer although the primary is lost, and wait until it is.

    Returns what RDS says of ``cluster``. The old primary is fenced, and follows the new one when its region is back.
    """
    settings = WritingClusterSettings(global_cluster=global_cluster, cluster=cluster, region=region, lossy=True)
    return _make_writer(world, settings, timeout)


def switch_over(
    world: World,
    global_cluster: str,
    cluster: str,
    region: str | None = None,
    *,
    timeout: float = PROMOTION_PATIENCE,
) -> dict[str, Any]:
    """Make ``cluster`` in ``region`` the writer without loss; AWS refuses unless both sides are well. Wait."""
    settings = WritingClusterSettings(global_cluster=global_cluster, cluster=cluster, region=region, lossy=False)
    return _make_writer(world, settings, timeout)


def writes(world: World, global_cluster: str, cluster: str, region: str | None = None) -> bool:
    """Is ``cluster`` the primary of its global database, and nothing under way?"""
    whole = _whole(rds_of(world, region), global_cluster)
    return _is_at_rest_with(whole, arn_of(world, region, CLUSTER, cluster))


def role(world: World, global_cluster: str, cluster: str, region: str | None = None) -> Literal["writer", "reader", ""]:
    """What ``cluster`` is in the global database; empty if it is no member."""
    arn = arn_of(world, region, CLUSTER, cluster)
    whole = _whole(rds_of(world, region), global_cluster)
    if arn not in _members(whole):
        return ""
    return "writer" if writer_of(whole) == arn else "reader"


def is_independent(world: World, cluster: str, region: str | None = None) -> bool:
    """Does it replicate from no other cluster, by whatever means?"""
    rds, arn = rds_of(world, region), arn_of(world, region, CLUSTER, cluster)
    if described(rds, CLUSTER, cluster).get("ReplicationSourceIdentifier"):
        return False
    with calling("list the global clusters"):
        pages = rds.get_paginator("describe_global_clusters").paginate()
        return all(arn not in _members(whole) for page in pages for whole in page["GlobalClusters"])


def writer_of(whole: dict[str, Any]) -> str | None:
    """The ARN of the cluster that writes; None if there is none."""
    return next((one["DBClusterArn"] for one in whole["GlobalClusterMembers"] if one["IsWriter"]), None)


def _make_independent(world: World, settings: IndependentClusterSettings, timeout: float) -> dict[str, Any]:
    key = f"independence of {arn_of(world, settings.region, CLUSTER, settings.cluster)}"
    alone = is_independent(world, settings.cluster, settings.region)
    if recall(world, key) is None:
        if alone:
            raise PermanentError(
                f"the cluster {settings.cluster} replicates from nothing, and this run has not made it independent",
                code="InvalidDBClusterStateFault",
                do="check its name and region; if it was promoted by hand, leave this step out",
            )
        _demand_an_instance(world, settings.cluster, settings.region)
        wait_until_available(world, CLUSTER, settings.cluster, settings.region, timeout=timeout)
        remember(world, key, {"global": settings.global_cluster})
    wait_until_unused(world, CLUSTER, settings.cluster, settings.region, timeout=timeout)
    if not is_independent(world, settings.cluster, settings.region):
        make(world, IndependentCluster, settings)
    return wait_until_available(world, CLUSTER, settings.cluster, settings.region, timeout=timeout)


def _make_writer(world: World, settings: WritingClusterSettings, timeout: float) -> dict[str, Any]:
    rds, arn = rds_of(world, settings.region), arn_of(world, settings.region, CLUSTER, settings.cluster)
    whole = _whole(rds, settings.global_cluster)
    if arn not in _members(whole):
        raise PermanentError(
            f"the cluster {settings.cluster} is no member of the global cluster {settings.global_cluster}",
            code="DBClusterNotFoundFault",
            do="check both names and the region; a cluster that was detached cannot be failed over to",
        )
    if writer_of(whole) != arn and not _is_under_way(whole, arn):
        _demand_an_instance(world, settings.cluster, settings.region)
        make(world, WritingCluster, settings)
    wait_for(
        f"{settings.cluster} becoming the writer of {settings.global_cluster}",
        lambda: writes(world, settings.global_cluster, settings.cluster, settings.region),
        timeout=timeout,
        interval=POLL / world.speed,
        clock=world.clock,
        do="look at the events of the global cluster in RDS",
    )
    return wait_until_available(world, CLUSTER, settings.cluster, settings.region, timeout=timeout)


def _demand_an_instance(world: World, cluster: str, region: str | None) -> None:
    """A headless secondary keeps the data and answers nobody."""
    if not described(rds_of(world, region), CLUSTER, cluster)["DBClusterMembers"]:
        raise PermanentError(
            f"the cluster {cluster} has no instance, so nobody could connect to it",
            do="give it one first: cluster_instances.add",
        )


def _whole(rds: Any, name: str) -> dict[str, Any]:
    return described(rds, GLOBAL, name)


def _members(whole: dict[str, Any]) -> list[str]:
    return [one["DBClusterArn"] for one in whole["GlobalClusterMembers"]]


def _is_at_rest_with(whole: dict[str, Any], writer: str | None) -> bool:
    return bool(writer_of(whole) == writer and whole["Status"] == "available" and not whole.get("FailoverState"))


def _is_under_way(whole: dict[str, Any], arn: str) -> bool:
    return bool(whole.get("FailoverState", {}).get("ToDbClusterArn") == arn)
