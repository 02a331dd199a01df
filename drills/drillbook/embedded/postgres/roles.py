"""Who may log in: the master user of a database, who is no superuser, as on RDS.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Roles.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.embedded.postgres.server import Server

if TYPE_CHECKING:
    import psycopg

_GROUP = "rds_superuser"
_STRATEGIES = 15_00_00
"""PostgreSQL's version from which on a new database is by default written to the log, page by page: megabytes."""
_GRANTED = ("pg_monitor", "pg_signal_backend", "pg_read_all_stats")


def create_master(server: Server, name: str, password: str, database: str | None) -> None:
    """The master user, and the first database, which belongs to that user."""
    from psycopg import sql

    master = sql.Identifier(name)
    with server.connect() as admin:
        admin.execute(f"create role {_GROUP} nologin")
        for role in _GRANTED:
            admin.execute(sql.SQL("grant {} to {} with admin option").format(sql.Identifier(role), _group()))
        admin.execute(sql.SQL("create role {} login createdb createrole in role {}").format(master, _group()))
        admin.execute(sql.SQL("alter database postgres owner to {}").format(master))
        if database and database != "postgres":
            admin.execute(
                sql.SQL("create database {} owner {} strategy file_copy").format(sql.Identifier(database), master)
            )
        _set_password(admin, name, password)


def set_password(server: Server, name: str, password: str) -> None:
    """In effect for the next login on return. The password itself is never sent or logged: only its verifier is."""
    with server.connect() as admin:
        _set_password(admin, name, password)


def _set_password(admin: psycopg.Connection[Any], name: str, password: str) -> None:
    from psycopg import sql

    verifier = admin.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    admin.execute(sql.SQL("alter role {} password {}").format(sql.Identifier(name), sql.Literal(verifier)))


def _group() -> Any:
    from psycopg import sql

    return sql.Identifier(_GROUP)
