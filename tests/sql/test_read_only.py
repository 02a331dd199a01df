"""Writes are stopped and resumed, and heal lets them back."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from drillbook.errors import PermanentError
from drillbook.events import EventStream
from drillbook.heal import heal
from drillbook.sql import read_only
from drillbook.sql.database import Database, connect, rows
from drillbook.world import World

from .conftest import USER, connected


def healed(world: World) -> bool:
    assert world.journal is not None
    return heal(world.journal, lambda entry: world, world.clock, EventStream(world.clock), force=True).ok


def changes(world: World) -> int:
    assert world.journal is not None
    return len(world.journal.entries(world.run_id))


def writes(instance: dict[str, Any], database: Database) -> bool:
    try:
        with connected(instance, database.name or "") as connection:
            connection.execute("create table if not exists t (n int)")
            connection.execute("insert into t values (1)")
    except psycopg.errors.ReadOnlySqlTransaction:
        return False
    return True


def test_writes_are_stopped_once_and_resumed(world: World, database: Database, instance: dict[str, Any]) -> None:
    assert writes(instance, database)
    with connected(instance, database.name or "") as pooled:
        for _ in range(2):
            read_only.stop_writes(world, database)
        with pytest.raises(psycopg.OperationalError):
            pooled.execute("insert into t values (2)")
    assert not writes(instance, database)
    assert read_only.is_read_only(world, database)
    assert changes(world) == 1
    for _ in range(2):
        read_only.resume_writes(world, database)
    assert writes(instance, database)
    assert changes(world) == 2
    assert healed(world)
    assert writes(instance, database)
    assert read_only.mode_of(world, database) is None


def test_heal_lets_writes_back_also_after_a_killed_attempt(
    world: World, database: Database, instance: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> int:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(read_only, "_end_sessions", die)
        with pytest.raises(Killed):
            read_only.stop_writes(world, database)
    with connected(instance, database.name or "", options="-c default_transaction_read_only=off") as left:
        read_only.stop_writes(world, database)
        with pytest.raises(psycopg.OperationalError):
            left.execute("create table t (n int)")
    assert read_only.is_stopped_by_us(world, database)
    assert healed(world)
    assert writes(instance, database)


def test_a_mode_that_its_owner_set_stays(world: World, database: Database, instance: dict[str, Any]) -> None:
    with connected(instance, database.name or "") as connection:
        connection.execute(f"alter database {database.name} set default_transaction_read_only = on".encode())
        connection.execute(f"alter database {database.name} set work_mem = '8MB'".encode())
    read_only.stop_writes(world, database)
    read_only.resume_writes(world, database)
    assert changes(world) == 0
    assert read_only.mode_of(world, database) == "on"
    with connect(world, database) as connection:
        assert rows(connection, "show work_mem") == [("8MB",)]


@pytest.mark.slow
def test_sessions_that_may_not_be_ended_are_told(world: World, database: Database, instance: dict[str, Any]) -> None:
    weak, phrase = f"weak_{database.name}", "weak-phrase-1"
    with connected(instance, database.name or "") as connection:
        connection.execute(f"create role {weak} login password '{phrase}'".encode())
        connection.execute(f"grant {weak} to {USER}".encode())
        connection.execute(f"alter database {database.name} owner to {weak}".encode())
    as_weak = database.model_copy(update={"user": weak, "login": None, "login_env": "WEAK_LOGIN"})
    with pytest.MonkeyPatch.context() as patch, connected(instance, database.name or ""):
        patch.setenv("WEAK_LOGIN", phrase)
        with pytest.raises(PermanentError, match=r"sessions of app on .* may not be ended") as refused:
            read_only.stop_writes(world, as_weak)
        assert refused.value.code == "42501"
        assert healed(world)
    assert writes(instance, database)


def test_a_copy_of_a_read_only_database_is_let_write(
    world: World, database: Database, instance: dict[str, Any]
) -> None:
    with connected(instance, database.name or "") as connection:
        connection.execute(f'alter database "{database.name}" set default_transaction_read_only = on')
    assert not writes(instance, database)
    for _ in range(2):
        read_only.let_write(world, database)
    assert writes(instance, database)
    assert changes(world) == 1
    assert healed(world)
    assert not writes(instance, database)


def test_a_database_that_is_gone_has_no_mode_to_set_back(world: World, database: Database) -> None:
    gone = database.model_copy(update={"instance": "no-such-database"})
    mode = read_only.DatabaseMode(world, read_only.DatabaseModeSettings(database=gone, mode="on"))
    mode.restore({"mode": None})
    assert mode.restored({"mode": None})
