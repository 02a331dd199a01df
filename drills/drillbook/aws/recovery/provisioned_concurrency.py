"""Keep execution environments of a function ready, so that a failover does not begin with cold starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling, code_of
from drillbook.aws.recovery.journalled import make
from drillbook.aws.recovery.setting import Setting
from drillbook.errors import PermanentError
from drillbook.events import Json
from drillbook.fault import Settings
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.world import World

PATIENCE = 1800.0
"""Minutes for most functions; thousands of environments take longer (AWS: "Configuring provisioned concurrency")."""


class ProvisionedConcurrencySettings(Settings):
    function: str
    qualifier: str
    """An alias or a version: ``$LATEST`` cannot have any."""
    executions: int | None
    region: str | None = None


class ProvisionedConcurrency(Setting[ProvisionedConcurrencySettings]):
    """How many execution environments of an alias are kept ready."""

    Settings = ProvisionedConcurrencySettings
    service = "lambda"

    def describe(self) -> str:
        wanted = self.settings
        return f"keep {wanted.executions or 'no'} executions of {wanted.function}:{wanted.qualifier} ready"

    def touches(self) -> list[str]:
        return [self.arn("lambda", f"function:{self.settings.function}:{self.settings.qualifier}")]

    def read(self) -> Json:
        found = self._found()
        return found["RequestedProvisionedConcurrentExecutions"] if found else None

    def wanted(self, before: Json) -> Json:  # noqa: ARG002 - the settings say it all
        return self.settings.executions

    def write(self, state: Json) -> None:
        if state is None:
            self.client.delete_provisioned_concurrency_config(**self._place())
            return
        self.client.put_provisioned_concurrency_config(**self._place(), ProvisionedConcurrentExecutions=state)
        wait_for(
            f"{state} executions of {self.settings.function} being ready",
            self._is_ready,
            timeout=PATIENCE,
            interval=5.0 / self.session.speed,
            clock=self.world.clock,
            do="look at the function's provisioned concurrency; the account's limit may be reached",
        )

    def _is_ready(self) -> bool:
        with calling(f"read the provisioned concurrency of {self.settings.function}"):
            found = self._found() or {}
        if found.get("Status") == "FAILED":
            what = f"{self.settings.function} cannot be kept ready: {found.get('StatusReason', 'no reason given')}"
            raise PermanentError(what, code="FAILED", do="correct what it complains about, or ask for less")
        return found.get("Status") == "READY"

    def _found(self) -> dict[str, Any] | None:
        from botocore.exceptions import ClientError

        try:
            found: dict[str, Any] = self.client.get_provisioned_concurrency_config(**self._place())
        except ClientError as error:
            if code_of(error) == "ProvisionedConcurrencyConfigNotFoundException":
                return None
            raise
        return found

    def _place(self) -> dict[str, str]:
        return {"FunctionName": self.settings.function, "Qualifier": self.settings.qualifier}


def keep_ready(world: World, function: str, alias: str, executions: int, *, region: str | None = None) -> None:
    """Keep so many execution environments of the alias ready, and wait until they are."""
    settings = ProvisionedConcurrencySettings(function=function, qualifier=alias, executions=executions, region=region)
    if not ProvisionedConcurrency(world, settings).is_done():
        make(world, ProvisionedConcurrency, settings)
