"""The connection to Aurora: found at cold start, kept, and made anew when it broke.

The parameter holds the name of the writer's endpoint, whose first label is the cluster. Port and address are asked of
RDS: in the embedded cloud the endpoints of a region differ by their ports alone, and those are new in every cloud.
"""

import json
import os
from contextlib import suppress
from functools import cache

import boto3
import psycopg

CONNECT_TIMEOUT = 2
"""Seconds."""

_open = None


class Unavailable(Exception):
    """The database does not answer, or not as the writer."""


def run(sql, *values):
    """The rows that a statement returns; each statement commits."""
    global _open
    try:
        if _open is None:
            _open = connect()
        found = _open.execute(sql, values)
        return found.fetchall() if found.description else []
    except psycopg.errors.ReadOnlySqlTransaction as error:
        if became_reader():
            forget()
        raise Unavailable from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        forget()
        raise Unavailable from error


def became_reader():
    """After a failover. In read-only mode it is the writer all the same, and another connection could do no more."""
    with suppress(psycopg.Error):
        return _open.execute("select pg_is_in_recovery()").fetchone()[0]
    return True


def forget():
    """What broke is not used again."""
    global _open
    broken, _open = _open, None
    if broken is not None:
        with suppress(psycopg.Error):
            broken.close()


def connect():
    return psycopg.connect(
        **address(), **login(), dbname=os.environ["DATABASE"], connect_timeout=CONNECT_TIMEOUT, autocommit=True
    )


@cache
def client(service):
    """Clients are slow to make and good for ever."""
    return boto3.client(service)


def address():
    name = client("ssm").get_parameter(Name=os.environ["WRITER_ENDPOINT"])["Parameter"]["Value"]
    clusters = client("rds").describe_db_clusters(DBClusterIdentifier=name.partition(".")[0])
    return {"host": clusters["DBClusters"][0]["Endpoint"], "port": clusters["DBClusters"][0]["Port"]}


def login():
    kept = client("secretsmanager").get_secret_value(SecretId=os.environ["DATABASE_LOGIN"])
    secret = json.loads(kept["SecretString"])
    return {"user": secret["username"], "password": secret["password"]}
