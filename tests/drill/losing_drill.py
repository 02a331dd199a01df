"""Run by ``test_lost_writes``: a failover, then a look into both regions' stores, as JSON on the last line.

What the lost region has is read after the drill's final reading, when that region is back: tables as they are, since
what the other region sends is known from the history; the ledger of roadcall from the snapshot that is taken of an old
primary before it follows.
"""

from __future__ import annotations

import json
import re
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from drillbook import service_code
from drillbook.aws.items import scan
from drillbook.aws.session import session_of
from drillbook.drill import Assignment, Conditions, Drill
from drillbook.journal import Journal, default_path
from drillbook.measure.history import WRITES, Res
from drillbook.waiting import wait_for

Versions = dict[str, int]


class Losing(ABC):
    """A service whose failover loses what was not replicated yet."""

    fault: str
    plan: str

    def __init__(self, drill: Drill) -> None:
        self.drill = drill

    @abstractmethod
    def kept(self) -> Versions:
        """The canary's records in the region that took over."""

    @abstractmethod
    def had(self) -> Versions:
        """The canary's records in the region that was lost, now that it is back."""

    def items(self, region: str, table: str, key: str, version: str) -> Versions:
        found = scan(session_of(self.drill.world).client("dynamodb", region), table)
        told = {item[key]["S"]: re.search(r"\d+$", next(iter(item[version].values()))) for item in found}
        return {name: int(number[0]) for name, number in told.items() if number and name.startswith("canary-")}


class Roadcall(Losing):
    """An incident is as far as the older of its two stores."""

    fault, plan = "primary region outage", "fail over to us-west-2"

    def kept(self) -> Versions:
        database = self._code("aurora.py:database")("us-west-2")
        return self._whole("us-west-2", self._code("aftermath.py:revisions")(self.drill.world, database))

    def had(self) -> Versions:
        world, snapshot = self.drill.world, self._code("aftermath.py:snapshot")
        wait_for("the snapshot of the old primary", lambda: snapshot(world), timeout=120, clock=self.drill.clock)
        return self._whole("us-east-1", self._code("aftermath.py:kept_revisions")(world))

    def _whole(self, region: str, ledger: Versions) -> Versions:
        table = self.items(region, "roadcall-incidents-prod", "id", "revision")
        return {key: min(table[key], ledger[key]) for key in table.keys() & ledger.keys()}

    def _code(self, place: str) -> Any:
        return service_code.load(self.drill.service.folder, place)


class ProductLambda(Losing):
    fault, plan = "primary region lost", "fail over"

    def kept(self) -> Versions:
        return self.items("eu-west-1", "products", "id", "name")

    def had(self) -> Versions:
        return self.items("af-south-1", "products", "id", "name")


SERVICES: dict[str, type[Losing]] = {"roadcall": Roadcall, "product-lambda": ProductLambda}


def main(root: Path, service: str) -> dict[str, Any]:
    losing = SERVICES[service]
    assignment = Assignment("a region is lost", "", service, faults=(losing.fault,), plans=(losing.plan,))
    with Journal(default_path(root)) as journal:
        drill = Drill(assignment, Conditions(root, root / "reports", journal), "run-1")
        try:
            return told(drill, losing(drill))
        finally:
            drill.close()


def told(drill: Drill, stores: Losing) -> dict[str, Any]:
    drill.prepare(drill.assignment.service)
    drill.start_canary(rate=20)
    drill.await_steady_state()
    drill.strike(stores.fault)
    drill.recover(stores.plan)
    drill.await_recovery()
    judgement = drill._judging.judgement()
    kept = stores.kept()
    drill.lift(stores.fault)
    had = stores.had()
    ops, struck = [each.op for each in judgement.seen], judgement.run.reference.hi
    return {
        "kept": kept,
        "had": had,
        "listed": sorted({op.key for op in judgement.losses.lost}),
        "unanswered": sorted({op.key for op in ops if op.res is Res.INFO}),
        "written since": sorted({op.key for op in ops if op.f in WRITES and op.res is Res.OK and op.sent > struck}),
        "rpo": [judgement.losses.rpo.lo, judgement.losses.rpo.hi],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), sys.argv[2])) + "\n")
