"""A replica catches up, and two writers are a split brain."""

from __future__ import annotations

from typing import Any

import pytest

from drillbook import catalogue, pythonic
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError
from drillbook.sql import read_only, replication
from drillbook.sql.database import Database
from drillbook.sql.replication import one_writer
from drillbook.world import World

from .conftest import INSTANCE, REGION, THERE, available, connected


def test_the_only_database_that_answers_as_writer_is_the_writer(world: World, database: Database) -> None:
    nowhere = Database(host="127.0.0.1", port=9, name="x", login="orders/login")
    assert one_writer(world, {"here": database}).value == "here takes writes"
    assert one_writer(world, {"here": database, "there": database}).value == "split brain: here and there take writes"
    assert one_writer(world, {"here": database, "there": nowhere}).ok is None
    read_only.stop_writes(world, database)
    assert one_writer(world, {"here": database}).ok is False


def test_a_primary_is_no_replica(world: World, database: Database) -> None:
    with pytest.raises(PermanentError, match="is no replica"):
        replication.wait_until_caught_up(world, database, database)


@pytest.mark.slow
def test_a_replica_catches_up_until_it_is_promoted(world: World, database: Database, instance: dict[str, Any]) -> None:
    far, name = session_of(world).client("rds", THERE), f"{world.run_id}-replica"
    far.create_db_instance_read_replica(
        DBInstanceIdentifier=name, SourceDBInstanceIdentifier=instance["DBInstanceArn"], SourceRegion=REGION
    )
    there = available(far, name)
    secrets = session_of(world).client("secretsmanager", THERE)
    secrets.create_secret(Name="orders/login", SecretString=_secret_text(world))
    replica = database.model_copy(update={"instance": name, "region": THERE})
    with connected(instance, database.name or "") as connection:
        connection.execute("create table t as select generate_series(1, 5000) n")
    end = replication.wait_until_caught_up(world, database, replica, timeout=30)
    assert "/" in end
    with connected(there, database.name or "") as connection:
        assert connection.execute("select count(*) from t").fetchone() == (5000,)
    both = {"here": database.model_dump(), "there": replica.model_dump()}
    probe = pythonic.construct(world, catalogue.resolve("probe", "sql.one_writer"), "x", {"databases": both})
    assert probe.read().value == "here takes writes"
    assert replication.behind(world, database, replica) >= 0
    with pytest.raises(PermanentError, match="is a replica itself"):
        replication.wait_until_caught_up(world, replica, replica)
    far.promote_read_replica(DBInstanceIdentifier=name)
    available(far, name)
    assert probe.read().value == "split brain: here and there take writes"
    far.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    assert database.instance == INSTANCE


def _secret_text(world: World) -> str:
    found = session_of(world).client("secretsmanager").get_secret_value(SecretId="orders/login")
    return str(found["SecretString"])
