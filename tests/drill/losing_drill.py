"""Run by ``test_lost_writes``: a failover of roadcall, then a look into both regions' stores, as JSON on the last line.

The writes of us-east-1 are read after the drill's final reading, when that region is back: its ledger from the snapshot
that is taken of an old primary before it follows, its table as it is, less what us-west-2 has sent since.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from drillbook import service_code
from drillbook.aws.items import scan
from drillbook.aws.session import session_of
from drillbook.drill import Assignment, Conditions, Drill
from drillbook.journal import Journal, default_path
from drillbook.measure.history import Res
from drillbook.waiting import wait_for

EAST, WEST = "us-east-1", "us-west-2"
FAULT, PLAN = "primary region outage", "fail over to us-west-2"
TABLE = "roadcall-incidents-prod"


def main(root: Path) -> dict[str, Any]:
    with Journal(default_path(root)) as journal:
        conditions = Conditions(root, root / "reports", journal)
        drill = Drill(
            Assignment("us-east-1 is lost", "", "roadcall", faults=(FAULT,), plans=(PLAN,)), conditions, "run-1"
        )
        try:
            return told(drill)
        finally:
            drill.close()


def told(drill: Drill) -> dict[str, Any]:
    drill.prepare("roadcall")
    drill.start_canary()
    drill.await_steady_state()
    drill.strike(FAULT)
    drill.recover(PLAN)
    drill.await_recovery()
    judgement = drill._judging.judgement()
    west = whole(items(drill, WEST), rows(drill, WEST))
    drill.lift(FAULT)
    east = whole(items(drill, EAST), kept_rows(drill))
    seen = judgement.seen
    return {
        WEST: west,
        EAST: east,
        "listed": sorted({op.key for op in judgement.losses.lost}),
        "unanswered": sorted({each.op.key for each in seen if each.op.res is Res.INFO}),
        "rpo": [judgement.losses.rpo.lo, judgement.losses.rpo.hi],
    }


def whole(table: dict[str, int], ledger: dict[str, int]) -> dict[str, int]:
    """The canary's incidents, as far as both stores have them."""
    return {key: min(table[key], ledger[key]) for key in table.keys() & ledger.keys() if key.startswith("canary-")}


def items(drill: Drill, region: str) -> dict[str, int]:
    dynamodb = session_of(drill.world).client("dynamodb", region)
    return {item["id"]["S"]: int(item["revision"]["N"]) for item in scan(dynamodb, TABLE)}


def rows(drill: Drill, region: str) -> dict[str, int]:
    folder = drill.service.folder
    database = service_code.load(folder, "aurora.py:database")
    return service_code.load(folder, "aftermath.py:revisions")(drill.world, database(region))


def kept_rows(drill: Drill) -> dict[str, int]:
    folder = drill.service.folder
    snapshot = service_code.load(folder, "aftermath.py:snapshot")
    wait_for("the snapshot of the old primary", lambda: snapshot(drill.world), timeout=120, clock=drill.clock)
    return service_code.load(folder, "aftermath.py:kept_revisions")(drill.world)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]))) + "\n")
