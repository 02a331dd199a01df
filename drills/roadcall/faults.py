"""What makes a part of roadcall fail while the rest carries on: too little room, and a wrong name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling
from drillbook.aws.functions import wait_until_settled
from drillbook.aws.session import session_of
from drillbook.events import Json
from drillbook.fault import Settings
from drillbook.waiting import wait_for

from .names import PRIMARY

if TYPE_CHECKING:
    from drillbook.world import World

_ON_DEMAND = "PAY_PER_REQUEST"
_PATIENCE = 600.0


class TooLittleRoomSettings(Settings):
    table: str
    read: int
    write: int
    """Units a second."""
    function: str
    executions: int
    """At the same time."""


class TooLittleRoom:
    """Somebody saved money: a table on demand gets a few units, a function without a limit a few executions."""

    Settings = TooLittleRoomSettings

    def __init__(self, world: World, settings: TooLittleRoomSettings) -> None:
        self._world, self._settings = world, settings
        self._session = session_of(world)
        self._dynamodb, self._functions = (self._session.client(name, PRIMARY) for name in ("dynamodb", "lambda"))
        self.settle = self._session.settle

    def describe(self) -> str:
        wanted = self._settings
        return f"leave {wanted.table} {wanted.write} write units and {wanted.function} {wanted.executions} executions"

    def touches(self) -> list[str]:
        account = self._session.account
        return [
            f"arn:aws:dynamodb:{PRIMARY}:{account}:table/{self._settings.table}",
            f"arn:aws:lambda:{PRIMARY}:{account}:function:{self._settings.function}",
        ]

    def capture(self) -> Json:
        with calling(f"read what is there before: {self.describe()}"):
            return {"units": self._units(), "executions": self._executions()}

    def apply(self, _: Json) -> None:
        with calling(self.describe()):
            self._provide(**self._left())

    def observe(self, _: Json) -> bool:
        return bool(self.capture() == self._left())

    def restore(self, before: Json) -> None:
        """What somebody gave meanwhile is more than this fault left, and is kept."""
        now = self.capture()
        wanted = {name: before[name] if now[name] == left else now[name] for name, left in self._left().items()}
        with calling(f"undo: {self.describe()}"):
            self._provide(**wanted)

    def restored(self, before: Json) -> bool:
        now = self.capture()
        return all(now[name] != left or before[name] == left for name, left in self._left().items())

    def _left(self) -> dict[str, Any]:
        return {"units": [self._settings.read, self._settings.write], "executions": self._settings.executions}

    def _units(self) -> list[int] | None:
        """To read and to write; None on demand."""
        table = self._dynamodb.describe_table(TableName=self._settings.table)["Table"]
        if table.get("BillingModeSummary", {}).get("BillingMode") == _ON_DEMAND:
            return None
        return [table["ProvisionedThroughput"][f"{way}CapacityUnits"] for way in ("Read", "Write")]

    def _executions(self) -> int | None:
        found = self._functions.get_function_concurrency(FunctionName=self._settings.function)
        limit: int | None = found.get("ReservedConcurrentExecutions")
        return limit

    def _provide(self, units: list[int] | None, executions: int | None) -> None:
        if executions != self._executions():
            self._limit(executions)
        if units != self._units():
            self._dynamodb.update_table(TableName=self._settings.table, **_capacity(units))
        wait_for(
            f"the update of {self._settings.table}",
            lambda: self._dynamodb.describe_table(TableName=self._settings.table)["Table"]["TableStatus"] == "ACTIVE",
            timeout=_PATIENCE,
            interval=1.0 / self._world.speed,
            clock=self._world.clock,
        )

    def _limit(self, executions: int | None) -> None:
        name = self._settings.function
        if executions is None:
            self._functions.delete_function_concurrency(FunctionName=name)
        else:
            self._functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=executions)


class WrongNameSettings(Settings):
    function: str
    variable: str
    value: str


class WrongName:
    """A change of configuration names something that is not there. The function's other variables stay."""

    Settings = WrongNameSettings

    def __init__(self, world: World, settings: WrongNameSettings) -> None:
        self._world, self._settings = world, settings
        self._session = session_of(world)
        self._functions = self._session.client("lambda", PRIMARY)
        self.settle = self._session.settle

    def describe(self) -> str:
        return f"let {self._settings.variable} of {self._settings.function} be {self._settings.value}"

    def touches(self) -> list[str]:
        return [f"arn:aws:lambda:{PRIMARY}:{self._session.account}:function:{self._settings.function}"]

    def capture(self) -> Json:
        with calling(f"read what is there before: {self.describe()}"):
            return self._variables().get(self._settings.variable)

    def apply(self, _: Json) -> None:
        self._set(self._settings.value)

    def observe(self, _: Json) -> bool:
        return bool(self.capture() == self._settings.value)

    def restore(self, before: Json) -> None:
        if not self.restored(before):
            self._set(before)

    def restored(self, before: Json) -> bool:
        """Whatever else somebody has set since is theirs."""
        return bool(self.capture() != self._settings.value or before == self._settings.value)

    def _set(self, value: str) -> None:
        name = self._settings.function
        with calling(self.describe()):
            self._functions.update_function_configuration(
                FunctionName=name, Environment={"Variables": self._variables() | {self._settings.variable: value}}
            )
            wait_until_settled(self._functions, name, self._world.clock)

    def _variables(self) -> dict[str, str]:
        settled = wait_until_settled(self._functions, self._settings.function, self._world.clock)
        return dict(settled.get("Environment", {}).get("Variables", {}))


def _capacity(units: list[int] | None) -> dict[str, Any]:
    if units is None:
        return {"BillingMode": _ON_DEMAND}
    given = {"ReadCapacityUnits": units[0], "WriteCapacityUnits": units[1]}
    return {"BillingMode": "PROVISIONED", "ProvisionedThroughput": given}
