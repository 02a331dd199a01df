from __future__ import annotations

import json

import pytest

from drillbook.aws.faults.function import BadDeployment, BadDeploymentSettings
from drillbook.aws.session import session_of
from drillbook.errors import FaultError, UsageError
from drillbook.fault import Fault
from drillbook.world import World

from .functions import answer_of, make_artifact, make_function, package


def fault(world: World, function: str, artifact: str) -> BadDeployment:
    return BadDeployment(world, BadDeploymentSettings(function=function, artifact=artifact))


def test_a_bad_deployment_fails_every_invocation_and_is_taken_back(world: World, name: str) -> None:
    artifact = make_artifact(world, name, "old", "good", "not deployed yet")
    make_function(world, name, package("good"), SETTING="kept")
    made = fault(world, name, artifact)
    assert isinstance(made, Fault)
    kept = json.dumps(made.capture())
    assert not made.observe(json.loads(kept))
    made.apply(json.loads(kept))
    assert made.observe(json.loads(kept))
    assert answer_of(world, name)[1] == "Unhandled"
    again = fault(world, name, artifact)
    again.restore(json.loads(kept))
    again.restore(json.loads(kept))
    assert again.restored(json.loads(kept))
    assert answer_of(world, name) == ('"good"', "")


def test_restore_without_apply_changes_nothing(world: World, name: str) -> None:
    artifact = make_artifact(world, name, "good")
    make_function(world, name, package("good"))
    made = fault(world, name, artifact)
    before = made.capture()
    made.restore(before)
    assert made.restored(before)
    assert answer_of(world, name) == ('"good"', "")


def test_a_function_whose_code_is_kept_nowhere_is_not_broken(world: World, name: str) -> None:
    artifact = make_artifact(world, name, "another")
    make_function(world, name, package("good"))
    with pytest.raises(FaultError, match="so it could not be put back"):
        fault(world, name, artifact).capture()


def test_an_unversioned_bucket_will_do(world: World, name: str) -> None:
    s3 = session_of(world).client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "af-south-1"})
    s3.put_object(Bucket=name, Key="answering.zip", Body=package("good"))
    make_function(world, name, package("good"))
    made = fault(world, name, f"s3://{name}/answering.zip")
    before = made.capture()
    made.apply(before)
    made.restore(before)
    assert answer_of(world, name) == ('"good"', "")


def test_an_artifact_without_a_key_is_wrong_usage(world: World, name: str) -> None:
    make_function(world, name, package("good"))
    with pytest.raises(UsageError, match="names no artifact"):
        fault(world, name, "bucket-only").capture()
