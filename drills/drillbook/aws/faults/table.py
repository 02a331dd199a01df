"""Something writes nonsense into a DynamoDB table, and deletes items, behind the application's back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from pydantic import Field

from drillbook.aws.failures import calling, code_of
from drillbook.aws.items import Item, from_json, get_many, identity, key_names, key_of, scan, to_json
from drillbook.aws.session import session_of
from drillbook.errors import FaultError, Refused
from drillbook.events import EventKind, Json
from drillbook.fault import Settings as FaultSettings
from drillbook.units import Share
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.world import World

NONSENSE = {"S": "\u00a7 corrupted by a drill"}
"""What is written over a good value. No victim holds it beforehand: restore can tell it from newer writes."""
TRANSACTION_LIMIT = 100
"""Actions of one TransactWriteItems (AWS: "DynamoDB transactions: how it works")."""
_CONFLICT_PATIENCE = 10.0


class CorruptItemsSettings(FaultSettings):
    """Which share of a table's items gets a nonsense ``attribute``, and which share is deleted."""

    table: str
    attribute: str
    corrupt: Share
    delete: Share = 0.0
    seed: int = 0
    max_items: int = Field(default=2000, gt=0)
    """The most items that may be harmed: what they were is kept in the journal."""
    region: str | None = None


class CorruptItems:
    """Corrupt and delete items in transactions of 100, all sent at once.

    A victim that changed since it was captured is spared, so that what ``restore`` puts back is exactly what was
    there. The instants of the first and the last write are emitted as t_corrupt_first and t_corrupt_last.
    """

    Settings = CorruptItemsSettings

    def __init__(self, world: World, settings: CorruptItemsSettings) -> None:
        self._settings, self._world = settings, world
        self._session = session_of(world)
        self._table = world.fill(settings.table)
        self._dynamodb = self._session.client("dynamodb", settings.region)
        self.settle = self._session.settle

    def describe(self) -> str:
        corrupt, delete = self._settings.corrupt, self._settings.delete
        return f"corrupt {corrupt:.0%} and delete {delete:.0%} of the items of {self._table}"

    def touches(self) -> list[str]:
        return [self._arn()]

    def capture(self) -> Json:
        """The victims as they are now. Raises Refused if they are more than ``max_items``, FaultError if none."""
        with calling(f"choose the victims in {self._table}"):
            names = key_names(self._dynamodb, self._table)
            items = list(scan(self._dynamodb, self._table))
        corrupt, delete = self._choose(items, names)
        if len(corrupt) + len(delete) > self._settings.max_items:
            raise Refused(
                "blast radius",
                f"{self.describe()} would harm {len(corrupt) + len(delete)} items; {self._settings.max_items} may be",
                do="lower the shares, or raise max_items of the fault",
            )
        if not corrupt and not delete:
            raise FaultError(f"{self._table} holds no item that could be harmed", do="fill the table before the drill")
        return {
            "key": names,
            "attribute": self._settings.attribute,
            "corrupt": to_json(corrupt),
            "delete": to_json(delete),
        }

    def apply(self, before: Json) -> None:
        """Harm every victim that still is as captured."""
        actions = self._actions(before)
        batches = [actions[start : start + TRANSACTION_LIMIT] for start in range(0, len(actions), TRANSACTION_LIMIT)]
        self._world.events.emit(EventKind.INSTANT, "t_corrupt_first", table=self._table, items=len(actions))
        with calling(self.describe()), ThreadPoolExecutor(8) as pool:
            sent = [pool.submit(copy_context().run, self._transact, batch) for batch in batches]
            harmed = sum(each.result() for each in sent)
        self._world.events.emit(EventKind.INSTANT, "t_corrupt_last", table=self._table, items=harmed)

    def observe(self, before: Json) -> bool:
        """Is at least one victim harmed as intended?"""
        return bool(self._harmed(before))

    def restore(self, before: Json) -> None:
        """Put back each victim that still is as the fault left it; what somebody wrote since is kept.

        A table that is gone has nothing of this fault left in it.
        """
        with calling(f"put back the items of {self._table}"), ThreadPoolExecutor(8) as pool:
            put = [pool.submit(copy_context().run, self._put_back, before, item) for item in self._harmed(before)]
            for each in put:
                each.result()

    def restored(self, before: Json) -> bool:
        """Is nothing left of what the fault did?"""
        return not self._harmed(before)

    def _choose(self, items: Sequence[Item], names: Sequence[str]) -> tuple[list[Item], list[Item]]:
        """Which items to corrupt and which to delete: the same ones for the same items and seed."""
        shuffled = sorted(items, key=lambda item: self._rank(key_of(item, names)))
        fit = [item for item in shuffled if item.get(self._settings.attribute, NONSENSE) != NONSENSE]
        corrupt = fit[: _count(self._settings.corrupt, len(items))]
        chosen = {identity(key_of(item, names)) for item in corrupt}
        rest = [item for item in shuffled if identity(key_of(item, names)) not in chosen]
        return corrupt, rest[: _count(self._settings.delete, len(items))]

    def _rank(self, key: Item) -> str:
        return hashlib.sha256(f"{self._settings.seed} {identity(key)}".encode()).hexdigest()

    def _actions(self, before: Json) -> list[dict[str, Any]]:
        """Both kinds mixed in each transaction: neither comes first."""
        actions = [
            (self._rank(key_of(item, before["key"])), self._corruption(before, item))
            for item in _items(before, "corrupt")
        ]
        actions += [
            (self._rank(key_of(item, before["key"])), self._deletion(before, item)) for item in _items(before, "delete")
        ]
        return [action for _, action in sorted(actions, key=lambda ranked: ranked[0])]

    def _corruption(self, before: Json, item: Item) -> dict[str, Any]:
        return {
            "Update": {
                "TableName": self._table,
                "Key": key_of(item, before["key"]),
                "UpdateExpression": "SET #a = :nonsense",
                "ConditionExpression": "#a = :was",
                "ExpressionAttributeNames": {"#a": before["attribute"]},
                "ExpressionAttributeValues": {":nonsense": NONSENSE, ":was": item[before["attribute"]]},
            }
        }

    def _deletion(self, before: Json, item: Item) -> dict[str, Any]:
        names = sorted(item)
        return {
            "Delete": {
                "TableName": self._table,
                "Key": key_of(item, before["key"]),
                "ConditionExpression": " AND ".join(f"#a{n} = :a{n}" for n in range(len(names))),
                "ExpressionAttributeNames": {f"#a{n}": name for n, name in enumerate(names)},
                "ExpressionAttributeValues": {f":a{n}": item[name] for n, name in enumerate(names)},
            }
        }

    def _transact(self, actions: list[dict[str, Any]]) -> int:
        """Carry out one transaction without those victims that changed meanwhile; how many were harmed."""
        standing = actions

        def attempt() -> bool:
            nonlocal standing
            standing, done = self._attempt(standing)
            return done

        wait_for(
            f"harming {len(actions)} items of {self._table}",
            attempt,
            timeout=_CONFLICT_PATIENCE,
            interval=0.02,
            clock=self._world.clock,
            do="lower the traffic on the table: its writes keep colliding with the fault's transaction",
        )
        return len(standing)

    def _attempt(self, actions: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], bool]:
        from botocore.exceptions import ClientError

        if not actions:
            return [], True
        try:
            self._dynamodb.transact_write_items(TransactItems=actions)
        except ClientError as error:
            reasons = error.response.get("CancellationReasons")
            if code_of(error) != "TransactionCanceledException" or not reasons:
                raise
            blamed = [reason.get("Code") for reason in reasons]
            pairs = zip(actions, blamed, strict=True)
            return [action for action, code in pairs if code != "ConditionalCheckFailed"], False
        return actions, True

    def _harmed(self, before: Json) -> list[tuple[str, Item]]:
        """The victims on which the fault's mark still is, each with what was done to it."""
        from botocore.exceptions import ClientError

        corrupt, delete = _items(before, "corrupt"), _items(before, "delete")
        keys = [key_of(item, before["key"]) for item in (*corrupt, *delete)]
        try:
            now = get_many(self._dynamodb, self._table, keys, self._world.clock)
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                return []
            raise
        seen = [(item, now.get(identity(key_of(item, before["key"])))) for item in corrupt]
        marked = [
            ("corrupt", item) for item, present in seen if present and present.get(before["attribute"]) == NONSENSE
        ]
        absent = [("delete", item) for item in delete if identity(key_of(item, before["key"])) not in now]
        return marked + absent

    def _put_back(self, before: Json, harmed: tuple[str, Item]) -> None:
        from botocore.exceptions import ClientError

        done, item = harmed
        try:
            if done == "corrupt":
                self._repair(before, item)
            else:
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(#k)",
                    ExpressionAttributeNames={"#k": before["key"][0]},
                )
        except ClientError as error:
            # Somebody wrote it, or dropped the table, since we looked: theirs is newer.
            if code_of(error) not in ("ConditionalCheckFailedException", "ResourceNotFoundException"):
                raise

    def _repair(self, before: Json, item: Item) -> None:
        """Only the corrupted attribute: the item's other attributes may have been updated since."""
        self._dynamodb.update_item(
            TableName=self._table,
            Key=key_of(item, before["key"]),
            UpdateExpression="SET #a = :was",
            ConditionExpression="#a = :nonsense",
            ExpressionAttributeNames={"#a": before["attribute"]},
            ExpressionAttributeValues={":nonsense": NONSENSE, ":was": item[before["attribute"]]},
        )

    def _arn(self) -> str:
        region = self._settings.region or self._session.region
        return f"arn:aws:dynamodb:{region}:{self._session.account}:table/{self._table}"


def _count(share: float, items: int) -> int:
    """At least one of a share that is not nothing."""
    return max(1, round(share * items)) if share and items else 0


def _items(before: Json, harm: str) -> list[Item]:
    items: list[Item] = from_json(before[harm])
    return items
