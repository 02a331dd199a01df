"""Another cluster of a global database becomes the one that writes: failover, switchover, and the loser's return.

On AWS the old primary of a failover is fenced, and "when the old primary Region becomes healthy again" it is added as
a secondary, after a snapshot of what only it had: ``rds:unplanned-global-failover-<cluster>-<timestamp>``.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-disaster-recovery.html
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from moto.rds.models import DBCluster, GlobalCluster, RDSBackend

from drillbook.embedded.aurora.errors import (
    InvalidDBClusterStateFault,
    InvalidParameterCombination,
    invalid_global_state,
)
from drillbook.embedded.aurora.estate import Estate
from drillbook.embedded.aurora.fleet import Fleet
from drillbook.embedded.aurora.global_database import Globals, writer_of
from drillbook.embedded.aurora.replicas import Replicas
from drillbook.embedded.aurora.snapshots import Snapshots
from drillbook.embedded.postgres.account import PostgresFailed
from drillbook.errors import WaitTimeout
from drillbook.waiting import wait_for

_SYNCHRONISED = 20.0
"""Seconds within which a secondary must have everything, or the switchover is called off."""
_CLIENTS = "from pg_stat_activity where backend_type = 'client backend' and usename is distinct from current_user"
"""Not the cloud's own sessions: whoever measures connects again at once. One that just logs in has no name yet."""


