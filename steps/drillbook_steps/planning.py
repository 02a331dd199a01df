"""``drillbook plan``: what each drill would do, shown without touching anything."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from drillbook import service as services
from drillbook import targets
from drillbook.drill_plan import describe
from drillbook.errors import DrillbookError
from drillbook.events import Json
from drillbook_steps.plugin import root_of
from drillbook_steps.selection import outline_of, template_of


def show_plans(session: pytest.Session) -> None:
    """Print the plan of every collected drill; as JSON to the file of ``--drillbook-json`` ('-': stdout) if given."""
    plans = [_plan(session.config, item) for item in session.items if template_of(item)]
    wanted = session.config.getoption("--drillbook-json")
    capture: Any = session.config.pluginmanager.get_plugin("capturemanager")
    text = json.dumps({"plans": plans}, indent=2) if wanted else "\n\n".join(map(_as_text, plans))
    with capture.global_and_fixture_disabled():
        if wanted and wanted != "-":
            Path(wanted).write_text(text + "\n")
        else:
            sys.stdout.write("\n" + text + "\n")


def _plan(config: pytest.Config, item: Any) -> dict[str, Json]:
    about = outline_of(item)
    try:
        service = services.find(root_of(config), about.service)
        target = targets.choose(service, config.getoption("--drillbook-target"))
        told = describe(service, target, about.faults, about.plans)
    except DrillbookError as error:
        raise pytest.UsageError(str(error)) from None
    limits = [
        {"kind": str(each.kind), "at_most": each.limit, "unit": each.kind.unit, "source": each.source}
        for each in about.objectives
    ]
    seen = [{"probe": probe, "within": limit} for probe, limit in about.detections]
    return {"drill": template_of(item).name, **told, "detections": seen, "objectives": limits}


def _as_text(plan: dict[str, Json]) -> str:
    from drillbook.report.wording import limit_text
    from drillbook.units import duration_text

    line = partial("  {:<13}{}".format)
    rows = [
        f"{plan['service']} · {plan['drill']}",
        line("target", f"{plan['target']} ({plan['basis']}) — {plan['stands_up']}"),
        *(line("resource", f"{row['role']}: {row['type']} {row['name']}") for row in plan["resources"]),
        *(
            line("objective", f"{row['kind']} at most {limit_text(row['at_most'], row['unit'])}")
            for row in plan["objectives"]
        ),
        *(line("steady state", promise) for promise in plan["steady_state"]),
        *(line("fault", f"{row['name']}: {row['what']}") for row in plan["faults"]),
        *(line("blast radius", limit) for limit in plan["blast_radius"]),
        *(line("detected by", f"{row['probe']} within {duration_text(row['within'])}") for row in plan["detections"]),
    ]
    for each in plan["plans"]:
        rows.append(line("recovery", f"{each['name']} — budget {duration_text(each['budget'])}"))
        rows += [line("", _step_text(number, step)) for number, step in enumerate(each["steps"], 1)]
    rows += [line("restored", what) for what in plan["restores"]]
    return "\n".join(rows)


def _step_text(number: int, step: Json) -> str:
    from drillbook.units import duration_text

    by_hand = ", by hand" if step["manual"] else ""
    return f"{number}. {step['name']} ({step['phase']}, {duration_text(step['budget'])}{by_hand})"
