"""Faults, probes, plans and checks from a service file: by Python, command and request."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from drillbook import catalogue, service_actions
from drillbook.errors import LocatedError, PermanentError, ProbeError, TemporaryError, UsageError
from drillbook.fault import Fault
from drillbook.placeholders import for_people, front_door
from drillbook.recovery import Phase, Plan
from drillbook.service_model import Action
from drillbook.world import World

Make = Callable[..., World]

FAULT = """
faults:
  lights out:
    capture:  {run: [/bin/sh, -c, 'printf "{\\"lamp\\": \\"%s\\"}" "$(cat lamp)"']}
    inject:   {run: [/bin/sh, -c, 'echo off > lamp']}
    observe:  {run: [/bin/sh, -c, 'test "$(cat {service_dir}/lamp)" = off']}
    restore:  {use: code.py:light, with: {how: kindly}}
    touches: ["{service_dir}/lamp"]
    settle: 1 s
"""
LIGHT = """
import json, pathlib
def light(world, before, how):
    assert how == "kindly"
    pathlib.Path(world.fill("{service_dir}/lamp")).write_text(before["lamp"])
"""


@pytest.fixture
def lamp(world: Make) -> World:
    there = world(FAULT, code=LIGHT)
    (there.service.folder / "lamp").write_text("on")
    return there


def state(world: World) -> str:
    return (world.service.folder / "lamp").read_text().strip()


def test_a_fault_of_parts_is_injected_observed_and_restored(lamp: World) -> None:
    fault = service_actions.build_fault(lamp, "lights out").fault
    before = fault.capture()
    assert before == {"lamp": "on"}
    assert not fault.observe(before)
    fault.apply(before)
    assert (state(lamp), fault.observe(before), fault.restored(before)) == ("off", True, False)
    fault.restore(before)
    assert (state(lamp), fault.restored(before)) == ("on", True)
    assert fault.touches() == [f"{lamp.service.folder}/lamp"]
    assert fault.settle == 1.0


def test_a_fault_can_be_made_again_from_the_journals_json_alone(lamp: World) -> None:
    fault, factory, settings = service_actions.build_fault(lamp, "lights out")
    before = fault.capture()
    fault.apply(before)
    lamp.values.clear()  # another process may not know them any more
    kept = json.loads(json.dumps({"factory": factory, "settings": settings, "before": before}))
    again = service_actions.rebuild_change(lamp, kept["factory"], kept["settings"])
    lamp.values["service_dir"] = str(lamp.service.folder)
    again.restore(kept["before"])
    again.restore(kept["before"])
    assert again.restored(kept["before"])
    assert state(lamp) == "on"


def test_what_looks_like_a_placeholder_in_a_change_of_code_means_what_it_says(
    lamp: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "imported", lambda _: lambda _world, path: path)
    again = service_actions.rebuild_change(lamp, "package.module:Change", {"path": "PUT /orders/{id}"})
    assert again == "PUT /orders/{id}"


def test_what_restored_says_counts_before_what_observe_says(world: Make) -> None:
    parts = "inject: {run: ['true']}, restore: {run: ['true']}, observe: {run: ['false']}"
    there = world(f"faults: {{f: {{{parts}, restored: {{run: [test, -e, done]}}}}}}\n")
    fault = service_actions.build_fault(there, "f").fault
    assert not fault.restored(None)
    (there.service.folder / "done").touch()
    assert fault.restored(None)


def test_a_fault_that_cannot_tell_is_not_restored(world: Make) -> None:
    parts = "inject: {run: ['true']}, restore: {run: ['true']}, observe: {run: [sleep, '9'], timeout: 100 ms}"
    fault = service_actions.build_fault(world(f"faults: {{f: {{{parts}}}}}\n"), "f").fault
    assert (fault.observe(None), fault.restored(None)) == (False, False)


def test_a_failing_injection_is_an_error_that_quotes_the_command(world: Make) -> None:
    parts = (
        "inject: {run: [/bin/sh, -c, 'echo no way >&2; exit 9']}, restore: {run: ['true']}, observe: {run: ['true']}"
    )
    fault = service_actions.build_fault(world(f"faults: {{f: {{{parts}}}}}\n"), "f").fault
    with pytest.raises(PermanentError, match="exit status 9: no way"):
        fault.apply(None)


@pytest.mark.parametrize(
    ("capture", "before"),
    [
        ("{run: [echo, '[1]']}", [1]),
        ("{run: ['true']}", None),
        ("{use: code.py:given}", {"a": [1]}),
    ],
)
def test_what_is_captured_is_json(world: Make, capture: str, before: object) -> None:
    assert _capturing(world, capture).capture() == before


@pytest.mark.parametrize("capture", ["{run: [echo, hello]}", "{use: code.py:odd}"])
def test_a_capture_that_is_no_json_is_an_error_and_not_lost(world: Make, capture: str) -> None:
    with pytest.raises(PermanentError, match="gave no JSON"):
        _capturing(world, capture).capture()


def _capturing(world: Make, capture: str) -> Fault:
    parts = "inject: {run: ['true']}, restore: {run: ['true']}, observe: {run: ['true']}"
    code = "def given(world): return {'a': (1,)}\ndef odd(world): return object()\n"
    return service_actions.build_fault(world(f"faults: {{f: {{capture: {capture}, {parts}}}}}\n", code=code), "f").fault


FAULT_CLASS = """
from pydantic import BaseModel
class Dimmed:
    class Settings(BaseModel):
        share: int
    settle = 0.0
    def __init__(self, world, settings): self.share = settings.share
    def describe(self): return f"dim by {self.share}"
    def touches(self): return []
    def capture(self): return None
    def apply(self, before): ...
    def restore(self, before): ...
    def restored(self, before): return True
    def observe(self, before): return True
