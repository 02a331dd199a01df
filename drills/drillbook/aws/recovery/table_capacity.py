"""Give a DynamoDB table more room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling
from drillbook.aws.recovery.journalled import make
from drillbook.aws.recovery.setting import Setting
from drillbook.events import Json
from drillbook.fault import Settings
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.world import World

PATIENCE = 2 * 3600.0
"""A large table is split into more partitions first; there is no promise of AWS."""
_ON_DEMAND = "PAY_PER_REQUEST"


class TableCapacitySettings(Settings):
    table: str
    read: int | None
    """Read capacity units; None, with ``write``: on demand."""
    write: int | None
    region: str | None = None


class TableCapacity(Setting[TableCapacitySettings]):
    """How much a DynamoDB table and all its global indexes take. Indexes get what the table gets.

    On demand can be chosen again only four times in 24 hours, and units be lowered not often (AWS: "Considerations when
    switching capacity modes", "Service quotas"): heal may then have to wait, and says so.
    """

    Settings = TableCapacitySettings
    service = "dynamodb"

    def describe(self) -> str:
        wanted = self.settings
        units = "on demand" if wanted.read is None else f"{wanted.read} read and {wanted.write} write units"
        return f"give the table {wanted.table} {units}"

    def touches(self) -> list[str]:
        return [self.arn("dynamodb", f"table/{self.settings.table}")]

    def read(self) -> Json:
        """Units of the table ("") and of each index; None on demand."""
        table = self._table()
        if table.get("BillingModeSummary", {}).get("BillingMode") == _ON_DEMAND:
            return None
        return {"": _units(table)} | {
            each["IndexName"]: _units(each) for each in table.get("GlobalSecondaryIndexes", [])
        }

    def wanted(self, before: Json) -> Json:
        if self.settings.read is None:
            return None
        names = before if before is not None else ["", *_indexes(self._table())]
        return {name: [self.settings.read, self.settings.write] for name in names}

    def write(self, state: Json) -> None:
        present = self.read()
        change: dict[str, Any] = {"BillingMode": _ON_DEMAND if state is None else "PROVISIONED"}
        if state is not None and (present is None or present[""] != state[""]):
            change["ProvisionedThroughput"] = _throughput(state[""])
        indexes = {name: units for name, units in (state or {}).items() if name and (present or {}).get(name) != units}
        if indexes:
            change["GlobalSecondaryIndexUpdates"] = [
                {"Update": {"IndexName": name, "ProvisionedThroughput": _throughput(units)}}
                for name, units in indexes.items()
            ]
        self._settled()
        self.client.update_table(TableName=self.settings.table, **change)
        self._settled()

    def _settled(self) -> None:
        wait_for(
            f"the update of the table {self.settings.table}",
            lambda: _is_settled(self._table()),
            timeout=PATIENCE,
            interval=5.0 / self.session.speed,
            clock=self.world.clock,
            do="look at the table's status; DynamoDB makes one change of a table at a time",
        )

    def _table(self) -> dict[str, Any]:
        with calling(f"describe the table {self.settings.table}"):
            found: dict[str, Any] = self.client.describe_table(TableName=self.settings.table)["Table"]
        return found


def provision(world: World, table: str, read: int, write: int, *, region: str | None = None) -> None:
    """Give ``table`` and its indexes so many units, and wait until they have them. Auto scaling may change them again.

    Each index keeps its own contents and keys. Raises PermanentError if there is no such table.
    """
    _make_unless_done(world, TableCapacitySettings(table=table, read=read, write=write, region=region))


def put_on_demand(world: World, table: str, *, region: str | None = None) -> None:
    """Let ``table`` take what comes: the way out of throttling where nobody knows how much is needed."""
    _make_unless_done(world, TableCapacitySettings(table=table, read=None, write=None, region=region))


def _make_unless_done(world: World, settings: TableCapacitySettings) -> None:
    if not TableCapacity(world, settings).is_done():
        make(world, TableCapacity, settings)


def _indexes(table: dict[str, Any]) -> list[str]:
    return [each["IndexName"] for each in table.get("GlobalSecondaryIndexes", [])]


def _units(described: dict[str, Any]) -> list[int]:
    given = described["ProvisionedThroughput"]
    return [given["ReadCapacityUnits"], given["WriteCapacityUnits"]]


def _throughput(units: list[int]) -> dict[str, int]:
    return {"ReadCapacityUnits": units[0], "WriteCapacityUnits": units[1]}


def _is_settled(table: dict[str, Any]) -> bool:
    indexes = [each.get("IndexStatus", "ACTIVE") for each in table.get("GlobalSecondaryIndexes", [])]
    return {table["TableStatus"], *indexes} == {"ACTIVE"}
