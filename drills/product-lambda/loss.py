"""The complete loss of what the catalogue has: its stacks and its table, in both regions.

What is left is what the runbook counts on: packages, templates and snapshots; and the hosted zone, which is the
company's and not the service's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling, code_of
from drillbook.aws.items import from_json, scan, to_json
from drillbook.aws.session import acting, session_of
from drillbook.errors import FaultError
from drillbook.events import Json
from drillbook.fault import Settings
from drillbook.waiting import wait_for

from .names import APPLICATION_STACK, NAMES_STACK, TABLE, standby, table_arn
from .stack import stand_up, standing

if TYPE_CHECKING:
    from drillbook.world import World

STACKS = (APPLICATION_STACK, NAMES_STACK)
_PATIENCE = 120.0


class EverythingLostSettings(Settings):
    pass


class EverythingLost:
    """Delete it all. Restoring stands the catalogue up anew and writes every product back that was there."""

    Settings = EverythingLostSettings

    def __init__(self, world: World, settings: EverythingLostSettings) -> None:
        del settings
        self._world, self._session = world, session_of(world)
        self._dynamodb = self._session.client("dynamodb")
        self._cloudformation = self._session.client("cloudformation")
        self.settle = self._session.settle

    def describe(self) -> str:
        return "delete the application, its names, and the table with its replica"

    def touches(self) -> list[str]:
        return [table_arn(self._session), table_arn(self._session, region=standby(self._world))]

    def capture(self) -> Json:
        """Every product. Raises FaultError on an account, where no drill deletes all that there is."""
        if self._session.endpoint is None:
            raise FaultError(
                "everything is deleted on an emulated target only", do="drill the loss on the embedded cloud"
            )
        with calling(f"read the products in {TABLE}"):
            return {"items": to_json(list(scan(self._dynamodb, TABLE)))}

    def apply(self, before: Json) -> None:  # noqa: ARG002 - all of it goes
        with calling(self.describe()):
            self._cloudformation.delete_stack(StackName=APPLICATION_STACK)
            self._dynamodb.update_table(
                TableName=TABLE, ReplicaUpdates=[{"Delete": {"RegionName": standby(self._world)}}]
            )
            self._wait("the replica being gone", lambda: not self._table().get("Replicas"))
            self._dynamodb.delete_table(TableName=TABLE)
            self._wait("the application being gone", lambda: APPLICATION_STACK not in standing(self._session))
            self._cloudformation.delete_stack(StackName=NAMES_STACK)
            self._wait("the names being gone", lambda: NAMES_STACK not in standing(self._session))

    def observe(self, before: Json) -> bool:  # noqa: ARG002 - nothing of it may be left
        with calling("look what is left"):
            return not self._table() and not set(STACKS) & set(standing(self._session))

    def restore(self, before: Json) -> None:
        stand_up(self._world)
        with acting("heal"), calling("write the products back"):
            for item in from_json(before["items"]):
                self._write_back(item)

    def restored(self, before: Json) -> bool:
        with calling("look whether all is there again"):
            if not self._table() or set(STACKS) - set(standing(self._session)):
                return False
            present = {item["id"]["S"] for item in scan(self._dynamodb, TABLE)}
        return present >= {item["id"]["S"] for item in from_json(before["items"])}

    def _write_back(self, item: dict[str, Any]) -> None:
        from botocore.exceptions import ClientError

        try:
            self._dynamodb.put_item(TableName=TABLE, Item=item, ConditionExpression="attribute_not_exists(id)")
        except ClientError as error:
            # Somebody wrote it since: theirs is newer.
            if code_of(error) != "ConditionalCheckFailedException":
                raise

    def _table(self) -> dict[str, Any]:
        """What there is of the table; empty if it is gone."""
        from botocore.exceptions import ClientError

        try:
            return dict(self._dynamodb.describe_table(TableName=TABLE)["Table"])
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                return {}
            raise

    def _wait(self, what: str, done: Any) -> None:
        wait_for(what, done, timeout=_PATIENCE, interval=0.02, clock=self._world.clock)
