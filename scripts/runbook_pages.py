"""docs/runbooks: for each service with a runbook, its scenarios, what they promise, and what was last measured.

``runbook_pages.py --from reports/latest/results.json``   take over a run's numbers, then write the pages
``runbook_pages.py``                                      only write the pages, with the numbers known

A page is written by hand but for what stands between its two markers. The last numbers of each scenario are kept in
docs/runbooks/evidence.json; one that is in no results stands as "never run". Sabotaged drills are no evidence.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from runbook_scenarios import Scenario, scenarios

from drillbook import service_yaml
from drillbook.report import numbers, wording

CHECKOUT = Path(__file__).resolve().parent.parent
PAGES = CHECKOUT / "docs/runbooks"
EVIDENCE = PAGES / "evidence.json"
BEGIN, END = "<!-- scenarios: scripts/runbook_pages.py writes what is between these lines -->", "<!-- end -->"
INDEX = """\
# Runbooks as drills

Each service's page tells its runbook's scenarios as drills, what was measured last, and where the runbook was wrong.

"""
Known = dict[str, dict[str, Any]]
"""The last evidence by ``service/scenario``."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="runbook_pages.py", description=__doc__.partition("\n")[0])
    parser.add_argument("--from", dest="results", type=Path, help="results.json of a run, to take its numbers over")
    options = parser.parse_args(arguments)
    known: Known = json.loads(EVIDENCE.read_text()) if EVIDENCE.exists() else {}
    found = scenarios(CHECKOUT)
    if options.results:
        known |= evidence(json.loads(options.results.read_text())["drills"], found)
        EVIDENCE.write_text(json.dumps(dict(sorted(known.items())), indent=1, ensure_ascii=False) + "\n")
    write(PAGES, found, known)
    return 0


def evidence(drills: list[dict[str, Any]], found: list[Scenario]) -> Known:
    """What is kept of a run's results: of drills that were not sabotaged, of scenarios that there are."""
    names = {_key(each.service, each.name) for each in found}
    kept = ("verdict", "basis", "target", "objectives", "rto", "rpo", "lost", "cut_over", "plans", "checks", "run_id")
    return {
        key: {name: drill[name] for name in kept if drill.get(name) is not None}
        for drill in drills
        if (key := _key(drill["service"], drill["drill"])) in names and not drill.get("sabotage")
    }


def write(pages: Path, found: list[Scenario], known: Known) -> None:
    """Write the index and each service's page; what people wrote stays."""
    pages.mkdir(parents=True, exist_ok=True)
    _replace(pages / "README.md", INDEX, _index(found, known))
    for service, group in groupby(found, key=lambda each: each.service):
        title = _title(service)
        _replace(pages / f"{service}.md", f"# {title}\n\n", _table(list(group), known))


def _replace(path: Path, opening: str, generated: str) -> None:
    text = path.read_text(encoding="utf-8") if path.exists() else f"{opening}{BEGIN}\n{END}\n"
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"{path} lacks its markers; put {BEGIN} and {END} where its table of scenarios belongs")
    path.write_text(f"{before}{BEGIN}\n{generated}{END}{after}", encoding="utf-8")


def _index(found: list[Scenario], known: Known) -> str:
    rows = []
    for service, group in groupby(found, key=lambda each: each.service):
        drills = list(group)
        said = [known.get(_key(service, each.name), {}).get("verdict", "never run") for each in drills]
        title = _title(service)
        rows.append((f"[{title}]({service}.md)", drills[0].runbook, len(drills), _tally(said), _last(drills, known)))
    return _markdown(("service", "runbook", "scenarios", "last verdicts", "last evidence"), rows)


def _title(service: str) -> str:
    """As its file says, whatever else may be wrong in it."""
    return str(service_yaml.parse(CHECKOUT / "drills" / service / "service.yaml").data.get("title") or service)


def _tally(said: list[str]) -> str:
    return ", ".join(f"{said.count(word)} {word}" for word in dict.fromkeys(sorted(said)))


def _last(drills: list[Scenario], known: Known) -> str:
    dates = [_date(known[key]) for each in drills if (key := _key(each.service, each.name)) in known]
    return max(dates, default="–")


def _table(drills: list[Scenario], known: Known) -> str:
    rows = [_row(each, known.get(_key(each.service, each.name))) for each in drills]
    return _markdown(("in the runbook", "drill", "promised", "measured", "verdict", "last evidence"), rows)


def _row(drill: Scenario, seen: dict[str, Any] | None) -> tuple[str, ...]:
    link = f"[{_cell(drill.name)}](../../{drill.feature})"
    told = (measured(seen), seen["verdict"], _date(seen)) if seen else ("–", "never run", "–")
    return (drill.place, link, "; ".join(map(_cell, drill.promises)), *told)


def measured(seen: dict[str, Any]) -> str:
    """The numbers of one drill, each with its unit, and what they are worth."""
    found = [name for name in ("rto", "rpo") if wording.is_measured(seen.get(name))]
    parts = [f"{name.upper()} {wording.interval_text(seen[name])}" for name in found]
    if "lost" in seen and "rpo" in found:
        parts.append(f"{wording.count_text(seen['lost'], 'write')} lost")
    if cut_over := seen.get("cut_over"):
        lost = wording.measured_text(cut_over.get("lost"), "writes")
        parts.append(f"interruption {wording.interval_text(cut_over.get('interruption'))}, {lost} lost in the cut-over")
    told = "; ".join(parts) or numbers.without_numbers(seen)
    return f"{_cell(told)} ({seen.get('basis', 'unknown')})"


def _date(seen: dict[str, Any]) -> str:
    """A run's id begins with its day."""
    day = re.match(r"(\d{4})(\d\d)(\d\d)-", str(seen.get("run_id", "")))
    return "-".join(day.groups()) if day else "–"


def _key(service: str, drill: str) -> str:
    return f"{service}/{drill}"


def _markdown(columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)]) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
