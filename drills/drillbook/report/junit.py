"""JUnit XML: one test case a drill, the measured numbers as its properties."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from drillbook.events import Json
from drillbook.objective import Verdict
from drillbook.report import numbers
from drillbook.report.wording import MEANINGS, measured_text

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAGS = {
    Verdict.FAIL: "failure",
    Verdict.INCONCLUSIVE: "failure",
    Verdict.INVALID: "error",
    Verdict.NOT_SIMULATED: "skipped",
}


def write(path: Path, entries: list[Json]) -> None:
    """One suite of all drills. FAIL and INCONCLUSIVE are failures, INVALID an error, NOT SIMULATED skipped."""
    verdicts = [entry["verdict"] for entry in entries]
    suite = ElementTree.Element(
        "testsuite",
        name="drillbook",
        tests=str(len(entries)),
        failures=str(sum(verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) for verdict in verdicts)),
        errors=str(verdicts.count(Verdict.INVALID)),
        skipped=str(verdicts.count(Verdict.NOT_SIMULATED)),
        time=f"{sum(_seconds(entry) for entry in entries):.3f}",
    )
    suite.extend([_case(entry) for entry in entries])
    root = ElementTree.Element("testsuites", name="drillbook")
    root.append(suite)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _case(entry: Json) -> ElementTree.Element:
    case = ElementTree.Element(
        "testcase",
        classname=clean(f"{entry['service']}.{entry['target']}"),
        name=clean(entry["drill"]),
        time=f"{_seconds(entry):.3f}",
    )
    properties = ElementTree.SubElement(case, "properties")
    for name, value in measured(entry).items():
        ElementTree.SubElement(properties, "property", name=name, value=clean(value))
    if entry["verdict"] in _TAGS:
        causes = [str(cause) for cause in entry.get("causes") or []] or [MEANINGS[Verdict(entry["verdict"])]]
        failure = ElementTree.SubElement(case, _TAGS[entry["verdict"]], message=clean(causes[0]), type=entry["verdict"])
        failure.text = clean("\n".join(causes))
    return case


def measured(entry: Json) -> dict[str, str]:
    """The numbers of a drill by name, as text: for JUnit's properties and Allure's parameters."""
    told = {"verdict": str(entry["verdict"]), "basis": str(entry.get("basis", "")), "target": str(entry["target"])}
    for each in numbers.measured(entry):
        name = each.kind.lower() if each.kind in ("RTO", "RPO") else each.kind
        told[f"{name} measured"] = measured_text(each.interval, each.unit)
        bounds = {"lo": each.interval.get("lo"), "hi": each.interval.get("hi"), "objective": each.limit}
        for bound, value in bounds.items():
            if value is not None:
                told[f"{name} {bound} ({each.unit})"] = f"{value:.3f}" if each.unit == "s" else f"{value:g}"
    return told


def clean(text: object) -> str:
    """Text with the characters that XML 1.0 cannot hold replaced."""
    return _NOT_XML.sub("�", str(text))


def _seconds(entry: Json) -> float:
    return float(entry.get("seconds") or 0.0)
