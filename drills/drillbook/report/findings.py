"""What went well in a drill, what did not, and what to do about it: derived from the evidence, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drillbook.objective import Verdict
from drillbook.report import wording
from drillbook.report.story import Story


@dataclass(frozen=True)
class Finding:
    """``do`` is the action that follows, ``runbook`` what the runbook should say; either may be empty."""

    good: bool
    what: str
    do: str = ""
    runbook: str = ""


def findings(story: Story) -> list[Finding]:
    """In the order of an incident: detection, recovery, data, objectives, what is left."""
    return [
        *_detection(story),
        *_steps(story),
        *_checks(story),
        *_configuration(story),
        *_losses(story),
        *_objectives(story),
        *_rest(story),
    ]


def _detection(story: Story) -> Iterator[Finding]:
    if story.detected_by is None:
        if story.record.instants.get("t_inject") is not None:
            yield Finding(
                False,
                "no detection of the service itself was waited for",
                "say in the scenario which alarm or health check must notice this failure, and within what time",
                "name the alarm or health check that detects this failure",
            )
        return
    name, after = story.detected_by
    yield Finding(True, f"“{name}” noticed the failure {wording.seconds_text(after)} after the fault")


def _steps(story: Story) -> Iterator[Finding]:
    within = [step for step in story.steps if step["share"] is not None and step["share"] <= 1]
    done = [step for step in within if step["outcome"] in ("done", "skipped")]
    if done:
        yield Finding(True, f"{wording.count_text(len(done), 'step')} of the plan ended within their budgets")
    for step in story.steps:
        yield from _step(step["name"], step)


def _step(name: str, step: dict[str, object]) -> Iterator[Finding]:
    took, budget = wording.seconds_text(_number(step["seconds"])), wording.seconds_text(_number(step.get("budget")))
    if step["outcome"] == "failed":
        yield Finding(
            False,
            f"the step “{name}” failed: {step.get('error') or 'it does not say why'}",
            f"mend the step “{name}”, then run the drill again",
            f"say what to do when “{name}” fails",
        )
    elif step["share"] is not None and _number(step["share"]) > 1:
        yield Finding(
            False,
            f"the step “{name}” took {took}, more than its budget of {budget}",
            f"make “{name}” faster, or raise its budget and see that the sum still meets the RTO",
            f"“{name}”: budget {budget}, measured {took}",
        )
    if _number(step.get("attempts")) > 1:
        yield Finding(
            False,
            f"the step “{name}” needed {step['attempts']} attempts",
            f"find out why “{name}” did not work at once",
        )
    if step.get("manual") and step.get("acknowledged") != "by a person":
        yield Finding(
            False,
            f"the step “{name}” is a person's; in this drill its time was not a person's time",
            f"practise “{name}” with the people who would do it (drillbook run --interactive)",
        )


def _checks(story: Story) -> Iterator[Finding]:
    for check in story.checks:
        told = f"“{check['name']}”" + (f": {check['detail']}" if check.get("detail") else "")
        if check["ok"] is True:
            yield Finding(True, f"the check {told}")
        else:
            found = "could not tell" if check["ok"] is None else "did not hold"
            yield Finding(False, f"the check {told} ({found})", f"find out why “{check['name']}” {found}")


def _configuration(story: Story) -> Iterator[Finding]:
    for compared in story.configuration:
        if paths := ", ".join(str(each["path"]) for each in compared["differences"]):
            yield Finding(
                False,
                f"{compared['restored']} was restored without the settings {paths} of {compared['source']}",
                f"carry {paths} over to what is restored",
                f"after the restore, carry over: {paths}",
            )


def _losses(story: Story) -> Iterator[Finding]:
    if not story.is_measured or story.verdict == Verdict.INVALID:
        return
    during = story.gone_during
    if not story.gone:
        yield Finding(True, "no acknowledged write was lost")
    elif story.gone > during:
        lost = wording.count_text(story.gone - during, "write")
        yield Finding(
            False,
            f"{lost} acknowledged before the fault was in effect did not survive",
            "tell the owners of the lost records, and enter them again from another source",
            "name where lost records can be found again (queues, logs, partners)",
        )
    if during:
        yield Finding(
            False,
            f"{wording.count_text(during, 'write')} acknowledged during the outage did not survive",
            "stop writes before data is replaced, so that nothing is acknowledged that cannot be kept",
            "stop writes first",
        )


def _objectives(story: Story) -> Iterator[Finding]:
    for objective in story.objectives:
        allowed = wording.limit_text(objective["limit"], objective["unit"])
        seen = wording.measured_text(objective["measured"], objective["unit"])
        told = f"{objective['kind']}: {seen}, allowed {allowed}"
        if objective["verdict"] == Verdict.PASS:
            yield Finding(True, told)
        else:
            yield Finding(False, f"{told} ({objective['verdict']})", f"meet the {objective['kind']}, or agree another")


def _rest(story: Story) -> Iterator[Finding]:
    if story.is_over and story.verdict in (Verdict.INVALID, Verdict.NOT_SIMULATED):
        for cause in story.causes:
            yield Finding(False, f"the drill itself: {cause}", "make the drill sound, then run it again")
    for what in story.leftovers:
        yield Finding(False, f"left over: {what}", f"remove or restore {what} (drillbook heal)")


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