class Half:
    def __init__(self, world): ...
    def describe(self): return "half a fault"
"""


def test_a_python_class_is_a_fault_and_a_scenario_may_override_its_settings(world: Make) -> None:
    there = world("faults: {f: {use: code.py:Dimmed, with: {share: 30}}}\n", code=FAULT_CLASS)
    fault, factory, settings = service_actions.build_fault(there, "f", {"share": "50"})
    assert isinstance(fault, Fault)
    assert (fault.describe(), factory, settings) == ("dim by 50", "code.py:Dimmed", {"share": "50"})
    with pytest.raises(UsageError, match=r"code.py:Dimmed: share: .*integer"):
        service_actions.build_fault(there, "f", {"share": "much"})


def test_half_a_fault_is_refused(world: Make) -> None:
    with pytest.raises(UsageError, match="is no fault"):
        service_actions.build_fault(world("faults: {f: {use: code.py:Half}}\n", code=FAULT_CLASS), "f")


CODE = """
from drillbook.errors import TemporaryError
from drillbook.probe import Reading
from .beside import GREETING

def reading(world): return Reading(True, GREETING)
def yes(world): return True
def no(): return False
def nothing(world): ...
def number(world): return 3
def wrong(world): assert 1 == 2, "one is not two"
def broken(world): return {}["x"]
def later(world): raise TemporaryError("not yet")
def told(world, word, times="1"): return Reading(True, word * int(times))
def two(world, a, b): ...
class Probe:
    def __init__(self, world, colour="blue"): self.colour = colour
    def describe(self): return self.colour
    def read(self): return Reading(None, self.colour)
class NoProbe:
    def __init__(self, world): ...
