"""The clusters of a saved world: their volumes and automated backups. Snapshots are kept with those of the instances.

What follows another cluster is not saved: when the world is loaded it is made again from the cluster that it follows.
"""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

from moto.rds.models import DBCluster, rds_backends

from drillbook.embedded import keeping
from drillbook.embedded.aurora.estate import Estate
from drillbook.embedded.aurora.fleet import Fleet
from drillbook.embedded.aurora.volume import copy_volume
from drillbook.embedded.postgres import shelf
from drillbook.embedded.postgres.archive import Archive, Base
from drillbook.embedded.postgres.copies import unpack

_SETTLED = 30.0
_DATA, _VOLUMES, _ARCHIVE = "data", "volumes", "archive"


def save(estate: Estate, folder: Path) -> None:
    """Write everything into ``folder``. Changes that are under way come to their end first."""
    estate.jobs.finish(_SETTLED)
    draft = estate.engine.folder(_VOLUMES)
    try:
        for fleet in estate.fleets.values():
            if fleet.upstream is None:
                with fleet.lock:
                    copy_volume(fleet.server, draft / fleet.key, estate.engine.account)
        shelf.put(estate.engine, folder / _DATA, [*draft.iterdir(), *estate.engine.folder(_ARCHIVE).glob("*/*")])
    finally:
        shutil.rmtree(draft)
    state = {
        "fleets": {key: _told(fleet) for key, fleet in estate.fleets.items()},
        "archives": {key: _kept(archive, estate.engine.template) for key, archive in estate.archives.items()},
        "retained": {key: (one.account_id, one.region, _bare(one)) for key, one in estate.retained.items()},
    }
    keeping.write(folder, state)


def load(estate: Estate, folder: Path) -> None:
    """Take everything from ``folder`` and run it; moto's records are there already."""
    state = keeping.read(folder)
    if not state or not (state["fleets"] or state["archives"]):
        return
    shelf.take(estate.engine, folder / _DATA, _ARCHIVE)
    for key, (account, region, record) in state["retained"].items():
        record.backend = rds_backends[account][region]
        estate.retained[key] = record
    for cluster in _clusters(state["fleets"]):
        _adopt(estate, cluster, folder / _DATA, state["fleets"][cluster.db_cluster_resource_id])
    for key, told in state["archives"].items():
        archive = estate.archives.setdefault(key, Archive(estate.engine, estate.engine.folder("archive", key)))
        archive.bases = [Base(at, _place(archive, name, estate.engine.template)) for at, name in told["bases"]]
        archive.latest = told["latest"]
    _run(estate, {key: told["upstream"] for key, told in state["fleets"].items()})


def _run(estate: Estate, upstream: dict[str, str | None]) -> None:
    for first in (True, False):
        for key, source in upstream.items():
            fleet = estate.fleets[key]
            if first is (source is None):
                origin = estate.fleets[source] if source is not None else None
                work = fleet.settle if origin is None else _replication(estate, fleet, origin)
                estate.jobs.begin([fleet.cluster.resource_id], work, failed=lambda: None)
        estate.jobs.finish(_SETTLED)


def _replication(estate: Estate, fleet: Fleet, origin: Fleet) -> Any:
    return lambda: estate.replicate(fleet, origin)


def _adopt(estate: Estate, cluster: DBCluster, data: Path, told: dict[str, Any]) -> None:
    server = estate.engine.empty(cluster.db_cluster_identifier)
    if told["upstream"] is None:
        volume = shelf.file_of(data, f"{_VOLUMES}/{cluster.db_cluster_resource_id}")
        unpack(volume, server.data, estate.engine.account)
    fleet = estate.adopt(cluster, server)
    fleet.head, fleet.stopped, fleet.superseded = told["head"], told["stopped"], told["superseded"]
    for one in fleet.instances():
        one.port = fleet.doors.of(one.db_instance_identifier).port


def _told(fleet: Fleet) -> dict[str, Any]:
    upstream = fleet.upstream.key if fleet.upstream is not None else None
    return {"head": fleet.head, "stopped": fleet.stopped, "superseded": fleet.superseded, "upstream": upstream}


def _kept(archive: Archive, template: Path) -> dict[str, Any]:
    bases = [(base.at, None if base.data == template else base.data.name) for base in archive.bases]
    return {"bases": bases, "latest": archive.latest}


def _place(archive: Archive, name: str | None, template: Path) -> Path:
    return template if name is None else archive.folder / name


def _bare(cluster: DBCluster) -> DBCluster:
    record = copy.copy(cluster)
    vars(record).pop("backend")
    return record


def _clusters(known: dict[str, Any]) -> list[DBCluster]:
    regions = [region for account in list(rds_backends.values()) for region in list(account.values())]
    clusters = [cluster for region in regions for cluster in list(region.clusters.values())]
    return [one for one in clusters if one.db_cluster_resource_id in known]
