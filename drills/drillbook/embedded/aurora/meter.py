"""What CloudWatch is told of clusters: how many clients are connected, and how far behind followers are, in ms.

A follower that has replayed everything lags by nothing; else by the age of the last commit that it has replayed.
DatabaseConnections does not count RDS's own.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from drillbook.embedded.aurora.estate import Estate
from drillbook.embedded.aurora.fleet import Fleet
from drillbook.embedded.metrics.store import Series, dimensions, store_of
from drillbook.embedded.postgres.account import PostgresFailed
from drillbook.embedded.postgres.server import Server

if TYPE_CHECKING:
    import psycopg

_END = "select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end"
_LAG = """select case when pg_last_wal_replay_lsn() >= %s::pg_lsn then 0
    else 1000 * extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) end"""
_CLIENTS = "select count(*) from pg_stat_activity where backend_type = 'client backend' and usename <> current_user"

Sample = tuple[str, str, dict[str, str], float]
"""Region, metric, dimensions, value."""


class Meter:
    """Asks every server, over a connection that stays: RDS, too, is seen in pg_stat_activity as ``rdsadmin``."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._open: dict[Server, tuple[psycopg.Connection[Any], ExitStack]] = {}
        self._ends: dict[str, str] = {}
        """How far each writer was when it last answered: a follower of a dark one keeps lagging behind that."""

    def measure(self) -> None:
        """One sample of each series."""
        at = self._estate.cloud.clock.now().timestamp()
        for fleet in list(self._estate.fleets.values()):
            if not fleet.dark:
                for region, name, dimension, value in self._samples(fleet):
                    series = Series(fleet.cluster.account_id, region, "AWS/RDS", name, dimensions(dimension))
                    store_of(self._estate.cloud).record(series, at, [value])
        for server in [one for one in self._open if not one.running]:
            self._close(server)

    def close(self) -> None:
        for server in list(self._open):
            self._close(server)

    def _samples(self, fleet: Fleet) -> Iterator[Sample]:
        yield from self._lags(fleet)
        yield from self._clients(fleet)

    def _clients(self, fleet: Fleet) -> Iterator[Sample]:
        cluster, role = fleet.cluster.db_cluster_identifier, "WRITER" if fleet.writable else "READER"
        for name, server in [(fleet.head, fleet.server), *fleet.readers.items()]:
            if name is not None and (clients := self._ask(server, _CLIENTS)) is not None:
                yield fleet.region, "DatabaseConnections", {"DBInstanceIdentifier": name}, float(clients)
                if name == fleet.head:
                    of_role = {"DBClusterIdentifier": cluster, "Role": role}
                    yield fleet.region, "DatabaseConnections", of_role, float(clients)

    def _lags(self, fleet: Fleet) -> Iterator[Sample]:
        cluster = fleet.cluster.db_cluster_identifier
        upstream = fleet.upstream
        if upstream is not None and (lag := self._lag(fleet.server, self._end(upstream))) is not None:
            yield fleet.region, "AuroraGlobalDBReplicationLag", {"DBClusterIdentifier": cluster}, lag
        for name, reader in list(fleet.readers.items()):
            if (lag := self._lag(reader, self._end(fleet))) is not None:
                yield fleet.region, "AuroraReplicaLag", {"DBInstanceIdentifier": name}, lag
                yield fleet.region, "AuroraReplicaLag", {"DBClusterIdentifier": cluster, "Role": "READER"}, lag

    def _end(self, fleet: Fleet) -> str | None:
        if (end := self._ask(fleet.server, _END)) is not None:
            self._ends[fleet.key] = str(end)
        return self._ends.get(fleet.key)

    def _lag(self, server: Server, end: str | None) -> float | None:
        lag = None if end is None else self._ask(server, _LAG, end)
        return None if lag is None else max(0.0, float(lag))

    def _ask(self, server: Server, question: str, *values: str) -> Any:
        """None from a server that does not answer."""
        import psycopg

        if not server.running:
            return None
        try:
            row = self._connection(server).execute(question.encode(), values or None).fetchone()
        except (psycopg.Error, PostgresFailed):
            self._close(server)
            return None
        return row[0] if row else None

    def _connection(self, server: Server) -> psycopg.Connection[Any]:
        if server not in self._open:
            stays = ExitStack()
            self._open[server] = stays.enter_context(server.connect()), stays
        return self._open[server][0]

    def _close(self, server: Server) -> None:
        if server in self._open:
            self._open.pop(server)[1].close()