NOT_CALLABLE = 3
"""
BESIDE = "GREETING = 'hello from beside'\n"


@pytest.fixture
def coded(world: Make) -> Callable[..., Any]:
    """Makes the probe ``code.py:<name>`` with settings."""

    def probe(name: str, settings: str = "{}") -> Any:
        there = world(f"probes: {{p: {{use: code.py:{name}, with: {settings}}}}}\n", code=CODE, beside=BESIDE)
        return service_actions.build_probe(there, "p")

    return probe


@pytest.mark.parametrize(
    ("name", "ok", "value"),
    [
        ("reading", True, "hello from beside"),
        ("yes", True, "holds"),
        ("no", False, "does not hold"),
        ("nothing", None, "returned nothing"),
        ("wrong", False, "one is not two"),
        ("broken", None, "code.py:12: KeyError: 'x'"),
        ("later", None, "not yet"),
        ("Probe", None, "blue"),
    ],
)
def test_any_callable_is_a_probe(coded: Callable[..., Any], name: str, ok: bool | None, value: str) -> None:
    reading = coded(name).read()
    assert reading.ok is ok
    assert value in reading.value


def test_settings_reach_a_callable_as_text(coded: Callable[..., Any]) -> None:
    assert coded("told", "{word: no, times: 2}").read().value == "nono"
    assert coded("Probe", "{colour: red}").describe() == "red"


@pytest.mark.parametrize(
    ("name", "settings", "what"),
    [
        ("number", "{}", "returned int"),
        ("two", "{}", "cannot be called: missing a required argument: 'a'"),
        ("yes", "{a: b}", "cannot be called: got an unexpected keyword argument 'a'"),
        ("NoProbe", "{}", "is no probe"),
        ("NOT_CALLABLE", "{}", "is not callable"),
    ],
)
def test_a_callable_that_does_not_fit_is_told(coded: Callable[..., Any], name: str, settings: str, what: str) -> None:
    with pytest.raises(UsageError, match=what.replace("(", ".")):
        coded(name, settings).read()


def test_code_that_cannot_be_imported_is_told_with_its_line(world: Make) -> None:
    there = world("checks: {c: code.py:x}\n", code="import os\nx = 1\nraise ValueError('bad day')\n")
    with pytest.raises(UsageError, match=r"code.py:3: importing failed: ValueError: bad day"):
        service_actions.build_check(there, "c")
    (there.service.folder / "code.py").write_text("x = 1\nif:\n")
    with pytest.raises(LocatedError, match=r"code.py:2:3: is not Python"):
        service_actions.build_check(there, "c")


def test_commands_are_probes_by_their_exit_status(world: Make) -> None:
    there = world(
        "probes:\n  up: {run: [echo, fine]}\n  down: {run: [/bin/sh, -c, 'echo bad >&2; exit 2']}\n"
        "  slow: {run: [sleep, '9'], timeout: 100 ms}\n  gone: {run: [no-such-program]}\n"
    )
    readings = {name: service_actions.build_probe(there, name).read for name in ("up", "down", "slow")}
    assert [(read().ok) for read in readings.values()] == [True, False, None]
    assert [read().value for read in readings.values()][:2] == ["fine", "bad"]
    assert service_actions.build_probe(there, "up").describe() == "echo fine"
    with pytest.raises(PermanentError, match="there is no program 'no-such-program'"):
        service_actions.build_probe(there, "gone").read()


PLAN = """
probes: {}
plans:
  by steps:
    steps:
      - {name: first, run: [/bin/sh, -c, 'echo 1 >> done'], budget: 5 s, check: {run: [test, -e, never]}}
      - {name: second, use: code.py:act, phase: verify, verify: {run: [/bin/sh, -c, 'test "$(tail -n 1 done)" = 2']}}
      - {name: ask, manual: "Call the owner of {service_dir}", after: [first], phase: communicate}
      - {name: look, http: {url: "http://127.0.0.1:1/", timeout: 100 ms}}
  by code: code.py:plan
  by nothing: code.py:no_plan
"""
PLAN_CODE = """
from drillbook.recovery import Plan, Step
def act(world):
    with open(world.fill("{service_dir}/done"), "a") as done: done.write("2")
