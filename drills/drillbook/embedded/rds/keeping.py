"""The instances of a saved world: their data, snapshots and automated backups.

A standby is not saved: when the world is loaded it is made again from its primary. A read replica keeps what it had;
if its source was ahead it catches up. Endpoints get a port that is free where the world is loaded.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from moto.rds.models import rds_backends

from drillbook.embedded import keeping
from drillbook.embedded.postgres import processes, shelf
from drillbook.embedded.postgres.archive import Archive, Base
from drillbook.embedded.postgres.copies import unpack
from drillbook.embedded.postgres.link import Link
from drillbook.embedded.postgres.server import Server
from drillbook.embedded.rds import multi_az
from drillbook.embedded.rds.backups import AutomatedBackup
from drillbook.embedded.rds.database import Database
from drillbook.embedded.rds.estate import Estate
from drillbook.embedded.rds.names import Record
from drillbook.errors import TargetError

_SETTLED = 30.0
_DATA, _SNAPSHOTS, _BACKUPS = "data", "snapshots", "backups"
_STREAMS = "select exists (select from pg_stat_replication where application_name = %s and state = 'streaming')"
_AT_REST = ("available", "stopped", "storage-full", "failed")


def save(estate: Estate, folder: Path) -> None:
    """Write everything into ``folder``. Work under way comes to its end first.

    Raises TargetError if an instance is still in the middle of a change afterwards.
    """
    known = list(estate.databases.values())
    for database in known:
        database.hold_all(_SETTLED)
        _expect_rest(database.instance)
    with _at_one_instant(estate):
        shelf.put(estate.engine, folder / _DATA, _kept(estate, known))
    told = {database.key: _told(database) for database in known}
    keeping.write(folder, {"databases": told, "retained": _retained(estate)})


def load(estate: Estate, folder: Path) -> None:
    """Take everything from ``folder`` and run it; moto's records are there already."""
    state = keeping.read(folder)
    if not state:
        return
    shelf.take(estate.engine, folder / _DATA, _SNAPSHOTS, _BACKUPS)
    for instance in _instances(state["databases"]):
        _adopt(estate, instance, state["databases"])
    for key, (instance, account, region, bases, latest) in state["retained"].items():
        instance.backend = rds_backends[account][region]
        archive = Database(estate, instance).archive
        archive.bases, archive.latest = _restored(archive, bases), latest
        estate.backups.retained[key] = AutomatedBackup(instance, archive, "retained")
    for database in estate.databases.values():
        source = state["databases"][database.key]["source"]
        database.source = estate.databases.get(source) if source else None
    _unpack_homes(estate, folder, {key: said["home"] for key, said in state["databases"].items()})
    _run([one for one in estate.databases.values() if one.source is None])
    _run([one for one in estate.databases.values() if one.source is not None])
    for one in estate.databases.values():
        if one.instance.multi_az and one.home is not None:
            one.behind_the_scenes(lambda one=one: _add_standby_work(one))  # type: ignore[misc]


def _expect_rest(instance: Record) -> None:
    if instance.status not in _AT_REST:
        raise TargetError(
            f"the database {instance.db_instance_identifier} is {instance.status}",
            do="save the world when that is done",
        )


def _kept(estate: Estate, known: Sequence[Database]) -> list[Path]:
    """The data of every instance, and what its backups and the snapshots are; the largest first."""
    homes = [database.primary.data for database in known if database.primary is not None]
    backups, snapshots = estate.engine.folder(_BACKUPS), estate.engine.folder(_SNAPSHOTS)
    return [*homes, *snapshots.iterdir(), *backups.glob("*/*")]


def _unpack_homes(estate: Estate, folder: Path, names: dict[str, str]) -> None:
    """Give every server its data, as many at a time as there are cores."""

    def unpack_one(database: Database) -> None:
        if database.primary is not None:
            packed = shelf.file_of(folder / _DATA, f"{names[database.key]}/data")
            unpack(packed, database.primary.data, estate.engine.account)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(unpack_one, estate.databases.values()))


