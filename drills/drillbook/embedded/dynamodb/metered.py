"""The calls that consume capacity: refused when a provisioned table has none left, counted and told otherwise."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from moto.core.responses import ActionResult
from moto.dynamodb.exceptions import (
    ConditionalCheckFailed,
    MockValidationException,
    TransactionCanceledException,
)
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.utilities import bytesize
from moto.dynamodb.responses import DynamoHandler

from drillbook.embedded.dynamodb.backend import TimeTravelBackend
from drillbook.embedded.dynamodb.capacity import ThroughputExceeded, Way, read_units, write_units
from drillbook.embedded.dynamodb.table import TimeTravelTable

Requests = dict[str, Any]
_TABLE_OF = re.compile(r"""\b(?:FROM|INTO|UPDATE)\s+"?([\w.-]+)""", re.IGNORECASE)
_NAME = re.compile(r"#\w+")
_SAMPLE = 20
"""Items that tell the usual size of a table's."""


class MeteredApi(DynamoHandler):
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html"""

    @property
    def backend(self) -> TimeTravelBackend:
        backend = self.dynamodb_backend
        assert isinstance(backend, TimeTravelBackend)
        return backend

    # Writes

    def put_item(self) -> ActionResult:
        return self._write("PutItem", "Item", super().put_item)

    def update_item(self) -> ActionResult:
        return self._write("UpdateItem", "Key", super().update_item)

    def delete_item(self) -> ActionResult:
        return self._write("DeleteItem", "Key", super().delete_item)

    def _write(self, operation: str, key: str, call: Callable[[], ActionResult]) -> ActionResult:
        """A write that finds nothing to delete costs a unit; one whose condition fails what the item is large."""
        table = self._admitted("Write", operation)
        if names := self.body.get("UpdateExpression") and _NAME.findall(self.body["UpdateExpression"]):
            _refuse_undefined(names, self.body.get("ExpressionAttributeNames") or {})
        try:
            result = call()
        except ConditionalCheckFailed:
            table.meter.wrote(write_units(self._stored(table, self.body[key]), None))
            raise
        if not table.meter.last:
            table.meter.wrote(1)
        return self._told(table, result, table.meter.last)

    def batch_write_item(self) -> ActionResult:
        asked: Requests = self.body["RequestItems"]
        now, later = {}, {}
        for name, requests in asked.items():
            fit = self._fitting("Write", name, map(_write_cost, requests), "BatchWriteItem")
            fit = len(requests) if fit is None else fit
            now[name], later[name] = requests[:fit], requests[fit:]
        _refuse_if_nothing_fits(now)
        result = self._with("RequestItems", _filled(now), super().batch_write_item)
        result.result["UnprocessedItems"] = _filled(later)  # type: ignore[index]
        return result

    def transact_write_items(self) -> ActionResult:
        self._admit_transaction("Write", "TransactWriteItems")
        return super().transact_write_items()

    # Reads

    def get_item(self) -> ActionResult:
        table = self._admitted("Read", "GetItem")
        result = super().get_item()
        return self._read(table, result, _size(self._stored(table, self.body["Key"])))

    def query(self) -> ActionResult:
        table = self._admitted("Read", "Query")
        _refuse_foreign_start(table, self.body)
        result = super().query()
        return self._read(table, result, _scanned_size(table, result))

    def scan(self) -> ActionResult:
        table = self._admitted("Read", "Scan")
        _refuse_foreign_start(table, self.body)
        result = super().scan()
        return self._read(table, result, _scanned_size(table, result))

    def batch_get_item(self) -> ActionResult:
        now, later = {}, {}
        for name, request in self.body["RequestItems"].items():
            table, keys = self.backend.table(name), request["Keys"]
            consistent = bool(request.get("ConsistentRead"))
            costs = [read_units(_size(self._stored(table, key)), consistent=consistent) for key in keys]
            fit = self._fitting("Read", name, costs, "BatchGetItem")
            fit = len(keys) if fit is None else fit
            table.meter.read(sum(costs[:fit]))
            now[name] = request | {"Keys": keys[:fit]} if fit else {}
            later[name] = request | {"Keys": keys[fit:]} if fit < len(keys) else {}
        _refuse_if_nothing_fits(now)
        result = self._with("RequestItems", _filled(now), super().batch_get_item)
        result.result["UnprocessedKeys"] |= _filled(later)  # type: ignore[index]
        return result

    def transact_get_items(self) -> ActionResult:
        self._admit_transaction("Read", "TransactGetItems")
        for one in self.body["TransactItems"]:
            table = self.backend.table(one["Get"]["TableName"])
            table.meter.read(2 * read_units(_size(self._stored(table, one["Get"]["Key"])), consistent=True))
        return super().transact_get_items()

    # PartiQL

    def execute_statement(self) -> ActionResult:
        """Writes cost what they cost by any other call; a read what it has found."""
        named = _TABLE_OF.search(self.body["Statement"])
        table = self.backend.tables.get(named[1]) if named else None
        if not isinstance(table, TimeTravelTable):
            return super().execute_statement()
        way: Way = "Read" if self.body["Statement"].lstrip().upper().startswith("SELECT") else "Write"
        table.meter.admit(way, "ExecuteStatement")
        result = super().execute_statement()
        if way == "Read":
            found: list[dict[str, Any]] = result.result["Items"]  # type: ignore[index]
            size = sum(map(_attributes_size, found))
            table.meter.read(read_units(size, consistent=bool(self.body.get("ConsistentRead"))))
        return result

    # Admission

    def _admitted(self, way: Way, operation: str) -> TimeTravelTable:
        table = self.backend.table(self.body["TableName"])
        table.meter.admit(way, operation)
        table.meter.last = 0.0
        return table

    def _fitting(self, way: Way, name: str, costs: Iterable[float], operation: str) -> int | None:
        """How many of these requests may be made now, in their order; None: all of them."""
        meter = self.backend.table(name).meter
        left = meter.left(way)
        if left == math.inf:
            return None
        for count, cost in enumerate(costs):
            if left <= 0:
                meter.throttled(way, operation)
                return count
            left -= cost
        return None

    def _admit_transaction(self, way: Way, operation: str) -> None:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html"""
        reasons: list[Any] = [self._reason(way, operation, one) for one in self.body["TransactItems"]]
        if any(code for code, _, _ in reasons):
            raise TransactionCanceledException(reasons)

    def _reason(self, way: Way, operation: str, one: dict[str, Any]) -> tuple[str | None, str | None, None]:
        if len(one) != 1:
            raise MockValidationException("TransactItems can only contain one of Check, Put, Update or Delete")
        [request] = one.values()
        try:
            self.backend.table(request["TableName"]).meter.admit(way, operation)
        except ThroughputExceeded as refused:
            return "ProvisionedThroughputExceeded", refused.message, None
        return None, None, None

    def _with(self, name: str, value: Any, call: Any) -> ActionResult:
        self.body[name] = value
        result: ActionResult = call()
        return result

    # What it has cost

    def _stored(self, table: TimeTravelTable, key: dict[str, Any]) -> Item | None:
        return table.image(self.backend.get_keys_value(table, key))

    def _read(self, table: TimeTravelTable, result: ActionResult, size: int) -> ActionResult:
        units = read_units(size, consistent=bool(self.body.get("ConsistentRead")))
        table.meter.read(units)
        return self._told(table, result, units)

    def _told(self, table: TimeTravelTable, result: ActionResult, units: float) -> ActionResult:
        answer: dict[str, Any] = result.result  # type: ignore[assignment]
        answer.pop("ConsumedCapacityUnits", None)
        asked = self.body.get("ReturnConsumedCapacity", "NONE")
        if asked == "NONE":
            answer.pop("ConsumedCapacity", None)
        else:
            told = answer.setdefault("ConsumedCapacity", {"TableName": table.name})
            told["CapacityUnits"] = units
            if "Table" in told:
                told["Table"]["CapacityUnits"] = units
        return result


