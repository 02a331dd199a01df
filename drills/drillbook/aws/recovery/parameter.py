"""Set a parameter of the Parameter Store: where a database is, or that the service is to write nothing.

PutParameter makes a new version; type, key, tier, pattern and description are given again as they are, since it would
reset what it is not given (AWS: PutParameter).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.recovery.journalled import make, recall, remember
from drillbook.aws.recovery.setting import Setting
from drillbook.errors import PermanentError
from drillbook.events import Json
from drillbook.fault import Settings

if TYPE_CHECKING:
    from drillbook.world import World

_KEPT = ("Description", "AllowedPattern", "Tier", "DataType")


class ParameterSettings(Settings):
    name: str
    value: str
    region: str | None = None


class Parameter(Setting[ParameterSettings]):
    """Give a parameter that is there another value. A SecureString is refused: its values may not be written down."""

    Settings = ParameterSettings
    service = "ssm"

    def describe(self) -> str:
        return f"set the parameter {self.settings.name}"

    def touches(self) -> list[str]:
        return [self.arn("ssm", f"parameter/{self.settings.name.removeprefix('/')}")]

    def read(self) -> Json:
        found = self.client.get_parameter(Name=self.settings.name)["Parameter"]
        if found["Type"] == "SecureString":
            raise PermanentError(
                f"the parameter {self.settings.name} is a SecureString, which drillbook does not write down",
                do="keep what is not secret in a String, or set it by a command",
            )
        return found["Value"]

    def wanted(self, before: Json) -> Json:  # noqa: ARG002 - the settings say it all
        return self.settings.value

    def write(self, state: Json) -> None:
        described = self._described()
        kept = {name: described[name] for name in _KEPT if described.get(name)}
        self.client.put_parameter(Name=self.settings.name, Value=state, Type=described["Type"], Overwrite=True, **kept)

    def _described(self) -> dict[str, Any]:
        named = [{"Key": "Name", "Option": "Equals", "Values": [self.settings.name]}]
        pages = self.client.get_paginator("describe_parameters").paginate(ParameterFilters=named)
        found: dict[str, Any] = next(each for page in pages for each in page["Parameters"])
        return found


def repoint(world: World, name: str, value: str, *, region: str | None = None) -> None:
    """Make the parameter be ``value``. Who caches it must be restarted. Raises PermanentError if it is not there."""
    settings = ParameterSettings(name=name, value=value, region=region)
    if not Parameter(world, settings).is_done():
        make(world, Parameter, settings)


def value_of(world: World, name: str, *, region: str | None = None) -> str:
    """The present value. Raises PermanentError if there is no such parameter, or it is a SecureString."""
    value: str = Parameter(world, ParameterSettings(name=name, value="", region=region)).capture()
    return value


def stop_writes(world: World, flag: str, *, read_only: str = "true", region: str | None = None) -> None:
    """Set the parameter by which a service knows that it must not write; ``resume_writes`` sets what it was."""
    if (before := value_of(world, flag, region=region)) != read_only:
        remember(world, _kept(flag, region), before)
        repoint(world, flag, read_only, region=region)


def resume_writes(world: World, flag: str, *, region: str | None = None) -> None:
    """Undo ``stop_writes``. Does nothing to a flag that this run never set."""
    if (before := recall(world, _kept(flag, region))) is not None:
        repoint(world, flag, before, region=region)


def _kept(flag: str, region: str | None) -> str:
    return f"flag {flag} {region or ''}"
