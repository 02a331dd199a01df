"""Let Route 53 take an endpoint for dead, or for well, whatever its health checkers see.

A disabled health check counts as healthy; disabled *and* inverted, as unhealthy (AWS: UpdateHealthCheck, ``Disabled``
and ``Inverted``). So a failover can be begun, or held off while a region that came back is looked over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.failures import code_of
from drillbook.aws.recovery.control_plane import through_us_east_1
from drillbook.aws.recovery.journalled import make, recall, remember
from drillbook.aws.recovery.setting import Setting
from drillbook.errors import TemporaryError
from drillbook.events import Json
from drillbook.fault import Settings

if TYPE_CHECKING:
    from drillbook.world import World


class HealthCheckSettings(Settings):
    check: str
    inverted: bool
    disabled: bool


class HealthCheck(Setting[HealthCheckSettings]):
    """Whether a health check looks, and whether its answer is turned round; all else of it stays."""

    Settings = HealthCheckSettings
    service = "route53"

    def describe(self) -> str:
        wanted = self.settings
        what = ("unhealthy" if wanted.inverted else "healthy") if wanted.disabled else "what it sees"
        return f"let the health check {wanted.check} say {what}"

    def touches(self) -> list[str]:
        return [f"arn:aws:route53:::healthcheck/{self.settings.check}"]

    def read(self) -> Json:
        config = self._described()["HealthCheckConfig"]
        return {"inverted": config.get("Inverted", False), "disabled": config.get("Disabled", False)}

    def capture(self) -> Json:
        with through_us_east_1():
            return super().capture()

    def apply(self, before: Json) -> None:
        with through_us_east_1():
            super().apply(before)

    def wanted(self, before: Json) -> Json:  # noqa: ARG002 - the settings say it all
        return {"inverted": self.settings.inverted, "disabled": self.settings.disabled}

    def write(self, state: Json) -> None:
        from botocore.exceptions import ClientError

        try:
            self.client.update_health_check(
                HealthCheckId=self.settings.check,
                HealthCheckVersion=self._described()["HealthCheckVersion"],
                Inverted=state["inverted"],
                Disabled=state["disabled"],
            )
        except ClientError as error:
            if code_of(error) != "HealthCheckVersionMismatch":
                raise
            what = f"somebody else changed the health check {self.settings.check} meanwhile"
            raise TemporaryError(what, code="HealthCheckVersionMismatch", do="run the step again") from error

    def _described(self) -> Json:
        return self.client.get_health_check(HealthCheckId=self.settings.check)["HealthCheck"]


def say_unhealthy(world: World, check: str) -> None:
    """Let records with this health check fail over. What it was is kept for ``say_what_it_sees``.

    Name servers follow within seconds and need no time to live; resolvers keep what they know for theirs.
    """
    _say(world, check, inverted=True, disabled=True)


def say_healthy(world: World, check: str) -> None:
    """Hold a failover off, or end it, though the endpoint may not be well."""
    _say(world, check, inverted=False, disabled=True)


def say_what_it_sees(world: World, check: str) -> None:
    """As the health check was before this run changed it; nothing if this run never did."""
    if (kept := recall(world, _kept(check))) is not None:
        _become(world, check, **kept)


def says_what_it_sees(world: World, check: str) -> bool:
    """Is the health check as it was before this run?"""
    kept = recall(world, _kept(check))
    return kept is None or HealthCheck(world, HealthCheckSettings(check=check, **kept)).is_done()


def _say(world: World, check: str, *, inverted: bool, disabled: bool) -> None:
    change = HealthCheck(world, HealthCheckSettings(check=check, inverted=inverted, disabled=disabled))
    if not change.is_done() and recall(world, _kept(check)) is None:
        remember(world, _kept(check), change.capture())
    _become(world, check, inverted=inverted, disabled=disabled)


def _become(world: World, check: str, *, inverted: bool, disabled: bool) -> None:
    settings = HealthCheckSettings(check=check, inverted=inverted, disabled=disabled)
    if not HealthCheck(world, settings).is_done():
        make(world, HealthCheck, settings)


def _kept(check: str) -> str:
    return f"health check {check}"
