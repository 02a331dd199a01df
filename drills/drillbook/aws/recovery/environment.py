"""Point a function somewhere else by its environment, without losing its other variables.

UpdateFunctionConfiguration replaces the whole environment (AWS: "UpdateFunctionConfiguration"): a command that
sends only the variable it means to change wipes the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling, code_of
from drillbook.aws.functions import wait_until_settled
from drillbook.aws.recovery.journalled import make
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError
from drillbook.events import Json
from drillbook.fault import Settings
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.world import World

RESTARTED = "DRILLBOOK_RESTARTED"
_CONTEST_PATIENCE = 30.0


class FunctionEnvironmentSettings(Settings):
    function: str
    variables: dict[str, str | None]
    """What each variable is to be; None removes it. All others stay as they are."""
    region: str | None = None


class FunctionEnvironment:
    """Set some variables of a function. Only their former values are captured: the others may be secrets."""

    Settings = FunctionEnvironmentSettings

    def __init__(self, world: World, settings: FunctionEnvironmentSettings) -> None:
        self.settings, self._world = settings, world
        self._session = session_of(world)
        self._functions = self._session.client("lambda", settings.region)
        self.settle = self._session.settle

    def describe(self) -> str:
        return f"set {', '.join(sorted(self.settings.variables))} of the function {self.settings.function}"

    def touches(self) -> list[str]:
        region = self.settings.region or self._session.region
        return [f"arn:aws:lambda:{region}:{self._session.account}:function:{self.settings.function}"]

    def capture(self) -> Json:
        present = self._variables(self._settled())
        return {name: present.get(name) for name in self.settings.variables}

    def apply(self, before: Json) -> None:  # noqa: ARG002 - the settings say it all
        self._set(self.settings.variables)

    def restore(self, before: Json) -> None:
        if not self.restored(before):
            self._set(before)

    def restored(self, before: Json) -> bool:
        return bool(self.capture() == before)

    def _set(self, wanted: dict[str, str | None]) -> None:
        wait_for(
            f"setting the environment of {self.settings.function}",
            lambda: self._try_to_set(wanted),
            timeout=_CONTEST_PATIENCE,
            interval=0.2,
            clock=self._world.clock,
            do="somebody else keeps updating the function: stop its deployments first",
        )
        self._settled()

    def _try_to_set(self, wanted: dict[str, str | None]) -> bool:
        """Read, merge, write what was read; False if somebody else wrote in between."""
        from botocore.exceptions import ClientError

        read = self._settled()
        merged = {**self._variables(read), **wanted}
        kept = {name: value for name, value in merged.items() if value is not None}
        # AWS always tells the revision it would be replacing; emulators may not.
        unchanged = {"RevisionId": read["RevisionId"]} if "RevisionId" in read else {}
        with calling(self.describe()):
            try:
                self._functions.update_function_configuration(
                    FunctionName=self.settings.function, Environment={"Variables": kept}, **unchanged
                )
            except ClientError as error:
                if code_of(error) == "PreconditionFailedException":
                    return False
                raise
        return True

    def _settled(self) -> dict[str, Any]:
        return wait_until_settled(self._functions, self.settings.function, self._world.clock)

    def _variables(self, configuration: dict[str, Any]) -> dict[str, str]:
        environment = configuration.get("Environment", {})
        if "Error" in environment:
            # Without the key AWS answers with no variables at all; writing that back would wipe them.
            raise PermanentError(
                f"the environment of {self.settings.function} cannot be read: {environment['Error'].get('Message')}",
                code=environment["Error"].get("ErrorCode", ""),
                do="allow kms:Decrypt on the function's key to the role that runs the drill",
            )
        variables: dict[str, str] = environment.get("Variables", {})
        return variables


def variable(world: World, function: str, name: str, *, region: str | None = None) -> str | None:
    """The present value of one variable of ``function``."""
    value: str | None = _change(world, function, {name: None}, region).capture()[name]
    return value


def set_variable(world: World, function: str, name: str, value: str, *, region: str | None = None) -> None:
    """Make ``name`` be ``value``; every other variable stays as it is."""
    set_variables(world, function, {name: value}, region=region)


def set_variables(
    world: World, function: str, variables: Mapping[str, str | None], *, region: str | None = None
) -> None:
    """Make all of ``variables`` be what they say, in one update; None removes one, and every other stays as it is.

    New values are journalled: none may be a secret (JournalError).
    """
    change = _change(world, function, dict(variables), region)
    if change.capture() != dict(variables):
        make(world, FunctionEnvironment, change.settings)


def restart(world: World, function: str, *, why: str = "recovery", region: str | None = None) -> None:
    """Let ``function`` begin afresh, without what it cached: connections, secrets, parameters.

    A changed configuration is run by new execution environments (AWS: "Lambda execution environment lifecycle"), so a
    variable that nobody reads is changed. ``why`` tells the restarts of one run apart; with the same ``why`` there is
    one. Heal removes the variable, which restarts the function once more.
    """
    set_variable(world, function, RESTARTED, f"{world.run_id} {why}", region=region)


def is_restarted(world: World, function: str, *, why: str = "recovery", region: str | None = None) -> bool:
    """Has this run restarted ``function`` for that reason?"""
    return variable(world, function, RESTARTED, region=region) == f"{world.run_id} {why}"


def _change(world: World, function: str, variables: dict[str, str | None], region: str | None) -> FunctionEnvironment:
    return FunctionEnvironment(
        world, FunctionEnvironmentSettings(function=function, variables=variables, region=region)
    )
