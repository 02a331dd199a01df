"""Which variables a function has. A recovery that sets one and wipes the rest leaves a service that seems to work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.session import acting, session_of
from drillbook.errors import ProbeError, TargetError, TemporaryError
from drillbook.fault import Settings
from drillbook.probe import Reading

if TYPE_CHECKING:
    from drillbook.world import World


class VariablesSettings(Settings):
    """Each of ``functions`` must have each of ``variables``, by name; more may be there."""

    functions: tuple[str, ...]
    variables: tuple[str, ...]
    region: str | None = None


class Variables:
    """ok if no function lacks a variable, unknown when nobody answers. Values are not looked at: some are secrets.

    AWS: UpdateFunctionConfiguration replaces all variables by those that it is given.
    """

    Settings = VariablesSettings

    def __init__(self, world: World, settings: VariablesSettings) -> None:
        self._settings = settings
        self._functions = [world.fill(function) for function in settings.functions]
        self._lambda = session_of(world).client("lambda", settings.region and world.fill(settings.region))

    def describe(self) -> str:
        return f"{', '.join(self._functions)} have {', '.join(self._settings.variables)}"

    def read(self) -> Reading:
        """Look once. Raises ProbeError if there is no such function, or its variables may not be read."""
        try:
            lacking = {function: lacks for function in self._functions if (lacks := self._lacking(function))}
        except (TemporaryError, TargetError) as error:
            return Reading(None, error.what)
        if lacking:
            told = "; ".join(f"{function} lacks {', '.join(lacks)}" for function, lacks in lacking.items())
            return Reading(False, told)
        return Reading(True, f"{len(self._functions)} functions have all their variables")

    def _lacking(self, function: str) -> list[str]:
        with acting("probe"), calling(f"read the variables of {function}"):
            found = self._lambda.get_function_configuration(FunctionName=function).get("Environment", {})
        if "Error" in found:
            raise ProbeError(
                f"the variables of {function} cannot be read: {found['Error'].get('Message', '')}",
                do="allow kms:Decrypt on the function's key to the role that runs the drill",
            )
        return [name for name in self._settings.variables if name not in found.get("Variables", {})]