def fail(): raise OSError("disk full")
def plan(world): return Plan("by code", (Step("fails", fail, check=fail, verify=fail), Step("works", lambda: 7)))
def no_plan(world): return 3
"""


def test_a_plan_is_written_as_steps(world: Make) -> None:
    there = world(PLAN, code=PLAN_CODE)
    plan = service_actions.build_plan(there, "by steps")
    first, second, ask, look = plan.steps
    assert first.check is not None
    assert second.verify is not None
    assert (first.budget, first.check(), second.verify()) == (5.0, False, False)
    first.act()
    second.act()
    assert second.verify() is True
    assert (second.phase, ask.manual, ask.after) == (Phase.VERIFY, True, ("first",))
    assert ask.act() == f"Call the owner of {there.service.folder}"
    with pytest.raises(TemporaryError, match="connection refused"):
        look.act()


def test_a_plan_from_code_fails_only_with_errors_that_a_runner_knows(world: Make) -> None:
    there = world(PLAN, code=PLAN_CODE)
    plan = service_actions.build_plan(there, "by code")
    assert isinstance(plan, Plan)
    fails, works = plan.steps
    for call in (fails.act, fails.check, fails.verify):
        assert call is not None
        with pytest.raises(PermanentError, match=r"step 'fails' of code.py:plan failed at .*code.py:5: OSError: disk"):
            call()
    assert works.act() == 7
    with pytest.raises(UsageError, match="returned int"):
        service_actions.build_plan(there, "by nothing")


def test_an_aws_error_of_a_services_code_keeps_its_code(world: Make) -> None:
    code = """
    def check(world):
        from botocore.exceptions import ClientError
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "PutItem")
    """
    there = world("plans: {p: {steps: [{name: a, use: code.py:check}]}}\n", code=code)
    with pytest.raises(TemporaryError) as caught:
        service_actions.build_plan(there, "p").steps[0].act()
    assert caught.value.code == "ThrottlingException"


def test_names_that_are_not_there_are_told_with_the_nearest(world: Make) -> None:
    there = world("probes: {lamp: {run: [a]}}\nfaults: {}\n")
    for build in (service_actions.build_fault, service_actions.build_plan, service_actions.build_check):
        with pytest.raises(UsageError, match="the service has no"):
            build(there, "lmp")
    with pytest.raises(UsageError, match="did you mean 'lamp'"):
        service_actions.build_probe(there, "lmp")


def test_standing_up_adds_what_commands_and_code_say_to_the_placeholders(world: Make) -> None:
    there = world(code="def more(world): return {'b': world.fill('{a}') + '!'}")
    target = there.service.targets["local"].model_copy(
        update={
            "values": {"w": "{workdir}/x"},
            "stand_up": (Action(run=("echo", '{"a": "1"}')), Action(use="code.py:more"), Action(run=("echo", "plain"))),
            "tear_down": (Action(run=("touch", "{service_dir}/{b}")),),
        }
    )
    there.service = there.service.model_copy(update={"targets": {"local": target}})
    assert service_actions.stand_up(there) == {"w": f"{there.workdir}/x", "a": "1", "b": "1!"}
    service_actions.tear_down(there)
    assert (there.service.folder / "1!").exists()


def test_the_front_door_is_filled_but_for_what_the_canary_fills(world: Make) -> None:
    door = front_door(world())
    assert door["url"] == "http://127.0.0.1:1"
    assert door["read"]["path"] == "/notes/{key}"


def test_people_see_placeholders_instead_of_this_machines_paths(world: Make) -> None:
    there = world()
    assert for_people(there, f"{there.workdir}/a and {there.service.folder}/b") == "{workdir}/a and {service_dir}/b"


def test_a_probe_of_a_wrong_address_is_broken(world: Make) -> None:
    there = world('probes: {p: {http: {url: "{address}"}}}\n')
    there.values["address"] = "ftp://example.com"
    with pytest.raises(ProbeError, match="is no address"):
        service_actions.build_probe(there, "p").read()
