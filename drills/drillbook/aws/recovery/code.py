"""Roll a function back to a package that worked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from drillbook.aws.artifacts import Artifact, artifact_at, find, hash_of
from drillbook.aws.failures import calling
from drillbook.aws.functions import wait_until_settled
from drillbook.aws.recovery import environment
from drillbook.aws.recovery.journalled import make
from drillbook.aws.session import session_of
from drillbook.events import Json
from drillbook.fault import Settings

if TYPE_CHECKING:
    from drillbook.world import World


class DeployedCodeSettings(Settings):
    function: str
    artifact: str
    """``bucket/key`` of the package to deploy."""
    current: str
    """``bucket/key`` where the function's present package is kept, to go back to."""
    region: str | None = None


class DeployedCode:
    """Deploy a package to a function.

    Undoing it deploys what ran before, if that is a kept package. Code that is kept nowhere (a bad deployment, the
    usual reason to roll back) is not brought back: only who deployed it could, and nobody wants it.
    """

    Settings = DeployedCodeSettings

    def __init__(self, world: World, settings: DeployedCodeSettings) -> None:
        self._settings, self._world = settings, world
        self._session = session_of(world)
        self._functions = self._session.client("lambda", settings.region)
        self.settle = self._session.settle

    def describe(self) -> str:
        return f"deploy {self._settings.artifact} to the function {self._settings.function}"

    def touches(self) -> list[str]:
        region = self._settings.region or self._session.region
        return [f"arn:aws:lambda:{region}:{self._session.account}:function:{self._settings.function}"]

    def capture(self) -> Json:
        sha256 = self._sha256()
        for place in (self._settings.current, self._settings.artifact):
            if kept := find(self._session, self._settings.region, artifact_at(place), sha256):
                return {"sha256": sha256, "artifact": kept.model_dump()}
        return {"sha256": sha256, "artifact": None}

    def apply(self, before: Json) -> None:  # noqa: ARG002 - the settings say it all
        self._deploy(artifact_at(self._settings.artifact))

    def restore(self, before: Json) -> None:
        if not self.restored(before):
            self._deploy(Artifact.model_validate(before["artifact"]))

    def restored(self, before: Json) -> bool:
        return before["artifact"] is None or bool(self._sha256() == before["sha256"])

    def _deploy(self, artifact: Artifact) -> None:
        with calling(f"deploy {artifact} to {self._settings.function}"):
            self._functions.update_function_code(FunctionName=self._settings.function, **artifact.as_code())
        self._sha256()

    def _sha256(self) -> str:
        sha256: str = wait_until_settled(self._functions, self._settings.function, self._world.clock)["CodeSha256"]
        return sha256


def runs(world: World, function: str, artifact: str, *, region: str | None = None) -> bool:
    """Is the package at ``artifact`` (its newest version) what ``function`` runs?"""
    functions = session_of(world).client("lambda", region)
    deployed = wait_until_settled(functions, function, world.clock)["CodeSha256"]
    return bool(deployed == hash_of(session_of(world), region, artifact_at(artifact)))


def deploy(world: World, function: str, artifact: str, *, current: str = "", region: str | None = None) -> None:
    """Make ``function`` run the package at ``artifact`` (``bucket/key``); ``current`` is where its own is kept.

    The bucket must be in the function's region (AWS: UpdateFunctionCode, S3Bucket).
    """
    if not runs(world, function, artifact, region=region):
        settings = DeployedCodeSettings(
            function=function, artifact=artifact, current=current or artifact, region=region
        )
        make(world, DeployedCode, settings)


def redeploy(
    world: World, function: str, artifact: str, variables: Mapping[str, str | None], *, region: str | None = None
) -> None:
    """Bring a standby's function up to date: its code from ``artifact``, and ``variables`` among its others.

    Raises PermanentError if the function is not there: a stack makes it.
    """
    deploy(world, function, artifact, region=region)
    environment.set_variables(world, function, variables, region=region)
