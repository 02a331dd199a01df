"""The same drill with drillbook's library: journalled, healed, recorded. No canary, as Chaos Toolkit has none."""

import sys
from pathlib import Path

from drillbook.drill import Assignment, Conditions, Drill
from drillbook.journal import Journal

scratch = Path(sys.argv[1])
with Journal(scratch / "journal.sqlite3") as journal:
    conditions = Conditions(Path(__file__).parent, scratch / "reports", journal, target="localstack")
    drill = Drill(Assignment("item restored", "bench/one_table"), conditions, "bench")
    try:
        drill.prepare("one-table")
        drill.check("the item is good")
        drill.strike("item corrupted")
        drill.recover("restore the item")
        drill.check("the item is good")
    finally:
        result = drill.close()
assert result["verdict"] == "PASS", result
