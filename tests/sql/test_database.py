"""Reaching a database: by its endpoint, with a login that is shown to nobody."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from pydantic import ValidationError

from drillbook.aws.session import session_of
from drillbook.errors import PermanentError, TemporaryError, UsageError
from drillbook.redaction import find_secrets
from drillbook.sql.database import Database, connect, endpoint, rows
from drillbook.sql.query import SqlQuery, SqlQuerySettings
from drillbook.world import World

from .conftest import INSTANCE, LOGIN, USER

READ = "select current_database()"


def test_a_secret_opens_the_database_that_it_names(world: World, instance: dict[str, Any]) -> None:
    with connect(world, Database(instance=INSTANCE, login="orders/login")) as connection:
        assert rows(connection, "select current_database(), current_user") == [("orders", USER)]


def test_a_password_of_the_environment_opens_it_too(
    world: World, instance: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = instance["Endpoint"]
    known = Database(host=at["Address"], port=at["Port"], name="orders", user=USER, login_env="ORDERS_LOGIN")
    with pytest.raises(UsageError, match="ORDERS_LOGIN is not set"):
        endpoint(world, known)
    monkeypatch.setenv("ORDERS_LOGIN", LOGIN)
    with connect(world, known) as connection:
        assert rows(connection, READ) == [("orders",)]
    assert LOGIN not in repr(endpoint(world, known))


def test_the_secret_that_rds_keeps_itself_is_found(world: World, instance: dict[str, Any]) -> None:
    with pytest.raises(PermanentError, match="RDS keeps no secret for orders-db"):
        endpoint(world, Database(instance=INSTANCE, login="managed"))


def test_a_secret_that_is_none_is_told_without_its_text(world: World, instance: dict[str, Any]) -> None:
    secrets = session_of(world).client("secretsmanager")
    secrets.create_secret(Name=f"{world.run_id}-text", SecretString="hush-hush")
    with pytest.raises(PermanentError, match="no JSON object with a member password") as refused:
        endpoint(world, Database(instance=INSTANCE, login=f"{world.run_id}-text"))
    assert "hush" not in str(refused.value)
    assert refused.value.__cause__ is None
    with pytest.raises(PermanentError) as refused:
        endpoint(world, Database(instance=INSTANCE, login="nobody"))
    assert refused.value.code == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"login": "x"}, "one of instance, cluster and host"),
        ({"instance": "a", "cluster": "b", "login": "x"}, "one of instance, cluster and host"),
        ({"instance": "a"}, "one of login and login_env"),
        ({"instance": "a", "login": "arn:aws:secretsmanager:eu-west-1:1:secret:x"}, "by its name"),
    ],
)
def test_settings_that_cannot_be_are_refused(given: dict[str, str], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Database.model_validate(given)


def test_settings_may_stand_in_the_journal() -> None:
    text = Database(instance="orders-db", login="orders/password", region="eu-west-1").model_dump_json()
    assert find_secrets(text) == []


def test_a_wrong_password_will_not_get_better(
    world: World, instance: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERS_LOGIN", "quite-wrong-1")
    wrong = Database(instance=INSTANCE, login_env="ORDERS_LOGIN")
    with pytest.raises(PermanentError, match="authentication failed") as refused, connect(world, wrong):
        pass
    assert refused.value.code == "28000"
    assert "quite-wrong-1" not in str(refused.value)


def test_a_database_that_is_not_there_is_told(world: World, instance: dict[str, Any]) -> None:
    with pytest.raises(PermanentError) as refused, connect(world, Database(instance="none", login="orders/login")):
        pass
    assert refused.value.code == "DBInstanceNotFound"
    nowhere = Database(host="127.0.0.1", port=9, name="x", login="orders/login")
    with pytest.raises(TemporaryError, match="could not use the database"), connect(world, nowhere):
        pass


def test_a_statement_that_takes_too_long_is_ended(world: World, database: Database) -> None:
    with (
        pytest.raises(TemporaryError) as refused,
        connect(world, database, timeout=0.2) as connection,
    ):
        rows(connection, "select pg_sleep(30)")
    assert refused.value.code == "57014"


def test_without_psycopg_the_error_says_what_to_install(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    settings = SqlQuerySettings(database=Database(instance=INSTANCE, login="orders/login"), sql="select 1")
    with pytest.raises(UsageError, match=r"pip install 'drillbook\[postgres\]'"):
        SqlQuery(world, settings).read()
