"""Stop a function's traffic, and let it back, by its reserved concurrency.

With 0 reserved every invocation is throttled (AWS: "Configuring reserved concurrency for a function").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.recovery.journalled import make, recall, remember
from drillbook.aws.session import session_of
from drillbook.events import Json
from drillbook.fault import Settings

if TYPE_CHECKING:
    from drillbook.world import World


class ReservedConcurrencySettings(Settings):
    function: str
    limit: int | None
    """None: no reservation."""
    region: str | None = None


class ReservedConcurrency:
    """Reserve ``limit`` executions for a function, or lift the reservation."""

    Settings = ReservedConcurrencySettings

    def __init__(self, world: World, settings: ReservedConcurrencySettings) -> None:
        self._settings, self._session = settings, session_of(world)
        self._functions = self._session.client("lambda", settings.region)
        self.settle = self._session.settle

    def describe(self) -> str:
        limit = "no" if self._settings.limit is None else self._settings.limit
        return f"reserve {limit} concurrency for the function {self._settings.function}"

    def touches(self) -> list[str]:
        region = self._settings.region or self._session.region
        return [f"arn:aws:lambda:{region}:{self._session.account}:function:{self._settings.function}"]

    def capture(self) -> Json:
        return {"limit": self._read()}

    def apply(self, before: Json) -> None:  # noqa: ARG002 - the settings say it all
        self._reserve(self._settings.limit)

    def restore(self, before: Json) -> None:
        if not self.restored(before):
            self._reserve(before["limit"])

    def restored(self, before: Json) -> bool:
        return bool(self._read() == before["limit"])

    def _read(self) -> int | None:
        with calling(f"read the concurrency of {self._settings.function}"):
            answer = self._functions.get_function_concurrency(FunctionName=self._settings.function)
            limit: int | None = answer.get("ReservedConcurrentExecutions")
            return limit

    def _reserve(self, limit: int | None) -> None:
        name = self._settings.function
        with calling(self.describe()):
            if limit is None:
                self._functions.delete_function_concurrency(FunctionName=name)
            else:
                self._functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=limit)


def reserved(world: World, function: str, *, region: str | None = None) -> int | None:
    """The executions reserved for ``function``; None without a reservation."""
    limit: int | None = _change(world, function, None, region).capture()["limit"]
    return limit


def reserve(world: World, function: str, limit: int | None, *, region: str | None = None) -> None:
    """Make the reservation ``limit``: to let a function have more while others are slow. None lifts it.

    Lambda refuses what would leave less than 100 unreserved executions to all other functions (InvalidParameterValue).
    """
    if reserved(world, function, region=region) != limit:
        settings = ReservedConcurrencySettings(function=function, limit=limit, region=region)
        make(world, ReservedConcurrency, settings)


def stop(world: World, function: str, *, region: str | None = None) -> None:
    """Throttle every invocation of ``function``; what was reserved before is remembered for ``resume``."""
    limit = reserved(world, function, region=region)
    if limit != 0:
        remember(world, _kept(function, region), {"limit": limit})
        reserve(world, function, 0, region=region)


def resume(world: World, function: str, *, region: str | None = None) -> None:
    """Undo ``stop``. Does nothing to a function this run never stopped."""
    if is_stopped_by_us(world, function, region=region):
        reserve(world, function, recall(world, _kept(function, region))["limit"], region=region)


def is_stopped_by_us(world: World, function: str, *, region: str | None = None) -> bool:
    """Has this run stopped ``function``, and not let it run again?"""
    known = recall(world, _kept(function, region))
    return known is not None and known["limit"] != reserved(world, function, region=region)


def _kept(function: str, region: str | None) -> str:
    return f"concurrency of {function}" + (f" in {region}" if region else "")


def _change(world: World, function: str, limit: int | None, region: str | None) -> ReservedConcurrency:
    return ReservedConcurrency(world, ReservedConcurrencySettings(function=function, limit=limit, region=region))
