"""The dispatch ledger in Aurora PostgreSQL: for each incident its newest revision, and what is owed for it.

The cluster is asked of RDS by its name, so that a promoted, failed over or restored one is found where it is now. On
AWS psycopg comes as a layer.
"""

from __future__ import annotations

import json
import os
from typing import Any

import botocore.session
import psycopg
from botocore.config import Config

_QUICK = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 2})
_aws = botocore.session.get_session()
_open: psycopg.Connection[Any] | None = None

RECORD = """insert into dispatches (incident_id, revision, note, vendor_id, fee_cents) values (%s, 1, %s, %s, 9500)
    on conflict (incident_id) do nothing returning revision"""
CHANGE = """update dispatches set revision = revision + 1, note = %s, status = %s, changed_at = now()
    where incident_id = %s and status <> 'cancelled' returning revision"""
CANCEL = """update dispatches set revision = revision + 1, note = '', status = 'cancelled', changed_at = now()
    where incident_id = %s returning revision"""
LOOK = "select revision, note, status from dispatches where incident_id = %s"


def ask(statement: str, *values: object) -> tuple[Any, ...] | None:
    """The one row that ``statement`` answers. A connection that broke is made anew for the next request."""
    global _open
    try:
        if _open is None or _open.closed:
            _open = _connect()
        return _open.execute(statement.encode(), values or None).fetchone()
    except psycopg.Error:
        if _open is not None:
            _open.close()
        _open = None
        raise


def _connect() -> psycopg.Connection[Any]:
    cluster = _client("rds").describe_db_clusters(DBClusterIdentifier=os.environ["DB_CLUSTER"])["DBClusters"][0]
    secret = json.loads(_client("secretsmanager").get_secret_value(SecretId=os.environ["DB_SECRET"])["SecretString"])
    return psycopg.connect(
        host=cluster["Endpoint"],
        port=cluster["Port"],
        dbname=cluster["DatabaseName"],
        user=secret["username"],
        password=secret["password"],
        autocommit=True,
        connect_timeout=2,
        tcp_user_timeout=2000,
        options="-c statement_timeout=3000",
    )


def _client(service: str) -> Any:
    return _aws.create_client(service, config=_QUICK)
