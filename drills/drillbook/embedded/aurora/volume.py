"""Copies of a cluster's storage volume."""

from __future__ import annotations

from pathlib import Path

from drillbook.embedded.postgres.account import Account
from drillbook.embedded.postgres.copies import copy_tree
from drillbook.embedded.postgres.server import Server


def copy_volume(server: Server, target: Path, account: Account) -> None:
    """A copy that a server can be started on, of one that runs or rests."""
    if server.running:
        server.base_backup(target)
    else:
        copy_tree(server.data, target, account)


def forget_upstream(server: Server) -> None:
    """The volume may have been a copy of a standby's; this server is none."""
    (server.data / "standby.signal").unlink(missing_ok=True)
    server.settings.pop("primary_conninfo", None)
