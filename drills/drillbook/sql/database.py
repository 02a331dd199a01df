"""Where a database is, and how one logs in. A password comes from Secrets Manager or the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import field_validator, model_validator

from drillbook.aws.failures import calling
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError, UsageError
from drillbook.fault import Settings
from drillbook.sql.driver import asking, driver

if TYPE_CHECKING:
    import psycopg

    from drillbook.world import World

PORT = 5432
TIMEOUT = 10.0
MANAGED = "managed"
_GONE = ("3D000", "42P01", "DBClusterNotFoundFault", "DBInstanceNotFound", "DBInstanceNotFoundFault")
"""No such database, no such table (PostgreSQL: error codes), no such cluster or instance (RDS)."""


class Database(Settings):
    """One of ``instance``, ``cluster`` and ``host`` says where it is; ``login`` or ``login_env`` how to log in."""

    instance: str | None = None
    cluster: str | None = None
    host: str | None = None
    port: int = PORT
    """Of ``host``; RDS says it of its own."""
    reader: bool = False
    """A cluster's reader endpoint instead of its writer's."""
    region: str | None = None
    name: str | None = None
    """The database; else the one that the secret names, else the one it was created with."""
    user: str | None = None
    """Else the one that the secret names, else the master user."""
    login: str | None = None
    """Name of a secret in Secrets Manager, JSON with ``password`` and perhaps ``username`` and ``dbname``;
    ``managed``: the one in which RDS itself keeps the master user's."""
    login_env: str | None = None
    """Name of an environment variable that holds the password."""
    tls: Literal["disable", "prefer", "require", "verify-full"] = "prefer"
    authorities: str | None = None
    """File of the certificates to trust, for ``verify-full``; RDS's bundle is not among the system's."""

    @field_validator("login")
    @classmethod
    def _by_name(cls, login: str | None) -> str | None:
        if login and login.startswith("arn:"):
            raise ValueError("name the secret by its name, which may be shown; its ARN is kept out of reports")
        return login

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if sum(place is not None for place in (self.instance, self.cluster, self.host)) != 1:
            raise ValueError("give one of instance, cluster and host")
        if (self.login is None) == (self.login_env is None):
            raise ValueError("give one of login and login_env")
        return self

    def __str__(self) -> str:
        place = self.instance or self.cluster or f"{self.host}:{self.port}"
        return f"{place}/{self.name}" if self.name else str(place)


@dataclass(frozen=True)
class Endpoint:
    """All that a client needs. The password never shows in a ``repr``."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)


def endpoint(world: World, database: Database) -> Endpoint:
    """Find out where ``database`` is, and its password.

    Raises PermanentError if RDS does not know it, it has no endpoint, or the secret holds no password.
    """
    place = _place(world, database)
    known = _secret(world, database, place)
    name, user = database.name or known.get("dbname"), database.user or known.get("username")
    return Endpoint(
        host=place["host"],
        port=place["port"],
        name=str(name or place["name"] or "postgres"),
        user=str(user or place["user"] or ""),
        password=str(known["password"]),
    )


@contextmanager
def connect(
    world: World, database: Database, *, read_only: bool | None = None, timeout: float = TIMEOUT
) -> Iterator[psycopg.Connection[Any]]:
    """A connection on which each statement is its own transaction; closed at the end.

    ``read_only``: True refuses to write, False overrides a read-only mode, None leaves it to the database.
    ``timeout`` is seconds, for connecting (2 at least) and for each statement. Within the block psycopg's errors
    become TemporaryError or PermanentError.
    """
    psycopg, where = driver(), endpoint(world, database)
    options = [f"-c statement_timeout={round(timeout * 1000)}"]
    if read_only is not None:
        options.append(f"-c default_transaction_read_only={'on' if read_only else 'off'}")
    with asking(f"use the database {database}"):
        connection = psycopg.connect(
            host=where.host, port=where.port, dbname=where.name, user=where.user, password=where.password,
            autocommit=True, options=" ".join(options), connect_timeout=max(2, round(timeout)),
            tcp_user_timeout=round(timeout * 1000), keepalives_idle=max(1, round(timeout / 2)),
            sslmode=database.tls, sslrootcert=database.authorities, application_name="drillbook",
        )  # fmt: skip
        with connection:
            yield connection


def rows(connection: psycopg.Connection[Any], statement: str, *values: object) -> list[tuple[Any, ...]]:
    """What ``statement`` answers; nothing if it has no result. ``%`` stands for itself unless values are given."""
    answer = connection.execute(statement.encode(), values or None)
    return answer.fetchall() if answer.description else []


def is_gone(error: PermanentError) -> bool:
    """Does the error say that there is no such database, table, instance or cluster any more?"""
    return error.code in _GONE


def _place(world: World, database: Database) -> dict[str, Any]:
    if database.host is not None:
        return {"host": database.host, "port": database.port, "name": None, "user": None, "found": {}}
    rds = session_of(world).client("rds", database.region)
    with calling(f"find the database {database}"):
        if database.instance is not None:
            found = rds.describe_db_instances(DBInstanceIdentifier=database.instance)["DBInstances"][0]
            at, name = found.get("Endpoint", {}), found.get("DBName")
            host, port = at.get("Address"), at.get("Port")
        else:
            found = rds.describe_db_clusters(DBClusterIdentifier=database.cluster)["DBClusters"][0]
            host, port = found.get("ReaderEndpoint" if database.reader else "Endpoint"), found.get("Port")
            name = found.get("DatabaseName")
    if not host:
        raise PermanentError(f"{database} has no endpoint yet", do="wait until it is available")
    return {"host": host, "port": port, "name": name, "user": found.get("MasterUsername"), "found": found}


def _secret(world: World, database: Database, place: dict[str, Any]) -> dict[str, Any]:
    if database.login_env is not None:
        if not (value := os.environ.get(database.login_env)):
            raise UsageError(
                f"the environment variable {database.login_env} is not set", do=f"export what opens {database}"
            )
        return {"password": value}
    asked = database.login
    if asked == MANAGED:
        asked = place["found"].get("MasterUserSecret", {}).get("SecretArn")
        if asked is None:
            raise PermanentError(f"RDS keeps no secret for {database}", do="name the secret under login")
    with calling(f"read the secret that opens {database}"):
        secrets = session_of(world).client("secretsmanager", database.region)
        text = secrets.get_secret_value(SecretId=asked)["SecretString"]
    return _parsed(text, database)


def _parsed(text: str, database: Database) -> dict[str, Any]:
    """The secret's members. Nothing of ``text`` may reach the error."""
    try:
        known = json.loads(text)
        if isinstance(known, dict) and known.get("password"):
            return known
    except ValueError:
        known = None
    raise PermanentError(
        f"the secret that opens {database} is no JSON object with a member password",
        do='store {"username": …, "password": …}, as RDS does',
    )
