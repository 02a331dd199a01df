"""A bad deployment: a function's code is replaced by code that fails every invocation."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

from drillbook.aws.artifacts import Artifact, artifact_at, find
from drillbook.aws.failures import calling
from drillbook.aws.functions import wait_until_settled
from drillbook.aws.session import session_of
from drillbook.errors import FaultError
from drillbook.events import Json
from drillbook.fault import Settings as FaultSettings

if TYPE_CHECKING:
    from drillbook.world import World


class BadDeploymentSettings(FaultSettings):
    """``artifact`` is where the function's packages are kept: ``bucket/key``."""

    function: str
    artifact: str
    region: str | None = None


class BadDeployment:
    """Deploy code that raises.

    What to go back to is the version of ``artifact`` that has the hash of the running code: the journal keeps three
    names, no code, and another process can restore days later. A function whose code is not there is not broken.
    """

    Settings = BadDeploymentSettings

    def __init__(self, world: World, settings: BadDeploymentSettings) -> None:
        self._settings, self._world = settings, world
        self._session = session_of(world)
        self._name = world.fill(settings.function)
        self._functions = self._session.client("lambda", settings.region)
        self.settle = self._session.settle

    def describe(self) -> str:
        return f"deploy code that fails to the function {self._name}"

    def touches(self) -> list[str]:
        region = self._settings.region or self._session.region
        return [f"arn:aws:lambda:{region}:{self._session.account}:function:{self._name}"]

    def capture(self) -> Json:
        """Which package runs now. Raises FaultError if it could not be deployed again."""
        now = self._configuration()
        kept = artifact_at(self._world.fill(self._settings.artifact))
        artifact = find(self._session, self._settings.region, kept, now["CodeSha256"])
        if artifact is None:
            raise FaultError(
                f"no version of {kept} is what {self._name} runs ({now['CodeSha256']}), so it could not be put back",
                do="name the artifact the function is deployed from, in a versioned bucket",
            )
        return {"sha256": now["CodeSha256"], "handler": now["Handler"], "artifact": artifact.model_dump()}

    def apply(self, before: Json) -> None:
        with calling(self.describe()):
            self._functions.update_function_code(FunctionName=self._name, ZipFile=_failing_code(before["handler"]))
        self._configuration()

    def observe(self, before: Json) -> bool:
        """Is other code deployed, and no update of it under way?"""
        return bool(self._configuration()["CodeSha256"] != before["sha256"])

    def restore(self, before: Json) -> None:
        if self.restored(before):
            return
        artifact = Artifact.model_validate(before["artifact"])
        with calling(f"deploy {artifact} to {self._name} again"):
            self._functions.update_function_code(FunctionName=self._name, **artifact.as_code())
        self._configuration()

    def restored(self, before: Json) -> bool:
        return bool(self._configuration()["CodeSha256"] == before["sha256"])

    def _configuration(self) -> dict[str, Any]:
        return wait_until_settled(self._functions, self._name, self._world.clock)


def _failing_code(handler: str) -> bytes:
    """A Python package whose ``handler`` (``module.function``) raises. The same bytes each time: the same hash."""
    module, _, function = handler.rpartition(".")
    code = f'def {function}(event, context):\n    raise RuntimeError("a bad deployment")\n'
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        package.writestr(zipfile.ZipInfo(f"{module.replace('.', '/')}.py"), code)
    return packed.getvalue()
