"""Deploying: CloudFormation, and any command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from drillbook.aws.recovery import command, stacks
from drillbook.aws.recovery.stack_status import described
from drillbook.aws.session import session_of
from drillbook.errors import JournalError, PermanentError, UsageError
from drillbook.world import World

from .attempts import changes, healed, killed_before_it_is_recorded


def template(folder: Path, name: str, *topics: str, **more: Any) -> str:
    resources = {
        f"Topic{number}": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": f"{name}-{topic}"}}
        for number, topic in enumerate(topics)
    }
    body = {
        "Parameters": {"Stage": {"Type": "String"}, "Colour": {"Type": "String", "Default": "blue"}},
        "Resources": resources | more,
        "Outputs": {"Stage": {"Value": {"Ref": "Stage"}}, "Colour": {"Value": {"Ref": "Colour"}}},
    }
    file = folder / f"{name}-{len(topics)}.json"
    file.write_text(json.dumps(body))
    return str(file)


def topics(world: World, name: str) -> set[str]:
    found = session_of(world).client("sns").list_topics()["Topics"]
    return {each["TopicArn"].rpartition(f"{name}-")[2] for each in found if f"{name}-" in each["TopicArn"]}


def test_a_stack_is_made_once_and_heal_deletes_it(world: World, name: str, tmp_path: Path) -> None:
    file = template(tmp_path, name, "one")
    for _ in range(2):
        assert stacks.deploy(world, name, file, {"Stage": "dr"}) == {"Stage": "dr", "Colour": "blue"}
    assert changes(world) == 1
    assert stacks.is_deployed(world, name, file, {"Stage": "dr"})
    assert topics(world, name) == {"one"}
    assert healed(world).ok
    assert described(world, name) is None
    assert topics(world, name) == set()


@pytest.mark.slow
def test_a_deployment_that_was_cut_off_is_adopted(
    world: World, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = template(tmp_path, name, "one")
    with killed_before_it_is_recorded(monkeypatch):
        stacks.deploy(world, name, file, {"Stage": "dr"})
    assert stacks.deploy(world, name, file, {"Stage": "dr"})["Stage"] == "dr"
    assert changes(world) == 1
    assert healed(world).ok
    assert described(world, name) is None


def allowed(world: World, name: str, file: str, **parameters: str) -> None:
    """A stack that stood there before the drill, tagged as drilled resources are."""
    cloudformation = session_of(world).client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=Path(file).read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Tags=[{"Key": "chaos", "Value": "allowed"}, {"Key": "owner", "Value": "shop"}],
    )
    stacks.DeployedStack(world, stacks.DeployedStackSettings(name=name, template=file)).wait()


def test_a_stack_that_stands_is_changed_keeps_what_nobody_names_and_heal_changes_it_back(
    world: World, name: str, tmp_path: Path
) -> None:
    allowed(world, name, template(tmp_path, name, "one"), Stage="prod", Colour="red")
    told = stacks.deploy(world, name, template(tmp_path, name, "one", "two"), {"Stage": "dr"})
    assert told == {"Stage": "dr", "Colour": "red"}
    assert topics(world, name) == {"one", "two"}
    found = described(world, name)
    assert found is not None
    assert {"Key": "owner", "Value": "shop"} in found["Tags"]
    assert healed(world).ok
    assert stacks.outputs(world, name) == {"Stage": "prod", "Colour": "red"}
    assert topics(world, name) == {"one"}


def test_a_strangers_stack_is_neither_changed_nor_deleted(world: World, name: str, tmp_path: Path) -> None:
    file = template(tmp_path, name, "one")
    session_of(world).client("cloudformation").create_stack(
        StackName=name,
        TemplateBody=Path(file).read_text(),
        Parameters=[{"ParameterKey": "Stage", "ParameterValue": "prod"}],
    )
    with pytest.raises(PermanentError, match="not ours: it lacks chaos=allowed"):
        stacks.deploy(world, name, template(tmp_path, name, "one", "two"), {"Stage": "dr"})
    with pytest.raises(PermanentError, match="was not made by this run"):
        stacks.remove(world, name)
    assert topics(world, name) == {"one"}
    assert changes(world) == 0


@pytest.mark.slow
def test_a_failure_names_the_resource_and_the_next_attempt_begins_anew(world: World, name: str, tmp_path: Path) -> None:
    bad = template(tmp_path, name, "one", Bad={"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": name}})
    with pytest.raises(PermanentError, match="is ROLLBACK_COMPLETE: Bad: ") as error:
        stacks.deploy(world, name, bad, {"Stage": "dr"})
    assert error.value.code == "ROLLBACK_COMPLETE"
    stacks.deploy(world, name, template(tmp_path, name, "one"), {"Stage": "dr"})
    assert topics(world, name) == {"one"}
    assert healed(world).ok
    assert described(world, name) is None


@pytest.mark.slow
def test_a_rehearsals_stack_is_removed_and_heal_has_nothing_left_to_do(world: World, name: str, tmp_path: Path) -> None:
    stacks.deploy(world, name, template(tmp_path, name, "one"), {"Stage": "dr"})
    for _ in range(2):
        stacks.remove(world, name)
    assert topics(world, name) == set()
    assert healed(world).ok


def test_what_cannot_be_deployed_changes_nothing(world: World, name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        stacks.deploy(world, name, "no-such-template.json")
    with pytest.raises(PermanentError, match="there is no stack"):
        stacks.outputs(world, name)
    with pytest.raises(JournalError, match="shows a secret"):
        stacks.deploy(world, name, template(tmp_path, name, "one"), {"DbPassword": "correct-horse"})
    assert described(world, name) is None


# -- commands ---------------------------------------------------------------------------------------------------------


def test_a_command_deploys_once_and_is_undone(world: World, tmp_path: Path) -> None:
    made = tmp_path / "deployed"
    for _ in range(2):
        command.deploy(world, ["sh", "-c", f"echo x >> {made}"], done=["test", "-e", str(made)], undo=["rm", str(made)])
    assert made.read_text() == "x\n"
    assert changes(world) == 1
    assert healed(world).ok
    assert not made.exists()


def test_what_a_command_found_deployed_stays(world: World, tmp_path: Path) -> None:
    made = tmp_path / "deployed"
    made.touch()
    command.deploy(world, ["false"], done=["test", "-e", str(made)], undo=["rm", str(made)])
    assert changes(world) == 0
    assert made.exists()


@pytest.mark.slow
def test_a_failing_command_says_why_and_its_half_is_undone(world: World, tmp_path: Path) -> None:
    made = tmp_path / "deployed"
    with pytest.raises(PermanentError, match="no such module"):
        command.deploy(
            world,
            ["sh", "-c", f"touch {made}; echo no such module >&2; exit 3"],
            done=["test", "-e", str(made)],
            undo=["rm", "-f", str(made)],
        )
    assert healed(world).ok
    assert not made.exists()