@contextmanager
def _at_one_instant(estate: Estate) -> Iterator[None]:
    """All servers stand still: the copy is what a power cut would leave, and no replica is ahead of its source."""
    with ExitStack() as thawing:
        for pid in [pid for database in estate.databases.values() if (pid := _pid(database)) is not None]:
            thawing.callback(processes.thaw, pid)
            processes.freeze(pid)
        yield


def _pid(database: Database) -> int | None:
    """Of what hangs by a fault nothing is frozen, nor woken up."""
    return database.primary.pid if database.primary is not None and database.fault != "hang" else None


def _bases(archive: Archive) -> list[tuple[datetime, str]]:
    """Those with data of their own: the template of another machine is another database."""
    return [(base.at, base.data.name) for base in archive.bases if base.data.parent == archive.folder]


def _restored(archive: Archive, bases: list[tuple[datetime, str]]) -> list[Base]:
    return [Base(at, archive.folder / name) for at, name in bases]


def _told(database: Database) -> dict[str, Any]:
    archive = database.archive
    return {
        "home": database.primary.home.name if database.primary is not None else None,
        "source": database.source.key if database.source is not None else None,
        "wanted": database.wanted,
        "fault": database.fault,
        "bases": _bases(archive),
        "latest": archive.latest,
    }


def _retained(estate: Estate) -> dict[str, Any]:
    found = {}
    for key, backup in estate.backups.retained.items():
        bare = copy.copy(backup.instance)
        vars(bare).pop("backend", None)
        found[key] = (bare, backup.instance.account_id, backup.region, _bases(backup.archive), backup.archive.latest)
    return found


def _instances(known: dict[str, Any]) -> list[Record]:
    regions = [region for account in list(rds_backends.values()) for region in list(account.values())]
    records = [record for region in regions for record in list(region.databases.values())]
    return [record for record in records if getattr(record, "dbi_resource_id", None) in known]


def _adopt(estate: Estate, instance: Record, told: dict[str, Any]) -> None:
    said = told[instance.dbi_resource_id]
    database = estate.databases[instance.dbi_resource_id] = Database(estate, instance)
    database.wanted, database.fault = said["wanted"], said["fault"]
    archive = database.archive
    archive.bases, archive.latest = _restored(archive, said["bases"]), said["latest"]
    if said["home"]:
        database.primary = estate.engine.empty(instance.db_instance_identifier)


def _run(databases: Sequence[Database]) -> None:
    """Each in its own thread, as all its work is; on return they answer. Standbys are made afterwards:
    whatever is asked of an instance waits for its own."""
    running = [one.behind_the_scenes(lambda one=one: _run_work(one)) for one in databases]  # type: ignore[misc]
    wait(running, _SETTLED)


def _run_work(database: Database) -> None:
    server, instance = database.primary, database.instance
    if server is not None and database.source is not None:
        _follow(database, server, database.source)
    instance.port = instance.wished_port
    if database.wanted and server is not None and database.fault in ("none", "hang"):
        database.fault = "none"
        if not database.dark:
            database._start(server)
    database.open_door()


def _add_standby_work(database: Database) -> None:
    """Once the replicas stream: a standby has no log from before its own beginning, which they might ask it for."""
    for replica in database.estate.replicas_of(database):
        if database.primary is not None and replica.link is not None and not replica.link.is_cut:
            database.primary.await_sql("its replica", _STREAMS, replica.instance.db_instance_identifier)
    multi_az.add_standby(database)


def _follow(replica: Database, server: Server, source: Database) -> None:
    estate, engine = replica.estate, replica.engine
    folder = engine.folder("links", replica.key[3:15].lower())
    delay = estate.cloud.links.delay("rds", source.region, replica.region)
    link = replica.link = Link(engine.network, folder, engine.account, delay)
    link.lead_to(source.home)
    estate.check_link(replica)
    server.follow(link.folder, replica.instance.db_instance_identifier)
