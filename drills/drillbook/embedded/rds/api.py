"""The requests about instances whose parameters moto does not read whole, and those that wait for what is under way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from moto.core.responses import ActionResult
from moto.rds.exceptions import DBInstanceNotFoundError
from moto.rds.models import DBInstance, Event, MasterUserSecret, rds_backends
from moto.rds.responses import RDSResponse

from drillbook.embedded.addresses import address_of
from drillbook.embedded.rds import backend, passwords, security
from drillbook.embedded.rds.errors import no_backup
from drillbook.embedded.rds.estate import ENGINE, Estate
from drillbook.embedded.rds.happenings import EVENTS
from drillbook.embedded.rds.names import Record

_PATIENCE = 1.5
"""Seconds that a describe call waits: the waiters of SDKs and CLI look again only after 30 s."""


def patches(estate: Estate) -> Iterator[Any]:
    """All that takes moto's place."""
    yield from backend.patches(estate)
    yield from security.patches(estate.security_changed)
    yield from _attributes(estate)
    yield mock.patch.dict(Event.EVENT_MAP, EVENTS)
    requests = {
        "reboot_db_instance": _reboot,
        "restore_db_instance_to_point_in_time": _restore,
        "delete_db_instance_automated_backup": _delete_backup(estate),
        "describe_db_instances": _held(estate, RDSResponse.describe_db_instances),
        "describe_db_snapshots": _held_snapshot(estate, RDSResponse.describe_db_snapshots),
    }
    for name, request in requests.items():
        yield mock.patch.object(RDSResponse, name, request, create=True)


def _reboot(response: RDSResponse) -> ActionResult:
    given = response.params
    name, failover = given["DBInstanceIdentifier"], given.get("ForceFailover")
    # Without the flag the call has moto's signature, for planes that replace it.
    rebooted = response.backend.reboot_db_instance(name, **({"force_failover": True} if failover else {}))
    return ActionResult({"DBInstance": rebooted})


def _restore(response: RDSResponse) -> ActionResult:
    given = response.params
    restored = response.backend.restore_db_instance_to_point_in_time(
        given.get("SourceDBInstanceIdentifier"), given.get("TargetDBInstanceIdentifier"), given
    )
    return ActionResult({"DBInstance": restored})


def _delete_backup(estate: Estate) -> Callable[[RDSResponse], ActionResult]:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstanceAutomatedBackup.html"""

    def request(response: RDSResponse) -> ActionResult:
        number = response.params.get("DbiResourceId")
        backup = estate.backups.retained.get(number)
        if backup is None or backup.region != response.region:
            raise no_backup(str(number))
        estate.backups.drop(backup.instance, backup.archive)
        return ActionResult({"DBInstanceAutomatedBackup": backup})

    return request


def _held(estate: Estate, answer: Callable[[RDSResponse], ActionResult]) -> Callable[[RDSResponse], ActionResult]:
    """Wait a little for an instance in transition. The data plane stays as it is meanwhile."""

    def request(response: RDSResponse) -> ActionResult:
        if name := response.params.get("DBInstanceIdentifier"):
            try:
                database = estate.named(response.backend, name)
            except DBInstanceNotFoundError:
                database = None
            if database is not None:
                database.hold(_PATIENCE)
        return answer(response)

    return request


def _held_snapshot(
    estate: Estate, answer: Callable[[RDSResponse], ActionResult]
) -> Callable[[RDSResponse], ActionResult]:
    def request(response: RDSResponse) -> ActionResult:
        snapshot = response.backend.database_snapshots.get(response.params.get("DBSnapshotIdentifier") or "")
        patience = estate.cloud.clock.monotonic() + _PATIENCE
        while snapshot is not None and snapshot.status == "creating" and estate.cloud.clock.monotonic() < patience:
            estate.cloud.clock.sleep(0.02)
        return answer(response)

    return request


def _attributes(estate: Estate) -> Iterator[Any]:
    """What moto makes up about an instance, and we know."""

    def known(name: str, what: Callable[[Any], Any]) -> Any:
        made_up = getattr(DBInstance, name).fget
        return mock.patch.object(
            DBInstance, name, property(lambda one: made_up(one) if estate.of(one) is None else what(one))
        )

    def endpoint(instance: Record) -> dict[str, Any] | None:
        """None until there is one, as on AWS."""
        return {"Address": instance.address, "Port": instance.port} if instance.has_endpoint else None

    def latest(instance: Record) -> Any:
        backup = estate.backups.of_instance(estate.databases[instance.dbi_resource_id])
        return backup.archive.latest if backup is not None else None

    yield known("address", lambda one: address_of(one.region))
    yield known("endpoint", endpoint)
    yield known("latest_restorable_time", latest)
    first_backup = DBInstance.save_automated_backup
    yield mock.patch.object(
        DBInstance, "save_automated_backup", lambda one: None if one.engine == ENGINE else first_backup(one)
    )
    yield mock.patch.object(
        MasterUserSecret, "_generate_secret_string", lambda one: passwords.secret_string(one.resource)
    )
    yield mock.patch.object(MasterUserSecret, "rotate_secret", passwords.rotate)


def instances() -> int:
    return sum(len(region.databases) for regions in list(rds_backends.values()) for region in list(regions.values()))