class Handover:
    """The API's FailoverGlobalCluster and SwitchoverGlobalCluster."""

    def __init__(self, estate: Estate, whole: Globals, replicas: Replicas, snapshots: Snapshots) -> None:
        self._estate, self._globals, self._replicas, self._snapshots = estate, whole, replicas, snapshots

    def fail_over(self, backend: RDSBackend, given: dict[str, Any]) -> GlobalCluster:
        """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_FailoverGlobalCluster.html"""
        loss, planned = given.get("allow_data_loss"), given.get("switchover")
        if loss and planned:
            raise InvalidParameterCombination("AllowDataLoss and Switchover cannot be specified together.")
        if not loss:
            return self.switch_over(backend, given)
        whole, target = self._asked(backend, given)
        return self._begin(whole, target, "failing-over", lambda: self._lose(whole, target))

    def switch_over(self, backend: RDSBackend, given: dict[str, Any]) -> GlobalCluster:
        """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_SwitchoverGlobalCluster.html"""
        whole, target = self._asked(backend, given)
        writer = writer_of(whole)
        assert writer is not None, "a global cluster with a secondary has a primary"
        for one in (writer, target):
            if one.status != "available" or self._estate.fleet(one).dark:
                raise InvalidDBClusterStateFault(f"DbCluster {one.resource_id} is not available for a switchover.")
        if not self._estate.cloud.domains.now.linked(writer.region, target.region):
            raise invalid_global_state("The secondary cluster cannot be synchronised with the primary cluster now.")
        return self._begin(whole, target, "switching-over", lambda: self._trade(whole, writer, target))

    def rejoin(self, fleet: Fleet) -> None:
        """A cluster that was out of reach when the primary changed follows the new one, as soon as it can."""
        whole = self._estate.global_of(fleet.cluster)
        writer = writer_of(whole) if whole else None
        if writer is None or fleet.dark or not self._estate.cloud.domains.now.linked(fleet.region, writer.region):
            return
        with fleet.lock:
            if not fleet.superseded:
                return
            if not fleet.server.standby:
                self._keep(fleet)
            self._estate.replicate(fleet, self._estate.fleet(writer))

    def feel(self) -> None:
        """What is broken has changed: what is dark now ends at once; the rest comes back soon after."""
        self._estate.outages += 1
        fleets = list(self._estate.fleets.values())
        for fleet in fleets:
            fleet.lose()
        for fleet in fleets:
            self._return(fleet)

    def _asked(self, backend: RDSBackend, given: dict[str, Any]) -> tuple[GlobalCluster, DBCluster]:
        whole = self._estate.global_cluster(backend, given["global_cluster_identifier"])
        target = self._globals.member(backend, whole, given["target_db_cluster_identifier"])
        if whole.status != "available":
            raise invalid_global_state(f"Global cluster {whole.resource_id} is in {whole.status} state.")
        if target.is_writer:
            raise invalid_global_state(f"DbCluster {target.resource_id} is the primary cluster already.")
        if target.status != "available":
            raise InvalidDBClusterStateFault(f"DbCluster {target.resource_id} is in {target.status} state.")
        return whole, target

    def _begin(self, whole: GlobalCluster, target: DBCluster, status: str, work: Callable[[], None]) -> GlobalCluster:
        writer = writer_of(whole)
        whole.status, target.status = status, "promoting"
        vars(whole)["failover_state"] = {
            "Status": status,
            "FromDbClusterArn": writer.db_cluster_arn if writer else None,
            "ToDbClusterArn": target.db_cluster_arn,
            "IsDataLossAllowed": status == "failing-over",
        }

        def whole_work() -> None:
            try:
                work()
            finally:
                whole.status = target.status = "available"
                del vars(whole)["failover_state"]

        answer = copy.copy(whole)
        names = [whole.resource_id, target.resource_id]
        self._estate.jobs.begin(names, whole_work, failed=lambda: None)
        return answer

    def _lose(self, whole: GlobalCluster, target: DBCluster) -> None:
        """What has not arrived is lost; the old primary takes no writes from now on, wherever it is."""
        others = [self._estate.fleet(one) for one in whole.members if one is not target]
        for fleet in others:
            self._fence(fleet)
        self._replicas.become_writable(self._estate.fleet(target))
        _make_writer(whole, target)
        for fleet in others:
            self._return(fleet)

    def _fence(self, fleet: Fleet) -> None:
        fleet.superseded = True
        if not fleet.dark:
            fleet.settle()

    def _trade(self, whole: GlobalCluster, writer: DBCluster, target: DBCluster) -> None:
        old, new = self._estate.fleet(writer), self._estate.fleet(target)
        with old.lock:
            try:
                self._synchronise(old, new)
            except (WaitTimeout, PostgresFailed):
                old.settle()
                raise
            old.superseded = True
            old.settle()
        self._replicas.become_writable(new)
        _make_writer(whole, target)
        for one in whole.members:
            if one is not target:
                fleet = self._estate.fleet(one)
                fleet.superseded = True
                if not fleet.dark and self._estate.cloud.domains.now.linked(fleet.region, new.region):
                    self._estate.replicate(fleet, new)

    def _synchronise(self, old: Fleet, new: Fleet) -> None:
        """No client writes any more, and the secondary has everything that was written."""
        if not old.server.running:
            return
        old.doors.lead(None, {}, {})
        old.server.await_sql("the end of all sessions", f"select count(pg_terminate_backend(pid)) = 0 {_CLIENTS}")
        end = old.server.query("select pg_current_wal_flush_lsn()")[0][0]
        wait_for(
            f"the log up to {end} in {new.cluster.resource_id}",
            lambda: new.server.query("select pg_last_wal_replay_lsn() >= %s::pg_lsn", end)[0][0],
            timeout=_SYNCHRONISED,
            interval=0.02,
            clock=self._estate.cloud.clock,
        )

    def _return(self, fleet: Fleet) -> None:
        names = [fleet.cluster.resource_id, *(one.resource_id for one in fleet.instances())]
        work = (lambda: self.rejoin(fleet)) if fleet.superseded else fleet.settle
        self._estate.jobs.begin(names, lambda: self._estate.carry_out(fleet, work), failed=lambda: None)

    def _keep(self, fleet: Fleet) -> None:
        """A snapshot of what only the old primary had."""
        stamp = self._estate.cloud.clock.now().strftime("%Y-%m-%d-%H-%M-%S-%f")
        name = f"rds:unplanned-global-failover-{fleet.cluster.resource_id}-{stamp}"
        snapshot = self._snapshots.record(fleet.cluster.backend, fleet.cluster, name, "automated")
        self._snapshots.fill(snapshot, fleet)


def _make_writer(whole: GlobalCluster, target: DBCluster) -> None:
    for one in whole.members:
        one.is_writer = one is target
