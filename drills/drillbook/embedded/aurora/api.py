"""The requests of clusters: those that moto does not know, and those that wait a little for what is under way."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from moto.core.responses import ActionResult
from moto.rds.models import DBCluster, DBInstanceClustered, GlobalCluster
from moto.rds.responses import RDSResponse

from drillbook.embedded.aurora import backend
from drillbook.embedded.aurora.global_database import writer_of
from drillbook.embedded.aurora.operations import Operations
from drillbook.embedded.rds import security

_HELD = {
    "describe_db_clusters": "DBClusterIdentifier",
    "describe_db_instances": "DBInstanceIdentifier",
    "describe_db_cluster_snapshots": "DBClusterSnapshotIdentifier",
    "describe_global_clusters": "GlobalClusterIdentifier",
    "describe_db_cluster_automated_backups": "DBClusterIdentifier",
}
"""Operations that the SDKs' waiters poll, and the parameter that names what they wait for."""


def patches(operations: Operations) -> Iterator[Any]:
    """All that takes moto's place."""
    yield from backend.patches(operations)
    yield from _attributes(operations)
    yield from security.patches(operations.estate.security_changed)
    ours = Api(operations)
    for name in (name for name in vars(Api) if not name.startswith("_")):
        yield mock.patch.object(RDSResponse, name, _request(getattr(ours, name)), create=True)
    for name, parameter in _HELD.items():
        yield mock.patch.object(RDSResponse, name, _held(operations, parameter, name), create=True)


def _request(ours: Callable[..., Any]) -> Callable[[RDSResponse], ActionResult]:
    def request(response: RDSResponse) -> ActionResult:
        return ActionResult(ours(response.backend, response.params))

    return request


def _held(operations: Operations, parameter: str, name: str) -> Callable[[RDSResponse], ActionResult]:
    answer: Callable[[RDSResponse], ActionResult] = getattr(RDSResponse, name)

    def request(response: RDSResponse) -> ActionResult:
        asked = response.params.get(parameter)
        if asked:
            operations.estate.jobs.hold(asked.rpartition(":")[2] if asked.startswith("arn:") else asked)
        return answer(response)

    return request


class Api:
    """Operations by moto's names for them; each answers with the members of its result."""

    def __init__(self, operations: Operations) -> None:
        self._do = operations

    def reboot_db_cluster(self, backend: Any, given: Any) -> dict[str, Any]:
        return {"DBCluster": self._do.clusters.reboot(backend, given["DBClusterIdentifier"])}

    def delete_db_cluster(self, backend: Any, given: Any) -> dict[str, Any]:
        deleted = backend.delete_db_cluster(
            given["DBClusterIdentifier"],
            given.get("FinalDBSnapshotIdentifier"),
            bool(given.get("SkipFinalSnapshot")),
            given.get("DeleteAutomatedBackups"),
        )
        return {"DBCluster": deleted}

    def failover_global_cluster(self, backend: Any, given: Any) -> dict[str, Any]:
        return {"GlobalCluster": self._do.handover.fail_over(backend, dict(**given))}

    def switchover_global_cluster(self, backend: Any, given: Any) -> dict[str, Any]:
        return {"GlobalCluster": self._do.handover.switch_over(backend, dict(**given))}

    def modify_global_cluster(self, backend: Any, given: Any) -> dict[str, Any]:
        return {"GlobalCluster": self._do.globals.modify(backend, given["GlobalClusterIdentifier"], dict(**given))}

    def describe_global_clusters(self, backend: Any, given: Any) -> dict[str, Any]:
        return {"GlobalClusters": self._do.globals.describe(backend, given.get("GlobalClusterIdentifier"))}

    def describe_db_cluster_automated_backups(self, backend: Any, given: Any) -> dict[str, Any]:
        found = self._do.automated.describe(backend, given.get("DBClusterIdentifier"), given.get("DbClusterResourceId"))
        return {"DBClusterAutomatedBackups": found}

    def delete_db_cluster_automated_backup(self, backend: Any, given: Any) -> dict[str, Any]:
        deleted = self._do.automated.delete(backend, given["DbClusterResourceId"])
        return {"DBClusterAutomatedBackup": deleted}

    def describe_db_cluster_endpoints(self, backend: Any, given: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBClusterEndpoints.html"""
        name = given.get("DBClusterIdentifier")
        clusters = [self._do.estate.cluster(backend, name)] if name else list(backend.clusters.values())
        return {"DBClusterEndpoints": [endpoint for cluster in clusters for endpoint in self._endpoints(cluster)]}

    def _endpoints(self, cluster: DBCluster) -> list[dict[str, Any]]:
        writable = self._do.estate.owns(cluster) and self._do.estate.fleet(cluster).writable
        shown = [("WRITER", cluster.endpoint, "available" if writable else "inactive")]
        shown += [("READER", cluster.reader_endpoint, "available")]
        return [
            {"DBClusterIdentifier": cluster.resource_id, "Endpoint": at, "Status": status, "EndpointType": kind}
            for kind, at, status in shown
        ]


def _attributes(operations: Operations) -> Iterator[Any]:
    """What moto makes up about a cluster, and we know."""
    estate = operations.estate

    def known(what: Callable[[Any], Any], otherwise: property) -> property:
        assert otherwise.fget is not None
        made_up = otherwise.fget
        return property(lambda one: what(one) if estate.owns(one) else made_up(one), otherwise.fset)

    def latest(cluster: DBCluster) -> Any:
        window = operations.restores.window(cluster)
        return window.latest if window else None

    of_clusters: dict[str, Callable[[DBCluster], Any]] = {
        "status": lambda one: one._status,
        "endpoint": lambda one: estate.fleet(one).doors.writer.address,
        "reader_endpoint": lambda one: estate.fleet(one).doors.reader.address,
        "latest_restorable_time": latest,
    }
    for name, what in of_clusters.items():
        yield mock.patch.object(DBCluster, name, known(what, getattr(DBCluster, name)))
    designate = DBCluster.designate_writer
    yield mock.patch.object(DBCluster, "designate_writer", lambda one: None if estate.owns(one) else designate(one))
    address: Any = inspect.getattr_static(DBInstanceClustered, "address").fget

    def where(one: DBInstanceClustered) -> Any:
        fleet = estate.fleet_of(one)
        return fleet.doors.of(one.db_instance_identifier).address if fleet else address(one)

    yield mock.patch.object(DBInstanceClustered, "address", property(where))
    lately: Any = inspect.getattr_static(DBInstanceClustered, "latest_restorable_time").fget
    yield mock.patch.object(
        DBInstanceClustered,
        "latest_restorable_time",
        property(lambda one: None if estate.fleet_of(one) else lately(one)),
    )

    def global_endpoint(whole: GlobalCluster) -> str | None:
        """Where the primary's writer is now. On AWS a name that stays; it has the primary's port."""
        writer = writer_of(whole)
        return writer.endpoint if writer else None

    yield mock.patch.object(GlobalCluster, "endpoint", property(global_endpoint))
