"""Reading service files, and saying where one is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from drillbook import service as services
from drillbook.errors import LocatedError, UsageError

from .conftest import REPOSITORY, SMALLEST

Write = Callable[..., Path]


def mistake(path: Path) -> LocatedError:
    with pytest.raises(LocatedError) as caught:
        services.load(path)
    return caught.value


def test_the_smallest_service_has_defaults_for_the_rest(write: Write) -> None:
    service = services.load(write())
    assert (service.name, service.objectives.rto, service.canary.rate) == ("notes", 30.0, 20.0)
    assert service.rails.max_resources > 0
    assert service.folder == write().parent


@pytest.mark.parametrize("name", ["notes-http", "product-lambda"])
def test_the_services_of_this_repository_load(name: str) -> None:
    assert services.find(REPOSITORY, name).name == name


def test_a_service_cannot_be_changed_once_read(write: Write) -> None:
    service = services.load(write())
    with pytest.raises(ValueError, match="frozen"):
        service.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("text", ["012345670123", "no", "1:30", "2026-01-01", "null", "0x10", "1e3", "~", "Yes"])
def test_a_plain_scalar_stays_what_was_written(write: Write, text: str) -> None:
    service = services.load(write(whole=SMALLEST.replace("local: {}", f"local: {{values: {{v: {text}}}}}")))
    assert service.targets["local"].values == {"v": text}


def test_an_unquoted_account_id_keeps_its_leading_zero(write: Write) -> None:
    service = services.load(write(whole=SMALLEST.replace("{local: {}}", "{aws: {account: 012345670123}}")))
    assert service.targets["aws"].account == "012345670123"


def test_a_json_body_is_read_by_the_rules_of_json(write: Write) -> None:
    body = '{n: 3, q: "3", f: 1.5, t: true, no: no, z: null, id: 012, l: [1, x]}'
    service = services.load(write(whole=SMALLEST.replace("path: /notes}", f"path: /notes, json: {body}}}")))
    assert service.front_door.templates()["write"]["json"] == {
        "n": 3, "q": "3", "f": 1.5, "t": True, "no": "no", "z": None, "id": "012", "l": [1, "x"],
    }  # fmt: skip


MISTAKES = {
    "unknown key": ("probs: {}\n", 8, 1, "unknown key 'probs'", "did you mean 'probes'?"),
    "unknown inner key": ("canary: {rate: 5, tmeout: 2 s}\n", 8, 19, "unknown key 'tmeout' in canary", "'timeout'"),
    "wrong duration": ("canary: {hold: 3 parsecs}\n", 8, 16, "canary.hold: '3 parsecs' is no duration", "500 ms"),
    "bare number": ("canary: {hold: 3}\n", 8, 16, "'3' is no duration", ""),
    "wrong share": ("rails: {max_share: 130 %}\n", 8, 20, "'130 %' is no share", ""),
    "wrong number": ("canary: {rate: many}\n", 8, 16, "canary.rate must be a number", ""),
    "rate of nothing": ("canary: {rate: 0}\n", 8, 16, "greater than 0", ""),
    "list for mapping": ("canary: [1]\n", 8, 9, "canary must be a mapping", ""),
    "nothing for mapping": ("canary:\n", 8, 8, "but nothing is written here", ""),
    "text for list": ("steady_state: x\n", 8, 15, "steady_state: must be a list of probes, or a mapping", ""),
    "duplicate key": ("canary: {}\ncanary: {}\n", 9, 1, "'canary' stands here twice, first in line 8", "remove one"),
    "unknown probe": ("probes: {up: {run: [true]}}\nsteady_state: [upp]\n", 9, 16, "no probe 'upp'", "'up'"),
    "unknown probe among tolerances": (
        "probes: {up: {run: [true]}}\nsteady_state: {errors: 1 %, probes: [upp]}\n",
        9,
        38,
        "no probe 'upp'",
        "'up'",
    ),
    "unknown tolerance": ("steady_state: {p59: 1 s}\n", 8, 16, "unknown key 'p59' in steady_state", "'p95'"),
    "tolerance without a unit": ("steady_state: {p95: 300}\n", 8, 21, "steady_state.p95: '300' is no duration", ""),
    "no such share": ("steady_state: {availability: 199 %}\n", 8, 30, "'199 %' is no share", ""),
    "unknown detection": ("detections: [up]\n", 8, 14, "there is no probe 'up'", "none is defined"),
    "unknown fault": ("sabotages:\n  s: {fault: f, skip: x}\n", 9, 14, "there is no fault 'f'", "none"),
    "sabotage of nothing": ("sabotages:\n  s: {drill: d}\n", 9, 6, "exactly one of 'plan', 'skip', 'before'", ""),
    "unknown taking away": ("sabotages:\n  s: {before: recovery.py:x}\n", 9, 15, "does not define 'x'", "restore_it"),
    "unknown capability": ("needs: [dynamodb.pitt]\n", 8, 9, "no capability 'dynamodb.pitt'", "'dynamodb.pitr'"),
    "unknown built-in": ("probes: {a: {use: cloudwatch.alrm}}\n", 8, 19, "built-in probe 'cloudwatch.alrm'", "alarm'"),
    "missing file": ("plans: {p: recovry.py:go}\n", 8, 12, "there is no file", "did you mean 'recovery.py'?"),
    "missing name": ("plans: {p: recovery.py:restore}\n", 8, 12, "does not define 'restore'", "'restore_it'"),
    "missing name in long form": ("plans:\n  p:\n    use: recovery.py:x\n", 10, 10, "does not define 'x'", ""),
    "no reference": ("plans: {p: restore_it}\n", 8, 12, "does not name Python code", "file.py:name"),
    "two ways": ("probes: {p: {run: [a], use: b.py:c}}\n", 8, 13, "exactly one of", ""),
    "no way": ("probes: {p: {timeout: 3 s}}\n", 8, 13, "has none", ""),
    "command as text": ("probes: {p: {run: curl -f x}}\n", 8, 19, "is one text", "as a list of words: [curl, -f, x]"),
    "empty command": ("probes: {p: {run: []}}\n", 8, 19, "at least 1 item", ""),
    "secret": ("probes: {p: {run: [a], env: {DB_PASSWORD: x}}}\n", 8, 29, "DB_PASSWORD, which looks like", "inherit"),
    "key of another way": ("probes: {p: {run: [a], with: {b: c}}}\n", 8, 13, "has 'with', which goes only with", ""),
    "half a fault": ("faults: {f: {inject: {run: [a]}}}\n", 8, 13, "lacks observe and restore", "give 'use'"),
    "empty plan": ("plans: {p: {steps: []}}\n", 8, 12, "needs either 'use' or 'steps'", ""),
    "twins": (
        "plans: {p: {steps: [{name: a, run: [b]}, {name: a, run: [b]}]}}\n",
        8,
        49,
        "two steps are called 'a'",
        "",
    ),
    "unknown step": (
        "plans: {p: {steps: [{name: a, run: [b], after: [c]}]}}\n",
        8,
        49,
        "there is no step 'c'",
        "known: a",
    ),
    "unknown phase": ("plans: {p: {steps: [{name: a, run: [b], phase: x}]}}\n", 8, 48, "none of detect, decide", ""),
    "manual and not": ("plans: {p: {steps: [{name: a, run: [b], manual: x}]}}\n", 8, 21, "is manual and has 'run'", ""),
    "unknown description": ("configuration: {c: {kind: x, source: a, restored: b}}\n", 8, 27, "description 'x'", ""),
    "no URL": ("probes: {p: {http: {url: example.com}}}\n", 8, 26, "'example.com' is no URL", "http://"),
    "no status": ("probes: {p: {http: {url: http://x, status: [9]}}}\n", 8, 45, "greater than or equal to 100", ""),
    "alias": ("needs: &a []\ndetections: *a\n", 9, 13, "aliases (*name) are not supported", ""),
    "tag": ("needs: !!python/name:os.system\n", 8, 8, "tag", "remove it"),
    "broken YAML": ("needs: [a\n", 9, 1, "is not YAML", ""),
    "tab": ("canary:\n\trate: 3\n", 9, 1, "is not YAML", ""),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_told_with_its_place_and_a_way_out(write: Write, case: str) -> None:
    more, line, column, what, do = MISTAKES[case]
    error = mistake(write(more, recovery="def restore_it(world): ..."))
    assert (error.line, error.column) == (line, column), str(error)
    assert what in error.what
    assert do in str(error)
    assert error.do
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("whole", "what"),
    [
        ("", "is empty"),
        ("# only a comment\n", "is empty"),
        ("- a\n", "must hold 'key: value' lines"),
        ("just text\n", "must hold 'key: value' lines"),
        ("service: a\n", "the key 'targets' is missing"),
        (SMALLEST.replace("notes\n", "My Notes\n", 1), "service: string should match"),
        (SMALLEST.replace("local", "locall"), "'locall' is none of the targets there can be"),
        (SMALLEST.replace("{local: {}}", "{}"), "at least 1 item"),
        (SMALLEST.replace("{local: {}}", "{aws: {account: 1234}}"), "'1234' is no account id"),
        (SMALLEST.replace("path: /notes}", "path: notes}"), "front_door.write.path"),
        (SMALLEST.replace("$.text", "text"), "'text' is no path into an answer"),
        (SMALLEST.replace("$.text", "$.text, pattern: abc"), "'abc' must have exactly one (group)"),
        (SMALLEST.replace("$.text", "$.text, pattern: '('"), "'(' is no regular expression"),
        (SMALLEST.replace(", version: $.text", ""), "its 'read' lacks 'version'"),
        ("[" * 2000, "nested too deeply"),
        ("a: " + "[" * 60 + "]" * 60, "nested too deeply"),
        ("{a: {[b]: c}}", "a key must be a word"),
        ("%YAML x\n---\na: b\n", "is not YAML"),
        ("a: \x00", "forbids"),
        ("a: b\n--- \nc: d\n", "is not YAML"),
    ],
)
def test_a_file_that_is_no_service_file_is_told_in_one_line(write: Write, whole: str, what: str) -> None:
    error = mistake(write(whole=whole))
    assert what in error.what
    assert "\n" not in str(error)


def test_a_file_that_is_not_utf8_or_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "service.yaml"
    assert "no such file" in mistake(path).what
    path.write_bytes(b"a: b\nc: \xff\n")
    assert (mistake(path).line, mistake(path).what.endswith("is not UTF-8 text")) == (2, True)
    assert "is a directory" in mistake(tmp_path).what


def test_all_mistakes_are_found_in_the_order_of_their_lines(write: Write) -> None:
    found = services.mistakes(write("needs: [x]\ndetections: [a, b]\n"))
    assert [(error.line, error.column) for error in found] == [(8, 9), (9, 14), (9, 17)]
    assert services.mistakes(write()) == []


def test_settings_of_a_built_in_are_checked_when_the_file_is_read(write: Write) -> None:
    more = "faults: {f: {use: dynamodb.corrupt_items, with: {table: t, attribute: a, corrupt: 300 %, delete: 1 %}}}\n"
    error = mistake(write(more))
    assert "corrupt: '300 %' is no share" in error.what
    assert error.column == more.index("300") + 1
    error = mistake(write(more.replace("300 %, delete", "3 %, delte")))
    assert "unknown key 'delte' in faults.f.with" in error.what
    assert error.do == "did you mean 'delete'?"


def test_a_service_is_found_by_the_name_of_its_folder(tmp_path: Path) -> None:
    for name in ("notes", "other"):
        (tmp_path / "drills" / name).mkdir(parents=True)
        (tmp_path / "drills" / name / "service.yaml").write_text(SMALLEST)
    assert [path.parent.name for path in services.discover(tmp_path)] == ["notes", "other"]
    assert services.find(tmp_path, "notes").name == "notes"
    with pytest.raises(UsageError, match="did you mean 'notes'"):
        services.find(tmp_path, "note")
    with pytest.raises(LocatedError, match="'notes' lies in the folder 'other'"):
        services.find(tmp_path, "other")


def test_a_sabotage_for_a_drill_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    folder, features = tmp_path / "drills" / "notes", tmp_path / "features" / "notes"
    for each in (folder, features):
        each.mkdir(parents=True)
    (folder / "service.yaml").write_text(SMALLEST + "sabotages:\n  s: {drill: The store is lots, canary: dead}\n")
    (features / "a.feature").write_text("Feature: F\n  Rule: R\n    Scenario: The store is lost\n      Given a\n")
    error = mistake(folder / "service.yaml")
    assert "there is no drill 'The store is lots' — did you mean 'The store is lost'?" in str(error)