def _refuse_undefined(used: list[str], defined: dict[str, str]) -> None:
    for name in used:
        if name not in defined:
            raise MockValidationException(
                "Invalid UpdateExpression: An expression attribute name used in the document path is not defined; "
                f"attribute name: {name}"
            )


def _refuse_foreign_start(table: TimeTravelTable, asked: Requests) -> None:
    """A page begins after a key of the table, of its index too if one is read."""
    start = asked.get("ExclusiveStartKey")
    if start is not None and not set(table.table_key_attrs) <= set(start):
        raise MockValidationException("The provided starting key is invalid")


def _filled(requests: Requests) -> Requests:
    return {name: request for name, request in requests.items() if request}


def _refuse_if_nothing_fits(requests: Requests) -> None:
    if requests and not _filled(requests):
        raise ThroughputExceeded


def _write_cost(request: dict[str, Any]) -> float:
    attributes = request.get("PutRequest", {}).get("Item", {})
    return write_units(None, None) if not attributes else max(1, -(-_attributes_size(attributes) // 1024))


def _attributes_size(attributes: dict[str, Any]) -> int:
    return sum(bytesize(name) + DynamoType(value).size() for name, value in attributes.items())


def _size(item: Item | None) -> int:
    return 0 if item is None else item.size()


def _scanned_size(table: TimeTravelTable, result: ActionResult) -> int:
    """Of what was looked at, a filter's leavings included: so many items of the table's usual size. moto tells only
    their number."""
    answer: dict[str, Any] = result.result  # type: ignore[assignment]
    some = [item.size() for item in islice(table.all_items(), _SAMPLE)]
    return int(answer["ScannedCount"] * sum(some) / len(some)) if some else 0
