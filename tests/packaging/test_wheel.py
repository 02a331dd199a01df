"""What is in the wheel, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from drillbook.cli import init

REPOSITORY = Path(__file__).parents[2]
HEAVY = ("boto3", "botocore", "moto", "hypothesis", "rich", "jinja2", "werkzeug")


def _names(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_holds_every_file_of_both_packages(wheel: Path) -> None:
    roots = [REPOSITORY / "drills" / "drillbook", REPOSITORY / "steps" / "drillbook_steps"]
    expected = {
        str(path.relative_to(root.parent))
        for root in roots
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert expected - _names(wheel) == set()
    assert {"drillbook/py.typed", "drillbook_steps/py.typed"} <= _names(wheel)


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    assert {name.partition("/")[0].partition("-")[0] for name in _names(wheel)} == {"drillbook", "drillbook_steps"}
    assert [name for name in _names(wheel) if "__pycache__" in name or name.endswith(".pyc")] == []


def test_the_wheel_packs_the_example_that_the_checkout_drills(wheel: Path) -> None:
    packed = zipfile.ZipFile(wheel)
    home = "drillbook/cli/scaffold/example"
    for kind in ("drills", "features"):
        for path in (REPOSITORY / kind / init.EXAMPLE).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert packed.read(f"{home}/{path.relative_to(REPOSITORY)}") == path.read_bytes()


def test_the_wheel_brings_the_command_the_plugin_and_the_licence(wheel: Path) -> None:
    packed = zipfile.ZipFile(wheel)
    (entry_points,) = [name for name in packed.namelist() if name.endswith("entry_points.txt")]
    text = packed.read(entry_points).decode()
    assert "drillbook = drillbook.cli.main:main" in text
    assert "[pytest11]\ndrillbook = drillbook_steps.plugin" in text
    assert any(name.endswith("licenses/LICENSE") for name in packed.namelist())


def test_loading_the_plugin_loads_nothing_heavy(tmp_path: Path) -> None:
    """An entry-point plugin is imported by every pytest run of its environment."""
    script = (
        "import sys, importlib, drillbook_steps.plugin as plugin\n"
        "for name in plugin.pytest_plugins: importlib.import_module(name)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
