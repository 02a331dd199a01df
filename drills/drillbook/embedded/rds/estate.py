"""All RDS for PostgreSQL instances of one cloud, and what happens to all of them."""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait

from moto.rds.exceptions import DBInstanceNotFoundError
from moto.rds.models import DBInstance, RDSBackend, rds_backends

from drillbook.embedded.addresses import REGIONS
from drillbook.embedded.domains import Failures
from drillbook.embedded.metrics.store import Series, dimensions, store_of
from drillbook.embedded.planes import CloudState
from drillbook.embedded.postgres.engine import Engine
from drillbook.embedded.rds.backups import Backups
from drillbook.embedded.rds.database import Database, Fault, quietly
from drillbook.embedded.rds.errors import bad_value
from drillbook.errors import UsageError

ENGINE = "postgres"
_ARN = re.compile(r"arn:aws[a-z-]*:rds:(?P<region>[a-z0-9-]+):\d{12}:db:(?P<name>.+)")
_RETURN = 20.0
"""Seconds that the mending of a region waits for its databases."""
_FAULTS: tuple[Fault, ...] = ("none", "crash", "hang", "disk-full")
_log = logging.getLogger(__name__)


class Estate:
    """Databases by their instance's resource id, which no rename changes."""

    def __init__(self, cloud: CloudState, engine: Engine) -> None:
        self.cloud, self.engine = cloud, engine
        self.databases: dict[str, Database] = {}
        self.backups = Backups(self)
        self.failures: deque[str] = deque(maxlen=5)
        """What went wrong in the background, newest last: always the embedded cloud's fault."""

    # Finding

    def of(self, instance: DBInstance | None) -> Database | None:
        """What runs behind this record, or copy of a record; None if it is not one of ours."""
        return None if instance is None else self.databases.get(instance.dbi_resource_id)

    def named(self, backend: RDSBackend, name: str) -> Database | None:
        """By identifier, or ARN in any region; None if the instance is not one of ours.

        Raises DBInstanceNotFound if there is no such instance.
        """
        region, plain = backend.region_name, name
        if name.startswith("arn:"):
            parts = _ARN.fullmatch(name)
            if parts is None or parts["region"] not in REGIONS:
                raise bad_value(f"Invalid ARN of a DB instance: {name}")
            region, plain = parts["region"], parts["name"]
        instance = rds_backends[backend.account_id][region].databases.get(plain)
        if instance is None:
            raise DBInstanceNotFoundError(plain)
        return self.of(instance)

    def replicas_of(self, source: Database) -> list[Database]:
        return [database for database in list(self.databases.values()) if database.source is source]

    # What happens

    def note(self, what: str, error: Exception) -> None:
        """The embedded cloud itself has failed."""
        self.failures.append(f"{what}: {type(error).__name__}: {error}"[:400])
        _log.error("work on %s failed", what, exc_info=error)

    def lead_replicas_of(self, source: Database) -> None:
        """Its read replicas follow the server that is its primary now."""
        for replica in self.replicas_of(source):
            if replica.link is not None:
                replica.link.lead_to(source.home)

    def domains_changed(self, before: Failures, now: Failures) -> None:
        """Cut what is cut at once, then take the power; what has power again runs on return."""
        known = list(self.databases.values())
        for database in known:
            self.check_link(database)
        for database in known:
            database.refresh_door()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(Database.lose_power, known))
        back = [one for one in known if before.dark(one.region, one.instance.availability_zone) and not one.dark]
        going = {one: one.behind_the_scenes(one.adapt_work) for one in known if not now.dark(one.region)}
        wait([going[one] for one in back if one in going], _RETURN)

    def check_link(self, replica: Database) -> None:
        """Let a replica's link be cut, or whole, as its regions and zones are."""
        source, link = replica.source, replica.link
        if link is None or source is None:
            return
        if self.reaches(source, replica) and not replica.dark:
            link.mend()
        else:
            link.cut()

    def reaches(self, source: Database, replica: Database) -> bool:
        """Does the source live, and can its data flow to the replica's region?"""
        return self.cloud.domains.now.linked(source.region, replica.region) and not source.dark

    def delays_changed(self) -> None:
        for replica in list(self.databases.values()):
            if replica.link is not None and replica.source is not None:
                replica.link.delay = self.cloud.links.delay("rds", replica.source.region, replica.region)

    def security_changed(self) -> None:
        for database in list(self.databases.values()):
            database.refresh_door()

    def become_faulty(self, region: str, name: str, fault: str) -> None:
        """Break an instance as no API call can, or mend it. Raises UsageError for what is not there."""
        known = region in REGIONS
        database = self.of(rds_backends[self.cloud.account][region].databases.get(name)) if known else None
        if database is None or fault not in _FAULTS:
            raise UsageError(
                f"there is no fault {fault} of a PostgreSQL instance {name} in {region}",
                do=f"name an instance and one of: {', '.join(_FAULTS)}",
            )
        database.become_faulty(fault)

    # What is done all the time

    def beat(self) -> None:
        """Archive, and measure how far the replicas are behind."""
        for database in list(self.databases.values()):
            if database.wanted and not database.dark and database.fault == "none":
                if database.source is None:
                    database.behind_the_scenes(lambda one=database: quietly(one.heartbeat_work))  # type: ignore[misc]
                else:
                    quietly(lambda one=database: self._record_lag(one))  # type: ignore[misc]

    def _record_lag(self, replica: Database) -> None:
        """ReplicaLag, in seconds: 0 for one that has replayed all that its source has written.

        https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PostgreSQL.Replication.ReadReplicas.Monitor.html
        """
        server, source = replica.primary, replica.source
        if server is None or not server.running or source is None:
            return
        instance = replica.instance
        named = dimensions({"DBInstanceIdentifier": instance.db_instance_identifier})
        series = Series(instance.account_id, replica.region, "AWS/RDS", "ReplicaLag", named)
        replayed, behind = server.query(_REPLAYED)[0]
        ahead = source.primary.query(_WRITTEN, replayed)[0][0] if source.home and source.primary else True
        lag = (behind if behind is not None else -1.0) if ahead else 0.0
        store_of(self.cloud).record(series, self.cloud.clock.now().timestamp(), [float(lag)])

    def everything(self) -> Iterator[Database]:
        yield from list(self.databases.values())

    def close(self) -> None:
        for database in self.everything():
            database.wanted = False
            database.finish()


_REPLAYED = (
    "select pg_last_wal_replay_lsn()::text, extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())"
)
_WRITTEN = "select pg_current_wal_lsn() > %s::pg_lsn"
