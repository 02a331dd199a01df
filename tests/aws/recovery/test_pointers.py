"""What tells a service where its database is: secrets, parameters, environments; and functions that begin afresh."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from drillbook.aws.recovery import code, environment, parameter, secret
from drillbook.aws.session import session_of
from drillbook.errors import JournalError, PermanentError
from drillbook.world import World

from ..functions import answer_of, make_function, package  # noqa: TID252 - the same functions
from .attempts import changes, healed, killed_before_it_is_recorded

HOST = "new.cluster.example.com"


@pytest.fixture
def secrets(world: World) -> Any:
    return session_of(world).client("secretsmanager")


@pytest.fixture
def stored(secrets: Any, name: str) -> dict[str, Any]:
    fields = {"host": "old.cluster.example.com", "port": 5432, "password": "hush-hush"}
    secrets.create_secret(Name=name, SecretString=json.dumps(fields))
    return fields


def fields_of(secrets: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])
    return found


def test_a_secret_is_repointed_once_keeps_its_other_fields_and_goes_back(
    world: World, secrets: Any, name: str, stored: dict[str, Any]
) -> None:
    for _ in range(2):
        secret.repoint(world, name, {"host": HOST})
    assert changes(world) == 1
    assert secret.points_to(world, name, {"host": HOST})
    assert fields_of(secrets, name) == stored | {"host": HOST}
    assert world.journal is not None
    assert "hush-hush" not in world.journal.as_jsonl(world.run_id)
    assert all(b"hush-hush" not in file.read_bytes() for file in world.workdir.glob("journal*"))
    assert healed(world).ok
    assert fields_of(secrets, name) == stored


def test_a_secret_whose_change_was_not_recorded_is_not_changed_again(
    world: World, secrets: Any, name: str, stored: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with killed_before_it_is_recorded(monkeypatch):
        secret.repoint(world, name, {"host": HOST})
    secret.repoint(world, name, {"host": HOST})
    assert changes(world) == 1
    assert len(secrets.list_secret_version_ids(SecretId=name)["Versions"]) == 2


def test_what_must_not_be_changed_in_a_secret_is_refused(
    world: World, secrets: Any, name: str, stored: dict[str, Any]
) -> None:
    with pytest.raises(JournalError, match="shows a secret"):
        secret.repoint(world, name, {"password": "correct-horse"})
    secrets.create_secret(Name=f"{name}-plain", SecretString="just text")
    with pytest.raises(PermanentError, match="no JSON object"):
        secret.repoint(world, f"{name}-plain", {"host": HOST})
    with pytest.raises(PermanentError) as error:
        secret.repoint(world, f"{name}-missing", {"host": HOST})
    assert error.value.code == "ResourceNotFoundException"
    assert fields_of(secrets, name) == stored


@pytest.mark.slow
def test_a_replica_is_not_written_to_and_the_error_says_what_makes_it_a_secret_of_its_own(
    world: World, secrets: Any, name: str, stored: dict[str, Any]
) -> None:
    secrets.replicate_secret_to_regions(SecretId=name, AddReplicaRegions=[{"Region": "eu-west-1"}])
    with pytest.raises(PermanentError, match="stop-replication-to-replica"):
        secret.repoint(world, name, {"host": HOST}, region="eu-west-1")
    assert fields_of(secrets, name) == stored


# -- parameters -------------------------------------------------------------------------------------------------------


@pytest.fixture
def ssm(world: World) -> Any:
    return session_of(world).client("ssm")


def test_a_parameter_is_repointed_once_keeps_its_settings_and_goes_back(world: World, ssm: Any, name: str) -> None:
    path = f"/{name}/writer"
    ssm.put_parameter(
        Name=path, Value="old.example.com", Type="String", Description="The writer", AllowedPattern=r"\.example\.com$"
    )
    for _ in range(2):
        parameter.repoint(world, path, HOST)
    assert changes(world) == 1
    assert parameter.value_of(world, path) == HOST
    (described,) = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [path]}])["Parameters"]
    assert (described["Description"], described["AllowedPattern"]) == ("The writer", r"\.example\.com$")
    assert healed(world).ok
    assert parameter.value_of(world, path) == "old.example.com"


def test_a_parameter_that_is_secret_or_missing_is_refused(world: World, ssm: Any, name: str) -> None:
    ssm.put_parameter(Name=f"/{name}/key", Value="hush-hush", Type="SecureString")
    with pytest.raises(PermanentError, match="is a SecureString"):
        parameter.repoint(world, f"/{name}/key", HOST)
    with pytest.raises(PermanentError) as error:
        parameter.repoint(world, f"/{name}/missing", HOST)
    assert error.value.code == "ParameterNotFound"
    assert changes(world) == 0


def test_a_flag_stops_writes_and_lets_them_in_as_it_was(
    world: World, ssm: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag = f"/{name}/read-only"
    ssm.put_parameter(Name=flag, Value="no", Type="String")
    parameter.resume_writes(world, flag)
    with killed_before_it_is_recorded(monkeypatch):
        parameter.stop_writes(world, flag)
    parameter.stop_writes(world, flag)
    assert parameter.value_of(world, flag) == "true"
    for _ in range(2):
        parameter.resume_writes(world, flag)
    assert parameter.value_of(world, flag) == "no"
    assert changes(world) == 2


# -- functions --------------------------------------------------------------------------------------------------------

COUNTING = "calls = []\ndef handler(event, context):\n    calls.append(1)\n    return len(calls)\n"


def test_a_restarted_function_has_forgotten_what_it_cached(world: World, name: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("answering.py"), COUNTING)
    make_function(world, name, packed.getvalue(), TABLE="old")
    assert [answer_of(world, name)[0] for _ in range(2)] == ["1", "2"]
    for _ in range(2):
        environment.restart(world, name, why="new endpoint")
    assert environment.is_restarted(world, name, why="new endpoint")
    assert not environment.is_restarted(world, name, why="another")
    assert answer_of(world, name)[0] == "1"
    assert environment.variable(world, name, "TABLE") == "old"
    assert changes(world) == 1
    assert healed(world).ok
    assert environment.variable(world, name, environment.RESTARTED) is None


def test_a_standbys_function_gets_code_and_variables_in_its_region(world: World, name: str) -> None:
    s3 = session_of(world).client("s3", "eu-west-1")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket=name, Key="new.zip", Body=package("new"))
    s3.put_object(Bucket=name, Key="old.zip", Body=package("old"))
    session_of(world).client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    functions = session_of(world).client("lambda", "eu-west-1")
    functions.create_function(
        FunctionName=name, Runtime="python3.12", Role=f"arn:aws:iam::111122223333:role/{name}",
        Handler="answering.handler", Code={"ZipFile": package("old")}, Environment={"Variables": {"LEVEL": "INFO"}},
    )  # fmt: skip
    for _ in range(2):
        code.redeploy(world, name, f"{name}/new.zip", {"TABLE": "replica"}, region="eu-west-1")
    assert changes(world) == 2
    assert code.runs(world, name, f"{name}/new.zip", region="eu-west-1")
    found = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    assert found == {"LEVEL": "INFO", "TABLE": "replica"}
    with pytest.raises(PermanentError) as error:
        code.redeploy(world, name, f"{name}/new.zip", {})
    assert error.value.code == "ResourceNotFoundException"
